//! A clock that was set back: what it had scheduled while it was ahead, and the latest moment that it showed.

use crate::{
    codec::micros,
    statement::{execute, first},
};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use ledger::{FAR, LOOKS_WITHIN, Result};
use rusqlite::{Connection, params};

pub(crate) fn set_back(connection: &Connection, by: SignedDuration, now: Timestamp) -> Result<u64> {
    let back = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    let deliveries = execute(
        connection,
        "UPDATE deliveries SET due_at = max(due_at - ?1, ?2), tried_at = tried_at - ?1 WHERE status = 0 AND due_at > ?2 AND due_at < ?3",
        params![back, micros(now), micros(FAR)],
    )?;
    let messages = execute(
        connection,
        "UPDATE inbox SET retry_at = max(retry_at - ?1, ?2) WHERE parked IS NOT NULL AND retry_at > ?2",
        params![back, micros(now)],
    )?;
    let planned_until = after(after(now, by), LOOKS_WITHIN);
    let looks = execute(
        connection,
        "UPDATE purchases SET check_at = max(check_at - ?1, ?2) WHERE check_at > ?2 AND check_at <= ?3",
        params![back, micros(now), micros(planned_until)],
    )?;
    let latest = "INSERT INTO meta VALUES ('clock', ?1) ON CONFLICT DO UPDATE SET value = ?1";
    execute(connection, latest, params![micros(now)])?;
    Ok((deliveries + messages + looks) as u64)
}

pub(crate) fn latest(connection: &Connection) -> Result<Option<Timestamp>> {
    let sql = "SELECT name, value FROM meta WHERE name = 'clock'";
    first(connection, "meta", sql, [], |row| row.time(1))
}

pub(crate) fn note(connection: &Connection, now: Timestamp) -> Result<()> {
    let sql =
        "INSERT INTO meta VALUES ('clock', ?1) ON CONFLICT DO UPDATE SET value = max(value, ?1)";
    execute(connection, sql, params![micros(now)]).map(|_| ())
}
