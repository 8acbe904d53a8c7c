//! Raw messages, and those that wait.

use crate::{
    PostgresLedger,
    codec::{counted, failed, micros, rows, signed},
};
use async_trait::async_trait;
use domain::{AppId, InboxId, ProjectId};
use jiff::Timestamp;
use ledger::{
    Archived, FIRST_ANSWER, Inbox, InboxMessage, InboxRecord, Origin, Parked, ParkedCount, Result,
    codec::{Stored, pack, readable},
};
use sqlx::PgPool;
use uuid::Uuid;

#[async_trait]
impl Inbox for PostgresLedger {
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool> {
        park(&self.hot, &message, &reason, retry_at).await
    }
    async fn due_parked(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<Parked>> {
        due_parked(&self.reads, now, except, limit).await
    }
    async fn parked(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        before: Option<InboxId>,
        limit: usize,
    ) -> Result<Vec<Parked>> {
        parked(&self.reads, project, app, before, limit).await
    }
    async fn count_parked(&self, project: ProjectId, now: Timestamp) -> Result<Vec<ParkedCount>> {
        count_parked(&self.reads, project, now).await
    }
    async fn count_waiting_receipts(
        &self,
        app: AppId,
        before: Timestamp,
        most: u64,
    ) -> Result<u64> {
        count_waiting_receipts(&self.reads, app, before, most).await
    }
    async fn unpark(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        id: Option<InboxId>,
        now: Timestamp,
    ) -> Result<u64> {
        unpark(&self.hot, project, app, id, now).await
    }
    async fn archive(&self, project: ProjectId, after: u64, limit: usize) -> Result<Vec<Archived>> {
        archive(&self.reads, project, after, limit).await
    }
    async fn processed(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Archived>> {
        processed(&self.reads, project, before, limit).await
    }
    async fn seen(&self, id: InboxId) -> Result<bool> {
        seen(&self.hot, id).await
    }
    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>> {
        inbox(&self.reads, id).await
    }
}

struct Row {
    id: Uuid,
    project: Uuid,
    app: Uuid,
    source: String,
    key: String,
    title: String,
    received_at: i64,
    body: Vec<u8>,
    parked: Option<String>,
    tries: i32,
    retry_at: Option<i64>,
    processed: Option<i64>,
}

impl Row {
    fn message(self) -> Result<InboxMessage> {
        let of = Stored::new("inbox", &self.id);
        Ok(InboxMessage {
            received_at: of.time("received_at", self.received_at)?,
            body: of.unpacked("body", &self.body)?,
            id: InboxId::new(self.id),
            project: ProjectId::new(self.project),
            app: AppId::new(self.app),
            origin: of.origin("source", &self.source)?,
            key: self.key,
            title: self.title,
        })
    }

    fn archived(self) -> Result<Archived> {
        let of = Stored::new("inbox", &self.id);
        let lacks = || of.corrupt("processed", "a processed message has none");
        Ok(Archived {
            position: of.number("processed", self.processed.ok_or_else(lacks)?)?,
            message: self.message()?,
        })
    }

    fn parked(mut self) -> Result<Parked> {
        let of = Stored::new("inbox", &self.id);
        let lacks = |column| of.corrupt(column, "a parked message has none");
        let reason = self.parked.take().ok_or_else(|| lacks("parked"))?;
        let retry_at = self.retry_at.ok_or_else(|| lacks("retry_at"))?;
        Ok(Parked {
            reason,
            tries: of.number("tries", self.tries)?,
            retry_at: of.time("retry_at", retry_at)?,
            message: self.message()?,
        })
    }
}

/// Kept so that a message that cannot be understood yet is not lost.
async fn park(
    pool: &PgPool,
    message: &InboxMessage,
    reason: &str,
    retry_at: Timestamp,
) -> Result<bool> {
    let body = pack(&message.body)?;
    sqlx::query!(
        "insert into inbox (id, project, app, source, key, title, received_at, body, parked, retry_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do update set parked = excluded.parked, retry_at = excluded.retry_at, tries = inbox.tries + 1 where inbox.parked is not null",
        message.id.uuid(), message.project.uuid(), message.app.uuid(), message.origin.to_string(), message.key, message.title,
        micros(message.received_at), body, reason, micros(retry_at)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected() > 0)
    .map_err(failed)
}

async fn due_parked(
    pool: &PgPool,
    now: Timestamp,
    except: &[AppId],
    limit: usize,
) -> Result<Vec<Parked>> {
    let except: Vec<Uuid> = except.iter().map(|app| app.uuid()).collect();
    let due = sqlx::query_as!(
        Row,
        "select * from inbox where parked is not null and retry_at <= $1 and app <> all($3) order by retry_at limit $2",
        micros(now), rows(limit), &except
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(readable(due.into_iter().map(Row::parked)))
}

async fn parked(
    pool: &PgPool,
    project: ProjectId,
    app: Option<AppId>,
    before: Option<InboxId>,
    limit: usize,
) -> Result<Vec<Parked>> {
    let (mut received_at, mut id) = (i64::MAX, Uuid::max());
    if let Some(before) = before {
        let found = sqlx::query_scalar!(
            "select received_at from inbox where id = $1 and project = $2",
            before.uuid(),
            project.uuid()
        )
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
        let Some(found) = found else {
            return Ok(Vec::new());
        };
        (received_at, id) = (found, before.uuid());
    }
    sqlx::query_as!(
        Row,
        "select * from inbox where parked is not null and project = $1 and ($2::uuid is null or app = $2) and (received_at, id) < ($3, $4)
         order by received_at desc, id desc limit $5",
        project.uuid(), app.map(AppId::uuid), received_at, id, rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::parked)
    .collect()
}

async fn count_parked(
    pool: &PgPool,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<ParkedCount>> {
    let first_answer = FIRST_ANSWER.as_secs() * 1_000_000;
    let counts = sqlx::query!(
        r#"select app, count(*) as "count!" from inbox where parked is not null and project = $1
           and (tries > 0 or retry_at <= $2 or retry_at - received_at > $3) group by app"#,
        project.uuid(),
        micros(now),
        first_answer
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(counts
        .into_iter()
        .map(|row| ParkedCount {
            app: AppId::new(row.app),
            count: counted(row.count),
        })
        .collect())
}

async fn count_waiting_receipts(
    pool: &PgPool,
    app: AppId,
    before: Timestamp,
    most: u64,
) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from
           (select 1 from inbox where parked is not null and retry_at < $2 and app = $1 and source = $3 limit $4) as waiting"#,
        app.uuid(),
        micros(before),
        Origin::Receipt.to_string(),
        signed(most)
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(counted(count))
}

async fn unpark(
    pool: &PgPool,
    project: ProjectId,
    app: Option<AppId>,
    id: Option<InboxId>,
    now: Timestamp,
) -> Result<u64> {
    sqlx::query!(
        "update inbox set retry_at = $3 where project = $1 and parked is not null and ($2::uuid is null or id = $2) and ($4::uuid is null or app = $4)",
        project.uuid(),
        id.map(InboxId::uuid),
        micros(now),
        app.map(AppId::uuid)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}

async fn archive(
    pool: &PgPool,
    project: ProjectId,
    after: u64,
    limit: usize,
) -> Result<Vec<Archived>> {
    sqlx::query_as!(
        Row,
        "select * from inbox where project = $1 and processed > $2 order by processed limit $3",
        project.uuid(),
        signed(after),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::archived)
    .collect()
}

async fn processed(
    pool: &PgPool,
    project: ProjectId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Archived>> {
    sqlx::query_as!(
        Row,
        "select * from inbox where project = $1 and processed < $2 order by processed desc limit $3",
        project.uuid(),
        before.map_or(i64::MAX, signed),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::archived)
    .collect()
}

async fn seen(pool: &PgPool, id: InboxId) -> Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from inbox where id = $1 and parked is null) as "seen!""#,
        id.uuid()
    )
    .fetch_one(pool)
    .await
    .map_err(failed)
}

async fn inbox(pool: &PgPool, id: InboxId) -> Result<Option<InboxRecord>> {
    let row = sqlx::query_as!(Row, "select * from inbox where id = $1", id.uuid())
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    row.map(|mut row| {
        Ok(InboxRecord {
            parked: row.parked.take(),
            message: row.message()?,
        })
    })
    .transpose()
}
