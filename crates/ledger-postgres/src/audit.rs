//! What was done by whom.

use crate::codec::{failed, micros, rows, signed};
use domain::ProjectId;
use ledger::{AuditEntry, AuditFilter, Deed, KeptSince, Result, Shown, codec::Stored};
use sqlx::{PgExecutor, PgPool};

/// Writes down a deed, and what its subject was before and after it.
pub(crate) async fn note(on: impl PgExecutor<'_>, deed: &Deed<'_>, shown: Shown<'_>) -> Result<()> {
    sqlx::query!(
        "insert into audit_log (at, who, what, subject, project, before, after, about) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        micros(deed.at),
        deed.who,
        deed.what,
        deed.subject,
        deed.project.map(ProjectId::uuid),
        shown.before,
        shown.after,
        deed.about.id()
    )
    .execute(on)
    .await
    .map(|_| ())
    .map_err(failed)
}

pub(crate) async fn read(
    pool: &PgPool,
    filter: AuditFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<AuditEntry>> {
    let found = sqlx::query!(
        "select position, at, who, what, subject, before, after from audit_log
         where (project = $1 or ($4 and project is null)) and position < $2 order by position desc limit $3",
        filter.project.uuid(),
        before.map_or(i64::MAX, signed),
        rows(limit),
        filter.with_common
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            let of = Stored::new("audit_log", &row.position);
            Ok(AuditEntry {
                position: of.number("position", row.position)?,
                at: of.time("at", row.at)?,
                who: row.who,
                what: row.what,
                subject: row.subject,
                before: row.before,
                after: row.after,
            })
        })
        .collect()
}

/// Takes these names of a customer away from where it was written down what was done to it.
pub(crate) async fn forget(
    on: impl PgExecutor<'_>,
    project: ProjectId,
    names: &[String],
) -> Result<()> {
    sqlx::query!(
        "update audit_log set subject = '' where about <> 'installation' and project = $1 and subject = any($2)",
        project.uuid(),
        names
    )
    .execute(on)
    .await
    .map(|_| ())
    .map_err(failed)
}

/// Deletes entries that are no longer kept.
pub(crate) async fn retain(pool: &PgPool, since: KeptSince, limit: usize) -> Result<u64> {
    let others = sqlx::query!(
        "delete from audit_log where position in
           (select position from audit_log where about <> 'customer_by_program' and at < $1 order by at limit $2)",
        micros(since.audit),
        rows(limit)
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    let of_programs = sqlx::query!(
        "delete from audit_log where position in
           (select position from audit_log where about = 'customer_by_program' and at < $1 order by at limit $2)",
        micros(since.audit_of_programs),
        rows(limit)
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(others.rows_affected() + of_programs.rows_affected())
}
