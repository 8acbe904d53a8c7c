//! What was done by whom.

use crate::{
    codec::{Key, micros, to_json},
    statement::{all, execute},
};
use domain::ProjectId;
use ledger::{AuditEntry, AuditFilter, Deed, KeptSince, Result, Shown};
use rusqlite::{Connection, params};

/// Writes down a deed, and what its subject was before and after it.
pub(crate) fn note(connection: &Connection, deed: &Deed<'_>, shown: Shown<'_>) -> Result<()> {
    execute(
        connection,
        "INSERT INTO audit_log (at, who, what, subject, project, before, after, about) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            micros(deed.at),
            deed.who,
            deed.what,
            deed.subject,
            deed.project.map(|project| project.key()),
            shown.before,
            shown.after,
            deed.about.id()
        ],
    )
    .map(|_| ())
}

pub(crate) fn read(
    connection: &Connection,
    filter: AuditFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<AuditEntry>> {
    all(
        connection,
        "audit_log",
        "SELECT position, at, who, what, subject, before, after FROM audit_log
         WHERE (project = ?1 OR (?4 AND project IS NULL)) AND (?2 IS NULL OR position < ?2) ORDER BY position DESC LIMIT ?3",
        params![filter.project.key(), before, limit, filter.with_common],
        |row| {
            Ok(AuditEntry {
                position: row.get(0)?,
                at: row.time(1)?,
                who: row.get(2)?,
                what: row.get(3)?,
                subject: row.get(4)?,
                before: row.get(5)?,
                after: row.get(6)?,
            })
        },
    )
}

/// Takes these names of a customer away from where it was written down what was done to it.
pub(crate) fn forget(connection: &Connection, project: ProjectId, names: &[String]) -> Result<()> {
    execute(
        connection,
        "UPDATE audit_log SET subject = '' WHERE about <> 'installation' AND project = ?1 AND subject IN (SELECT value FROM json_each(?2))",
        params![project.key(), to_json(&names)?],
    )
    .map(|_| ())
}

/// Deletes entries that are no longer kept.
pub(crate) fn retain(connection: &Connection, since: KeptSince, limit: usize) -> Result<usize> {
    let others = execute(
        connection,
        "DELETE FROM audit_log WHERE position IN
           (SELECT position FROM audit_log WHERE about <> 'customer_by_program' AND at < ?1 ORDER BY at LIMIT ?2)",
        params![micros(since.audit), limit],
    )?;
    let of_programs = execute(
        connection,
        "DELETE FROM audit_log WHERE position IN
           (SELECT position FROM audit_log WHERE about = 'customer_by_program' AND at < ?1 ORDER BY at LIMIT ?2)",
        params![micros(since.audit_of_programs), limit],
    )?;
    Ok(others + of_programs)
}
