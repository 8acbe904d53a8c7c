//! Sessions, and what was done by whom.

use crate::{
    PostgresLedger,
    codec::{failed, micros, rows, signed},
};
use async_trait::async_trait;
use domain::{ProjectId, UserId};
use jiff::Timestamp;
use ledger::{
    Accounts, AuditEntry, AuditFilter, Deed, KeptSince, MOST_SESSIONS, Result, Session, Shown,
    codec::Stored,
};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

#[async_trait]
impl Accounts for PostgresLedger {
    async fn note(&self, deed: Deed<'_>) -> Result<()> {
        note(&self.reads, &deed, Shown::default()).await
    }
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        audit(&self.reads, filter, before, limit).await
    }
    async fn open_session(&self, session: Session) -> Result<()> {
        open_session(&self.reads, &session).await
    }
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>> {
        session(&self.hot, digest, now).await
    }
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        sessions(&self.reads, user, now).await
    }
    async fn prolong_session(&self, digest: &str, until: Timestamp, now: Timestamp) -> Result<()> {
        prolong_session(&self.reads, digest, until, now).await
    }
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()> {
        close_sessions(&self.reads, digest, user).await
    }
}

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

async fn audit(
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

async fn open_session(pool: &PgPool, session: &Session) -> Result<()> {
    sqlx::query!(
        "delete from sessions where expires_at <= $1",
        micros(session.created_at)
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    sqlx::query!(
        "delete from sessions where owner = $1 and digest not in (select digest from sessions where owner = $1 order by created_at desc, digest limit $2)",
        session.user.uuid(),
        rows(MOST_SESSIONS - 1)
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    sqlx::query!(
        "insert into sessions (digest, owner, created_at, expires_at, agent) values ($1, $2, $3, $4, $5)",
        session.digest,
        session.user.uuid(),
        micros(session.created_at),
        micros(session.expires_at),
        session.agent
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}

struct Row {
    digest: String,
    owner: Uuid,
    created_at: i64,
    expires_at: i64,
    agent: String,
}

impl Row {
    fn decode(self) -> Result<Session> {
        let of = Stored::new("sessions", &self.owner);
        Ok(Session {
            user: UserId::new(self.owner),
            created_at: of.time("created_at", self.created_at)?,
            expires_at: of.time("expires_at", self.expires_at)?,
            digest: self.digest,
            agent: self.agent,
        })
    }
}

async fn sessions(pool: &PgPool, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    sqlx::query_as!(
        Row,
        "select digest, owner, created_at, expires_at, agent from sessions where owner = $1 and expires_at > $2 order by created_at desc, digest",
        user.uuid(),
        micros(now)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::decode)
    .collect()
}

async fn session(pool: &PgPool, digest: &str, now: Timestamp) -> Result<Option<Session>> {
    sqlx::query_as!(
        Row,
        "select digest, owner, created_at, expires_at, agent from sessions where digest = $1 and expires_at > $2",
        digest,
        micros(now)
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(Row::decode)
    .transpose()
}

async fn prolong_session(
    pool: &PgPool,
    digest: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update sessions set expires_at = $2 where digest = $1 and expires_at > $3 and expires_at < $2",
        digest,
        micros(until),
        micros(now)
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}

pub(crate) async fn close_sessions(
    on: impl PgExecutor<'_>,
    digest: Option<&str>,
    user: Option<UserId>,
) -> Result<()> {
    sqlx::query!(
        "delete from sessions where digest = $1 or owner = $2",
        digest,
        user.map(UserId::uuid)
    )
    .execute(on)
    .await
    .map(|_| ())
    .map_err(failed)
}
