//! Retention, and whether all is well.

use crate::{
    SqliteLedger,
    codec::{failed, micros},
};
use async_trait::async_trait;
use jiff::Timestamp;
use ledger::{Result, Upkeep};
use rusqlite::{Connection, params};

#[async_trait]
impl Upkeep for SqliteLedger {
    async fn retain(&self, attempts_before: Timestamp, limit: usize) -> Result<u64> {
        self.writer
            .write(move |connection| retain(connection, attempts_before, limit))
            .await
    }
    async fn inspect(&self) -> Result<Vec<String>> {
        self.read_long(|connection| {
            let mut statement = connection
                .prepare("PRAGMA integrity_check")
                .map_err(failed)?;
            let mut findings: Vec<String> = statement
                .query_map([], |row| row.get(0))
                .map_err(failed)?
                .collect::<rusqlite::Result<_>>()
                .map_err(failed)?;
            let mut foreign = connection
                .prepare("PRAGMA foreign_key_check")
                .map_err(failed)?;
            let broken: Vec<String> = foreign
                .query_map([], |row| row.get::<_, String>(0))
                .map_err(failed)?
                .collect::<rusqlite::Result<_>>()
                .map_err(failed)?;
            findings.retain(|finding| finding != "ok");
            findings.extend(
                broken
                    .into_iter()
                    .map(|table| format!("a row of {table} refers to nothing")),
            );
            Ok(findings)
        })
        .await
    }
    async fn check(&self) -> Result<()> {
        self.writer
            .write(|connection| {
                connection
                    .execute(
                        "INSERT INTO meta VALUES ('checks', 1) ON CONFLICT DO UPDATE SET value = value + 1",
                        [],
                    )
                    .map(|_| ())
                    .map_err(failed)
            })
            .await
    }
}

fn retain(connection: &Connection, attempts_before: Timestamp, limit: usize) -> Result<u64> {
    let gone = connection.execute(
        "DELETE FROM attempts WHERE position IN (SELECT position FROM attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
        params![micros(attempts_before), limit],
    );
    gone.map(|count| count as u64).map_err(failed)
}
