//! Retention, and whether all is well.

use crate::{
    SqliteLedger, accounts,
    codec::micros,
    statement::{all, execute},
};
use async_trait::async_trait;
use ledger::{KeptSince, Result, Upkeep};
use rusqlite::{Connection, params};

#[async_trait]
impl Upkeep for SqliteLedger {
    async fn retain(&self, since: KeptSince, limit: usize) -> Result<u64> {
        self.writer
            .write(move |connection| {
                let attempts = execute(
                    connection,
                    "DELETE FROM attempts WHERE position IN (SELECT position FROM attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
                    params![micros(since.attempts), limit],
                )?;
                let log = (since.audit, since.audit_of_programs);
                Ok((attempts + accounts::retain(connection, log, limit)?) as u64)
            })
            .await
    }
    async fn inspect(&self) -> Result<Vec<String>> {
        self.read_long(inspect).await
    }
    async fn check(&self) -> Result<()> {
        self.writer
            .write(|connection| {
                execute(
                    connection,
                    "INSERT INTO meta VALUES ('checks', 1) ON CONFLICT DO UPDATE SET value = value + 1",
                    [],
                )
                .map(|_| ())
            })
            .await
    }
}

fn inspect(connection: &Connection) -> Result<Vec<String>> {
    let told =
        |sql| -> Result<Vec<String>> { all(connection, "database", sql, [], |row| row.get(0)) };
    let mut findings = told("PRAGMA integrity_check")?;
    findings.retain(|finding| finding != "ok");
    let broken = told("PRAGMA foreign_key_check")?.into_iter();
    findings.extend(broken.map(|table| format!("a row of {table} refers to nothing")));
    Ok(findings)
}
