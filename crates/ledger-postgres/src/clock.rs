//! A clock that was set back: what it had scheduled while it was ahead, and the latest moment that it showed.

use crate::codec::{failed, micros};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use ledger::{FAR, LOOKS_WITHIN, Result, codec::Stored};
use sqlx::{PgConnection, PgPool, postgres::PgQueryResult};

pub(crate) async fn set_back(pool: &PgPool, by: SignedDuration, now: Timestamp) -> Result<u64> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let moved = move_all(&mut tx, by, now).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(moved)
}

async fn move_all(on: &mut PgConnection, by: SignedDuration, now: Timestamp) -> sqlx::Result<u64> {
    let back = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    let planned_until = micros(after(after(now, by), LOOKS_WITHIN));
    let now = micros(now);
    let deliveries = sqlx::query!(
        "update deliveries set due_at = greatest(due_at - $1, $2), tried_at = tried_at - $1 where status = 0 and due_at > $2 and due_at < $3",
        back, now, micros(FAR)
    )
    .execute(&mut *on)
    .await?;
    let messages = sqlx::query!(
        "update inbox set retry_at = greatest(retry_at - $1, $2) where parked is not null and retry_at > $2",
        back, now
    )
    .execute(&mut *on)
    .await?;
    let looks = sqlx::query!(
        "update purchases set check_at = greatest(check_at - $1, $2) where check_at > $2 and check_at <= $3",
        back, now, planned_until
    )
    .execute(&mut *on)
    .await?;
    sqlx::query!(
        "insert into meta (name, value) values ('clock', $1) on conflict (name) do update set value = excluded.value",
        now
    )
    .execute(&mut *on)
    .await?;
    let all = [deliveries, messages, looks];
    Ok(all.iter().map(PgQueryResult::rows_affected).sum())
}

pub(crate) async fn latest(pool: &PgPool) -> Result<Option<Timestamp>> {
    let value = sqlx::query_scalar!("select value from meta where name = 'clock'")
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    let read = |value| Stored::new("meta", &"clock").time("value", value);
    value.map(read).transpose()
}

pub(crate) async fn note(pool: &PgPool, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "insert into meta (name, value) values ('clock', $1)
         on conflict (name) do update set value = greatest(meta.value, excluded.value)",
        micros(now)
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}
