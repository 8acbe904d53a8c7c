//! Sessions: opened, prolonged, closed.

use crate::codec::{failed, micros, rows};
use domain::UserId;
use jiff::Timestamp;
use ledger::{MOST_SESSIONS, Result, Session, codec::Stored};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

pub(crate) async fn open(pool: &PgPool, session: &Session) -> Result<()> {
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

pub(crate) async fn of(pool: &PgPool, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
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

pub(crate) async fn find(pool: &PgPool, digest: &str, now: Timestamp) -> Result<Option<Session>> {
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

pub(crate) async fn prolong(
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

pub(crate) async fn close(
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
