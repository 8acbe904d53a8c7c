//! Chains that time alone may change.

use crate::{
    SqliteLedger,
    codec::{Key, any_of, micros},
    statement::{all, execute},
};
use async_trait::async_trait;
use domain::{AppId, ChainKey};
use jiff::Timestamp;
use ledger::{Checks, DueCheck, Result, codec::readable};
use rusqlite::{Connection, params};

#[async_trait]
impl Checks for SqliteLedger {
    async fn due_checks(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<DueCheck>> {
        let except = any_of(except)?;
        self.read_long(move |connection| due_checks(connection, now, &except, limit))
            .await
    }
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        let check = check.clone();
        self.writer
            .write(move |connection| postpone_check(connection, &check, at))
            .await
    }
}

fn due_checks(
    connection: &Connection,
    now: Timestamp,
    except: &str,
    limit: usize,
) -> Result<Vec<DueCheck>> {
    let due = all(
        connection,
        "purchases",
        "SELECT chain, project, app, environment, customer, store, check_at FROM purchases WHERE check_at IS NOT NULL AND check_at <= ?1
           AND hex(app) NOT IN (SELECT value FROM json_each(?3)) ORDER BY check_at LIMIT ?2",
        params![micros(now), limit, except],
        |row| {
            let read = || {
                Ok(DueCheck {
                    project: row.id(1)?,
                    app: row.id(2)?,
                    chain: ChainKey {
                        store: row.store(5)?,
                        environment: row.environment(3)?,
                        id: row.get(0)?,
                    },
                    customer: row.id(4)?,
                    check_at: row.time(6)?,
                })
            };
            Ok(read())
        },
    )?;
    Ok(readable(due))
}

fn postpone_check(connection: &Connection, check: &DueCheck, at: Timestamp) -> Result<()> {
    execute(
        connection,
        "UPDATE purchases SET check_at = ?6 WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4 AND check_at = ?5",
        params![
            check.customer.key(),
            check.app.key(),
            check.chain.environment.id(),
            check.chain.id,
            micros(check.check_at),
            micros(at)
        ],
    )
    .map(|_| ())
}
