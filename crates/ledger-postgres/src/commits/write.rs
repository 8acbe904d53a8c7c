//! Messages, state, events and deliveries: many commits, one transaction.

use super::{
    customers,
    events::{self, Queued},
    purchases,
    verdicts::Verdicts,
};
use crate::{
    Layout, Tx,
    batch::{Afterwards, Stop, Work, at_once},
    codec::micros,
    line,
};
use ledger::{Committed, codec::Prepared};
use sqlx::PgPool;
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// Writes a batch, durably.
pub(crate) async fn write(
    pool: &PgPool,
    layout: Layout,
    node: i16,
    works: Arc<Vec<Prepared>>,
) -> Result<Afterwards<Committed>, Stop> {
    let has_handover = works.iter().any(|work| work.commit.handover.is_some());
    if works.len() > 1 && has_handover {
        return Err(Stop::Apart);
    }
    let mut tx = pool.begin().await?;
    let mut verdicts = Verdicts {
        works: &works,
        stopped: works.iter().map(|_| None).collect(),
    };
    duplicates(&mut tx, &mut verdicts).await?;
    if let Some(stopped) = customers::write(&mut tx, &mut verdicts).await? {
        tx.rollback().await?;
        return Ok(at_once(vec![stopped]));
    }
    let mut stopped = inbox(&mut tx, &verdicts).await?;
    if stopped.is_none() {
        stopped = purchases::chains(&mut tx, &verdicts).await?;
    }
    if let Some(stopped) = stopped {
        tx.rollback().await?;
        return Ok(at_once(vec![stopped]));
    }
    purchases::write(&mut tx, &verdicts).await?;
    events::write(&mut tx, node, &verdicts).await?;
    let queued = events::deliveries(&mut tx, &verdicts).await?;
    tx.commit().await?;
    let stopped = std::mem::take(&mut verdicts.stopped);
    Ok(Box::pin(look(pool.clone(), layout, works, stopped, queued)))
}

/// What a delivery waits for may have been settled while it was written: then neither saw the other.
async fn look(
    pool: PgPool,
    layout: Layout,
    works: Arc<Vec<Prepared>>,
    stopped: Vec<Option<Committed>>,
    mut queued: Queued,
) -> Vec<Committed> {
    match line::in_time(queued.waiting.release(&pool, layout)).await {
        Ok(released) => {
            for (number, work) in works.iter().enumerate() {
                let own = work.commit.deliveries.iter().map(|delivery| delivery.id);
                queued.ready[number].extend(own.filter(|id| released.contains(&id.uuid())));
            }
        }
        // They are durable whatever comes now, and whoever sent them is told so; `mend` finds what is left.
        Err(error) => {
            tracing::warn!(%error, "what is next after deliveries that were settled meanwhile could not be released");
        }
    }
    stopped
        .into_iter()
        .zip(queued.ready)
        .map(|(stopped, ready)| stopped.unwrap_or(Committed::Done { ready }))
        .collect()
}

async fn duplicates(tx: &mut Tx, verdicts: &mut Verdicts<'_>) -> Result<(), Stop> {
    let ids: Vec<Uuid> = verdicts
        .works
        .iter()
        .filter_map(|work| Some(work.commit.inbox.as_ref()?.id.uuid()))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<Uuid> = sqlx::query_scalar!(
        "select id from inbox where id = any($1) and parked is null",
        &ids
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .collect();
    for (number, work) in verdicts.works.iter().enumerate() {
        let message = work.commit.inbox.as_ref();
        if message.is_some_and(|message| known.contains(&message.id.uuid())) {
            verdicts.stopped[number] = Some(Committed::Duplicate);
        }
    }
    Ok(())
}

async fn inbox(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<Option<Committed>, Stop> {
    let (mut ids, mut projects, mut apps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sources, mut keys, mut titles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut received, mut bodies) = (Vec::new(), Vec::new());
    for (_, work) in verdicts.going() {
        if let (Some(message), Some(body)) = (&work.commit.inbox, &work.inbox_body) {
            ids.push(message.id.uuid());
            projects.push(message.project.uuid());
            apps.push(message.app.uuid());
            sources.push(message.origin.to_string());
            keys.push(message.key.clone());
            titles.push(message.title.clone());
            received.push(micros(message.received_at));
            bodies.push(body.clone());
        }
    }
    if ids.is_empty() {
        return Ok(None);
    }
    // A parked message may be processed later; one that was processed meanwhile is a duplicate.
    let written = sqlx::query!(
        "insert into inbox (id, project, app, source, key, title, received_at, body, processed)
         select *, nextval('inbox_processed') from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[])
         on conflict (id) do update set parked = null, retry_at = null, processed = excluded.processed where inbox.parked is not null",
        &ids, &projects, &apps, &sources, &keys, &titles, &received, &bodies
    )
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() < ids.len() as u64 {
        return verdicts.undo(Committed::Duplicate).map(Some);
    }
    Ok(None)
}

impl Work for Prepared {
    type Outcome = Committed;
    fn touches(&self) -> Vec<Uuid> {
        let commit = &self.commit;
        let named = |namespace: Uuid, name: &str| Uuid::new_v5(&namespace, name.as_bytes());
        let mut all: Vec<Uuid> = commit
            .inbox
            .iter()
            .map(|message| message.id.uuid())
            .collect();
        if let Some(write) = &commit.customer {
            all.push(write.customer.id.uuid());
            let names = std::iter::once(&write.customer.app_user_id).chain(&write.customer.aliases);
            all.extend(names.map(|name| named(commit.project.uuid(), name)));
        }
        all.extend(
            commit
                .handover
                .iter()
                .map(|handover| handover.from.customer.id.uuid()),
        );
        if let Some(chain) = &commit.chain {
            let links = std::iter::once(&chain.key.id).chain(&chain.links);
            let app = named(chain.app.uuid(), chain.key.environment.id());
            all.extend(links.map(|link| named(app, link)));
        }
        all.extend(commit.events.iter().map(|new| new.event.id.uuid()));
        all
    }
}
