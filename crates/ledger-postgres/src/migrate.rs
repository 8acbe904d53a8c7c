//! The schema, brought up to date.

use crate::{codec::failed, partitions, primary::Hosts};
use jiff::Timestamp;
use ledger::{LedgerError, Result};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::time::Duration;

/// Brings the schema up to date. Migrations only move forward; one node at a time carries them out.
pub async fn migrate(url: &str, now: Timestamp) -> Result<()> {
    migrate_at(Hosts::parse(url)?.writable().await?, now).await
}

/// The same of a database whose host is found.
pub(crate) async fn migrate_at(options: PgConnectOptions, now: Timestamp) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(options);
    let done = sqlx::migrate!("./migrations").run(&pool).await;
    done.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => failed(error),
        sqlx::migrate::MigrateError::VersionMissing(version) => LedgerError::Refused(format!(
            "the database was written by a later release (migration {version} is unknown to this one)"
        )),
        other => LedgerError::Refused(other.to_string()),
    })?;
    partitions::make(&pool, now).await?;
    pool.close().await;
    Ok(())
}
