//! Retention, and whether all is well.

use crate::{
    SqliteLedger, audit, clock,
    codec::micros,
    holdings, outcomes, room,
    statement::{execute, first},
};
use async_trait::async_trait;
use domain::CustomerId;
use jiff::Timestamp;
use ledger::{
    KeptSince, LedgerError, Result, Upkeep,
    invariants::{Finding, Holding},
};
use rusqlite::params;

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
                let attempts = attempts + outcomes::retain(connection, since.attempts)?;
                Ok((attempts + audit::retain(connection, since, limit)?) as u64)
            })
            .await
    }
    async fn inspect(&self) -> Result<Vec<Finding>> {
        self.read_long(holdings::inspect).await
    }
    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>> {
        self.read_long(move |connection| holdings::ids(connection, after, limit))
            .await
    }
    async fn holdings(&self, customers: &[CustomerId]) -> Result<Vec<Holding>> {
        let customers = customers.to_vec();
        self.read_long(move |connection| holdings::of(connection, &customers))
            .await
    }
    async fn edition(&self) -> Result<u64> {
        self.read(|connection| {
            let sql = "SELECT name, value FROM meta WHERE name = 'edition'";
            Ok(first(connection, "meta", sql, [], |row| row.get(1))?.unwrap_or(0))
        })
    }
    async fn put_edition(&self, edition: u64) -> Result<()> {
        self.writer
            .write(move |connection| {
                let sql = "INSERT INTO meta VALUES ('edition', ?1) ON CONFLICT DO UPDATE SET value = max(value, ?1)";
                execute(connection, sql, params![edition]).map(|_| ())
            })
            .await
    }
    async fn latest_time(&self) -> Result<Option<Timestamp>> {
        self.read(clock::latest)
    }
    async fn note_time(&self, now: Timestamp) -> Result<()> {
        self.writer
            .write(move |connection| clock::note(connection, now))
            .await
    }
    async fn check(&self) -> Result<()> {
        let failed = self.writer.failed();
        if failed.forget() {
            let path = self.path.clone();
            let proved = tokio::task::spawn_blocking(move || room::prove(&path)).await;
            let proved = proved.map_err(|error| LedgerError::Unavailable(error.to_string()));
            let proved = proved.and_then(|proved| proved);
            failed.note(&proved);
            proved?;
        }
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

    fn has_failed(&self) -> bool {
        self.writer.failed().get()
    }
}
