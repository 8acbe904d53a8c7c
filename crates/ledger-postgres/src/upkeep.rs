//! What nodes tell each other of themselves, who does what has to be done once, retention, and whether all is well.

use crate::{
    PostgresLedger, audit, clock,
    codec::{failed, micros, rows},
    events, holdings, line, outcomes, partitions, references,
};
use async_trait::async_trait;
use domain::CustomerId;
use jiff::{SignedDuration, Timestamp};
use ledger::{
    KeptSince, Result, Upkeep,
    codec::Stored,
    invariants::{Finding, Holding, Invariant},
};
use sqlx::PgPool;
use std::num::NonZeroU32;
use tokio::sync::watch;
use uuid::Uuid;

#[async_trait]
impl Upkeep for PostgresLedger {
    async fn mend(&self, now: Timestamp) -> Result<u64> {
        line::mend(&self.reads, now).await
    }
    async fn make_room(&self, now: Timestamp) -> Result<()> {
        partitions::make(&self.reads, now).await
    }
    fn news(&self) -> Option<watch::Receiver<u64>> {
        Some(self.news.heard())
    }
    async fn hold(&self, name: &str, holder: Uuid, lasts: SignedDuration) -> Result<bool> {
        hold(&self.hot, name, holder, lasts).await
    }
    async fn attend(&self, node: Uuid, lasts: SignedDuration) -> Result<NonZeroU32> {
        attend(&self.hot, node, lasts).await
    }
    async fn leave(&self, node: Uuid) -> Result<()> {
        leave(&self.hot, node).await
    }
    async fn retain(&self, since: KeptSince, limit: usize) -> Result<u64> {
        events::place(&self.reads).await?;
        let attempts = retain_attempts(&self.reads, since.attempts, limit).await?;
        let attempts = attempts + outcomes::retain(&self.reads, since.attempts).await?;
        Ok(attempts + audit::retain(&self.reads, since, limit).await?)
    }
    async fn inspect(&self) -> Result<Vec<Finding>> {
        let readable = partitions::inspect(&self.reads).await?.into_iter();
        let mut findings: Vec<Finding> = readable
            .map(|what| Finding::of_all(Invariant::Readable, what))
            .collect();
        findings.extend(references::inspect(&self.reads, self.layout).await?);
        Ok(findings)
    }
    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>> {
        holdings::ids(&self.reads, after, limit).await
    }
    async fn holdings(&self, customers: &[CustomerId]) -> Result<Vec<Holding>> {
        holdings::of(&self.reads, customers).await
    }
    async fn edition(&self) -> Result<u64> {
        let value = sqlx::query_scalar!("select value from meta where name = 'edition'")
            .fetch_optional(&self.hot)
            .await
            .map_err(failed)?;
        Stored::new("meta", &"edition").number("value", value.unwrap_or(0))
    }
    async fn put_edition(&self, edition: u64) -> Result<()> {
        sqlx::query!(
            "insert into meta (name, value) values ('edition', $1)
             on conflict (name) do update set value = greatest(meta.value, excluded.value)",
            i64::try_from(edition).unwrap_or(i64::MAX)
        )
        .execute(&self.hot)
        .await
        .map(|_| ())
        .map_err(failed)
    }
    async fn latest_time(&self) -> Result<Option<Timestamp>> {
        clock::latest(&self.hot).await
    }
    async fn note_time(&self, now: Timestamp) -> Result<()> {
        clock::note(&self.hot, now).await
    }
    fn has_failed(&self) -> bool {
        self.commits.has_failed() || self.settlements.has_failed()
    }

    async fn check(&self) -> Result<()> {
        // What fails from here on is said by the next one.
        self.commits.forget_failure();
        self.settlements.forget_failure();
        sqlx::query!("insert into meta (name, value) values ('checks', 1) on conflict (name) do update set value = meta.value + 1")
            .execute(&self.hot)
            .await
            .map(|_| ())
            .map_err(failed)
    }
}

/// Takes or keeps a lease, by the clock of the database. `false` while another holder's has not run out. One that lasts for longer than any is
/// taken for is of before that clock was set back.
async fn hold(pool: &PgPool, name: &str, holder: Uuid, lasts: SignedDuration) -> Result<bool> {
    let done = sqlx::query!(
        "insert into leases (name, holder, until) values ($1, $2, now() + make_interval(secs => $3))
         on conflict (name) do update set holder = excluded.holder, until = excluded.until
         where leases.holder = excluded.holder or leases.until <= now() or leases.until > now() + 2 * make_interval(secs => $3)",
        name, holder, lasts.as_secs_f64()
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// Says that a node is there, by the clock of the database; answers how many are.
async fn attend(pool: &PgPool, node: Uuid, lasts: SignedDuration) -> Result<NonZeroU32> {
    sqlx::query!(
        "insert into nodes (id, seen) values ($1, now()) on conflict (id) do update set seen = excluded.seen",
        node
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    let others = sqlx::query_scalar!(
        r#"select count(*) as "count!" from nodes where id <> $1
           and seen > now() - make_interval(secs => $2) and seen <= now() + make_interval(secs => $2)"#,
        node,
        lasts.as_secs_f64()
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(NonZeroU32::MIN.saturating_add(u32::try_from(others).unwrap_or(u32::MAX)))
}

/// A node is leaving; with it, those are forgotten that have not been seen for a day.
async fn leave(pool: &PgPool, node: Uuid) -> Result<()> {
    sqlx::query!(
        "delete from nodes where id = $1 or seen < now() - interval '1 day'",
        node
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}

/// Drops what is too old as a whole, then deletes the rest in small steps.
async fn retain_attempts(pool: &PgPool, attempts_before: Timestamp, limit: usize) -> Result<u64> {
    partitions::drop_attempts(pool, attempts_before).await?;
    sqlx::query!(
        "delete from attempts a using (select customer, delivery, number, at from attempts where at < $1 order by at limit $2) as old
         where a.customer = old.customer and a.delivery = old.delivery and a.number = old.number and a.at = old.at",
        micros(attempts_before), rows(limit)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}
