//! Chains that time alone may change.

use crate::{
    SqliteLedger,
    codec::{Key, failed, micros, time, uuid},
};
use async_trait::async_trait;
use domain::{AppId, ChainKey, CustomerId, Environment, ProjectId, Store};
use jiff::Timestamp;
use ledger::{Checks, DueCheck, Result};
use rusqlite::{Connection, params};

#[async_trait]
impl Checks for SqliteLedger {
    async fn due_checks(&self, now: Timestamp, limit: usize) -> Result<Vec<DueCheck>> {
        self.read_long(move |connection| due_checks(connection, now, limit))
            .await
    }
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        let check = check.clone();
        self.writer
            .write(move |connection| postpone_check(connection, &check, at))
            .await
    }
}

fn due_checks(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<DueCheck>> {
    let mut statement = connection.prepare_cached("SELECT project, app, environment, chain, customer, store, check_at FROM purchases WHERE check_at IS NOT NULL AND check_at <= ?1 ORDER BY check_at LIMIT ?2").map_err(failed)?;
    let rows = statement.query_map(params![micros(now), limit], |row| {
        let environment: String = row.get(2)?;
        let environment = Environment::from_id(&environment).unwrap_or(Environment::Sandbox);
        Ok(DueCheck {
            project: ProjectId::new(uuid(row, 0)?),
            app: AppId::new(uuid(row, 1)?),
            chain: ChainKey {
                store: Store::from_id(&row.get::<_, String>(5)?).unwrap_or(Store::External),
                environment,
                id: row.get(3)?,
            },
            customer: CustomerId::new(uuid(row, 4)?),
            check_at: time(row, 6)?,
        })
    });
    rows.and_then(Iterator::collect).map_err(failed)
}

fn postpone_check(connection: &Connection, check: &DueCheck, at: Timestamp) -> Result<()> {
    connection
        .prepare_cached("UPDATE purchases SET check_at = ?6 WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4 AND check_at = ?5")
        .and_then(|mut statement| {
            statement.execute(params![
                check.customer.key(),
                check.app.key(),
                check.chain.environment.id(),
                check.chain.id,
                micros(check.check_at),
                micros(at)
            ])
        })
        .map(|_| ())
        .map_err(failed)
}
