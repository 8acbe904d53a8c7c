//! The one server of a file. Nobody else delivers from it, so what a server that is gone had leased is free at once.

use crate::{SqliteLedger, codec::micros, one_name::has_one_name, statement::execute};
use jiff::Timestamp;
use ledger::{FIRST_ANSWER, LedgerError, Result};
use rusqlite::{Connection, params};
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

impl SqliteLedger {
    /// Opens the ledger at `path` as its server, of which there is one as long as the answer, or a clone of it, is kept. What a former one had
    /// leased is due.
    ///
    /// Other programs may [open](Self::open) it meanwhile: they lease nothing.
    ///
    /// # Errors
    ///
    /// When another server has it.
    pub async fn serve(path: impl Into<PathBuf>, now: Timestamp) -> Result<Self> {
        let path = path.into();
        has_one_name(&path)?;
        let sole = Arc::new(claim(&resolved(&path))?);
        let ledger = Self::open_as(path, Some(sole))?;
        let freed = ledger.writer.write(move |connection| free(connection, now));
        let freed = freed.await?;
        if freed > 0 {
            tracing::info!(
                freed,
                "what a server that is gone had taken up is due again"
            );
        }
        Ok(ledger)
    }
}

/// The file itself, whichever links lead there, as `SQLite` finds it too. One that is not there yet is made under the name it was given.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The right to be the server; it ends with the file, or with the process. A file of its own: on some file systems, locks of one kind stand in the
/// way of those that `SQLite` takes.
fn claim(path: &Path) -> Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push("-server");
    let claimed = path.with_file_name(name);
    let unavailable = |error: std::io::Error| {
        LedgerError::Unavailable(format!("{} cannot be locked: {error}", claimed.display()))
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&claimed)
        .map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Refused(format!(
            "another server runs on {}; stop it first",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

/// Makes due what is leased, each in its place, and what was being asked of a store. Answers how many there were.
fn free(connection: &Connection, now: Timestamp) -> Result<u64> {
    let deliveries = execute(
        connection,
        "UPDATE deliveries INDEXED BY deliveries_under_way SET due_at = min(accepted_at, ?1) WHERE status = 0 AND turn = 1 AND due_at > ?1",
        params![micros(now)],
    )?;
    let first_answer = FIRST_ANSWER.as_secs() * 1_000_000;
    let messages = execute(
        connection,
        "UPDATE inbox SET retry_at = ?1 WHERE parked IS NOT NULL AND tries = 0 AND retry_at > ?1 AND retry_at - received_at <= ?2",
        params![micros(now), first_answer],
    )?;
    Ok((deliveries + messages) as u64)
}
