//! Sessions: opened, prolonged, closed.

use crate::{
    Tx,
    codec::{failed, micros, rows},
    second_factors,
};
use domain::UserId;
use jiff::Timestamp;
use ledger::{LetInBy, MOST_SESSIONS, Opened, Result, SecondStep, Session, User, codec::Stored};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

pub(crate) async fn open(pool: &PgPool, session: &Session, by: &LetInBy) -> Result<Opened> {
    let user = session.user;
    let mut tx = pool.begin().await.map_err(failed)?;
    if password(&mut tx, user).await?.as_ref() != Some(&by.password) {
        return Ok(Opened::Changed);
    }
    match &by.second {
        SecondStep::NotAsked if second_factors::is_there(&mut tx, user).await? => {
            return Ok(Opened::Changed);
        }
        SecondStep::Code(code) if !second_factors::use_up(&mut tx, user, code).await? => {
            return Ok(Opened::CodeRefused);
        }
        SecondStep::NotAsked | SecondStep::TakenBefore | SecondStep::Code(_) => {}
    }
    keep(&mut tx, session).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Opened::Kept)
}

/// How the password of a user is kept now, where there is such a user. Whoever changes the account, or opens another session of it, waits until
/// this transaction is over, and finds what it wrote.
async fn password(tx: &mut Tx, user: UserId) -> Result<Option<String>> {
    let body = sqlx::query_scalar!(
        "select body from users where id = $1 for update",
        user.uuid()
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(failed)?;
    let known: Option<User> = body
        .map(|body| Stored::new("users", &user).json("body", body.as_bytes()))
        .transpose()?;
    Ok(known.map(|known| known.password))
}

async fn keep(tx: &mut Tx, session: &Session) -> Result<()> {
    sqlx::query!(
        "delete from sessions where expires_at <= $1",
        micros(session.created_at)
    )
    .execute(&mut **tx)
    .await
    .map_err(failed)?;
    sqlx::query!(
        "delete from sessions where owner = $1 and digest not in (select digest from sessions where owner = $1 order by created_at desc, digest limit $2)",
        session.user.uuid(),
        rows(MOST_SESSIONS - 1)
    )
    .execute(&mut **tx)
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
    .execute(&mut **tx)
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
