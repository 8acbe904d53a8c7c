//! Replays: past events queued for an integration again.

use crate::{
    Tx,
    codec::{failed, micros, rows, signed},
    queue::{Rows, Waiting, release_late},
};
use domain::{Event, ProjectId, ReplayId};
use jiff::Timestamp;
use ledger::{
    Progress, Replay, ReplayState, ReplayStep, Result,
    codec::{Stored, readable, to_json},
};
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) async fn start(pool: &PgPool, replay: &Replay) -> Result<()> {
    sqlx::query!(
        "insert into replays (id, project, running, body) values ($1, $2, true, $3)",
        replay.id.uuid(),
        replay.project.uuid(),
        to_json(replay)?
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}

struct Row {
    id: Uuid,
    body: String,
}

impl Row {
    fn decode(self) -> Result<Replay> {
        Stored::new("replays", &self.id).json("body", self.body.as_bytes())
    }
}

pub(crate) async fn of_project(
    pool: &PgPool,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<Replay>> {
    sqlx::query_as!(
        Row,
        "select id, body from replays where project = $1 order by id desc limit $2",
        project.uuid(),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::decode)
    .collect()
}

pub(crate) async fn running(pool: &PgPool) -> Result<Vec<Replay>> {
    let found = sqlx::query_as!(
        Row,
        "select id, body from replays where running order by id"
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(readable(found.into_iter().map(Row::decode)))
}

/// A replay that goes on, as it stands now, held until the transaction ends.
async fn find(tx: &mut Tx, id: ReplayId) -> Result<Option<Replay>> {
    sqlx::query_as!(
        Row,
        "select id, body from replays where id = $1 and running for update",
        id.uuid()
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(failed)?
    .map(Row::decode)
    .transpose()
}

async fn write(tx: &mut Tx, mut replay: Replay, progress: Progress) -> Result<()> {
    replay.progress = progress;
    sqlx::query!(
        "update replays set running = $2, body = $3 where id = $1",
        replay.id.uuid(),
        progress.state == ReplayState::Running,
        to_json(&replay)?
    )
    .execute(&mut **tx)
    .await
    .map(|_| ())
    .map_err(failed)
}

/// The customer's open delivery to the integration whose event comes right before this one's, if there is one.
async fn predecessor(
    tx: &mut Tx,
    customer: Uuid,
    integration: Uuid,
    seq: i64,
) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from deliveries where customer = $1 and integration = $2 and status = 0 and seq < $3 order by seq desc, position desc limit 1",
        customer, integration, seq
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(failed)
}

pub(crate) async fn step(pool: &PgPool, step: &ReplayStep) -> Result<bool> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let Some(replay) = find(&mut tx, step.replay.id).await? else {
        return Ok(false);
    };
    if replay.progress != step.replay.progress {
        return Ok(false);
    }
    let at = micros(step.progress.at);
    let mut queued = Vec::new();
    let mut queue = |customer, id, before: Option<Uuid>| {
        queued.extend(before.map(|before| Waiting {
            customer,
            id,
            before,
            until: at,
        }));
    };
    for id in &step.again {
        // Sent again by hand meanwhile: on its way.
        let found = sqlx::query!(
            "select customer, integration, seq from deliveries where id = $1 and project = $2 and status <> 0",
            id.uuid(), replay.project.uuid()
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let Some(row) = found else { continue };
        let before = match step.waits_until {
            Some(_) => predecessor(&mut tx, row.customer, row.integration, row.seq).await?,
            None => None,
        };
        let due = before.and(step.waits_until).map_or(at, micros);
        sqlx::query!(
            "update deliveries set status = 0, round = 0, accepted_at = $3, due_at = $4, waits_for = $5 where customer = $1 and id = $2",
            row.customer, id.uuid(), at, due, before
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        queue(row.customer, id.uuid(), before);
    }
    let events: Vec<Uuid> = step
        .new
        .iter()
        .map(|delivery| delivery.event.uuid())
        .collect();
    let seqs = seqs(&mut tx, &events).await?;
    for delivery in &step.new {
        let seq = *seqs.get(&delivery.event.uuid()).ok_or_else(|| {
            let problem = "a replay tells it, but it does not exist";
            Stored::new("events", &delivery.event).corrupt("id", problem)
        })?;
        let (customer, integration) = (delivery.customer.uuid(), delivery.integration.uuid());
        let before = match step.waits_until {
            Some(_) => predecessor(&mut tx, customer, integration, signed(seq)).await?,
            None => None,
        };
        let due = before.and(step.waits_until).unwrap_or(step.progress.at);
        let mut delivery = delivery.clone();
        delivery.accepted_at = step.progress.at;
        let mut row = Rows::default();
        row.push(&delivery, to_json(&delivery.message)?, seq, due, before);
        row.insert(&mut tx).await.map_err(failed)?;
        queue(customer, delivery.id.uuid(), before);
    }
    write(&mut tx, replay, step.progress).await?;
    tx.commit().await.map_err(failed)?;
    // What was queued behind a delivery that was settled in the same moment waits for nothing.
    release_late(pool, &queued).await?;
    Ok(true)
}

/// Each event's number among its customer's events.
async fn seqs(tx: &mut Tx, events: &[Uuid]) -> Result<BTreeMap<Uuid, u64>> {
    let mut found = BTreeMap::new();
    let bodies = sqlx::query!("select id, body from events where id = any($1)", events)
        .fetch_all(&mut **tx)
        .await
        .map_err(failed)?;
    for row in bodies {
        let event: Event = Stored::new("events", &row.id).body("body", &row.body)?;
        found.insert(row.id, event.customer_seq);
    }
    Ok(found)
}

pub(crate) async fn cancel(
    pool: &PgPool,
    project: ProjectId,
    id: ReplayId,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let found = find(&mut tx, id).await?;
    let Some(replay) = found.filter(|replay| replay.project == project) else {
        return Ok(false);
    };
    let progress = Progress {
        state: ReplayState::Cancelled,
        at: now,
        ..replay.progress
    };
    write(&mut tx, replay, progress).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}
