//! The schema, and what brought it from one level to the next. Migrations only move forward.

use crate::codec::failed;
use ledger::{LedgerError, Result};
use rusqlite::{Connection, TransactionBehavior};

/// In the order of their levels: the first makes a new database, and each of the others brings it to the next level.
const MIGRATIONS: [&str; 12] = [
    include_str!("../migrations/0001_ledger.sql"),
    include_str!("../migrations/0002_stores_and_customers.sql"),
    include_str!("../migrations/0003_pages.sql"),
    include_str!("../migrations/0004_replays_and_sessions.sql"),
    include_str!("../migrations/0005_rare_events.sql"),
    include_str!("../migrations/0006_traces.sql"),
    include_str!("../migrations/0007_lanes.sql"),
    include_str!("../migrations/0008_answers.sql"),
    include_str!("../migrations/0009_audit_kept.sql"),
    include_str!("../migrations/0010_accounts.sql"),
    include_str!("../migrations/0011_outcomes.sql"),
    include_str!("../migrations/0012_offerings.sql"),
];

/// Brings the schema up to date. The level a database is at is `SQLite`'s `user_version`.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let applied: usize = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(failed)?;
    if applied > MIGRATIONS.len() {
        return Err(LedgerError::Refused(format!(
            "the database was written by a later release (schema {applied}, this release knows {})",
            MIGRATIONS.len()
        )));
    }
    for migration in &MIGRATIONS[applied..] {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "user_version", MIGRATIONS.len())
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}
