//! Replays: past events queued for an integration again.

use crate::{
    Tx,
    codec::{failed, micros, rows},
    line::{self, Place},
    queue::Rows,
};
use domain::{Event, ProjectId, ReplayId};
use jiff::Timestamp;
use ledger::{
    NewDelivery, Progress, Replay, ReplayState, ReplayStep, Result,
    codec::{Stored, readable, to_json},
};
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Held by whoever looks for a replay that was asked for as the same request, until theirs can be seen.
const LOOKING: i64 = 0x7265_706c_6179;

pub(crate) async fn start(pool: &PgPool, replay: Replay) -> Result<Replay> {
    let mut tx = pool.begin().await.map_err(failed)?;
    if let Some(asked_as) = &replay.asked_as {
        sqlx::query!("select pg_advisory_xact_lock($1)", LOOKING)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let begun = sqlx::query_as!(
            Row,
            "select id, body from replays where project = $1 and body::jsonb->>'asked_as' = $2 order by id limit 1",
            replay.project.uuid(),
            asked_as
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        if let Some(begun) = begun {
            return begun.decode();
        }
    }
    sqlx::query!(
        "insert into replays (id, project, running, body) values ($1, $2, true, $3)",
        replay.id.uuid(),
        replay.project.uuid(),
        to_json(&replay)?
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(replay)
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
    before: Option<ReplayId>,
    limit: usize,
) -> Result<Vec<Replay>> {
    sqlx::query_as!(
        Row,
        "select id, body from replays where project = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
        project.uuid(),
        before.map(ReplayId::uuid),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Row::decode)
    .collect()
}

pub(crate) async fn one(pool: &PgPool, project: ProjectId, id: ReplayId) -> Result<Option<Replay>> {
    sqlx::query_as!(
        Row,
        "select id, body from replays where id = $1 and project = $2",
        id.uuid(),
        project.uuid()
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(Row::decode)
    .transpose()
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

pub(crate) async fn step(pool: &PgPool, step: &ReplayStep) -> Result<bool> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let Some(replay) = find(&mut tx, step.replay.id).await? else {
        return Ok(false);
    };
    if replay.progress != step.replay.progress {
        return Ok(false);
    }
    let at = micros(step.progress.at);
    let place = Place::queued(step.ordered, at);
    let mut queued = again(&mut tx, step, place).await?;
    new(&mut tx, step, place).await?;
    queued.extend(step.new.iter().map(|delivery| Queued {
        customer: delivery.customer.uuid(),
        id: delivery.id.uuid(),
    }));
    let (customers, ids): (Vec<Uuid>, Vec<Uuid>) =
        queued.iter().map(|row| (row.customer, row.id)).unzip();
    write(&mut tx, replay, step.progress).await?;
    if step.ordered {
        let begun = line::begin(&mut *tx, &customers, &ids, at).await;
        begun.map_err(failed)?;
    }
    tx.commit().await.map_err(failed)?;
    if step.ordered {
        line::after_commit(line::begin(pool, &customers, &ids, at).await);
    }
    Ok(true)
}

/// A delivery that was queued.
struct Queued {
    customer: Uuid,
    id: Uuid,
}

/// Queues deliveries that there are, but for those that are on their way.
async fn again(tx: &mut Tx, step: &ReplayStep, place: Place) -> Result<Vec<Queued>> {
    let at = micros(step.progress.at);
    let mut queued = Vec::new();
    for id in &step.again {
        let customer = sqlx::query_scalar!(
            "select customer from deliveries where id = $1 and project = $2 and status <> 0",
            id.uuid(),
            step.replay.project.uuid()
        )
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
        // Sent again by hand meanwhile: on its way.
        let Some(customer) = customer else { continue };
        let again = sqlx::query!(
            "update deliveries set status = 0, round = 0, accepted_at = $3, due_at = $4, turn = $5, tried_at = null, waits_for = null
             where customer = $1 and id = $2 and status <> 0",
            customer, id.uuid(), at, place.due_at, place.turn.number()
        )
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        if again.rows_affected() > 0 {
            let id = id.uuid();
            queued.push(Queued { customer, id });
        }
    }
    Ok(queued)
}

/// Makes deliveries.
async fn new(tx: &mut Tx, step: &ReplayStep, place: Place) -> Result<()> {
    let events: Vec<Uuid> = step
        .new
        .iter()
        .map(|delivery| delivery.event.uuid())
        .collect();
    let seqs = seqs(tx, &events).await?;
    let mut rows = Rows::default();
    for delivery in &step.new {
        let seq = *seqs.get(&delivery.event.uuid()).ok_or_else(|| {
            let problem = "a replay tells it, but it does not exist";
            Stored::new("events", &delivery.event).corrupt("id", problem)
        })?;
        let delivery = NewDelivery {
            accepted_at: step.progress.at,
            ..delivery.clone()
        };
        rows.push(&delivery, to_json(&delivery.message)?, seq, place);
    }
    rows.insert(tx).await.map_err(failed)
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
