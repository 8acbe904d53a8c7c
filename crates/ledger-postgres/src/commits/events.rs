//! Events of a batch of commits, what they add to the hour, and their deliveries.

use super::Verdicts;
use crate::{
    Tx,
    batch::Stop,
    codec::{failed, micros},
    line::{Line, Place},
    queue::{self, Last},
};
use domain::DeliveryId;
use ledger::{FAR, LedgerError, Turn};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) async fn write(tx: &mut Tx, node: i16, verdicts: &Verdicts<'_>) -> Result<(), Stop> {
    let (mut customers, mut ids, mut projects, mut keys) = (vec![], vec![], vec![], vec![]);
    let (mut kinds, mut recorded, mut bodies, mut not_sent) = (vec![], vec![], vec![], vec![]);
    let (mut apps, mut environments) = (Vec::<Option<Uuid>>::new(), vec![]);
    let mut tallies: BTreeMap<(Uuid, i64, &str, &str), (i64, i64)> = BTreeMap::new();
    for (_, work) in verdicts.going() {
        for (new, texts) in work.commit.events.iter().zip(&work.events) {
            let event = &new.event;
            customers.push(event.customer.id.uuid());
            ids.push(event.id.uuid());
            projects.push(event.project.uuid());
            keys.push(event.key.clone());
            kinds.push(event.kind.id().to_owned());
            recorded.push(micros(event.recorded_at));
            bodies.push(texts.body.clone());
            not_sent.push(texts.not_sent.clone());
            apps.push(event.app.as_ref().map(|app| app.id.uuid()));
            environments.push(event.environment.id().to_owned());
            let hour = event.recorded_at.as_second() / 3600;
            let of = (
                event.project.uuid(),
                hour,
                event.environment.id(),
                event.kind.id(),
            );
            let tally = tallies.entry(of).or_default();
            tally.0 += 1;
            tally.1 += event.revenue_usd_micros();
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into event_keys (customer, key) select * from unnest($1::uuid[], $2::text[])",
        &customers,
        &keys
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "insert into events (customer, id, project, key, kind, recorded_at, body, not_sent)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::text[])",
        &customers, &ids, &projects, &keys, &kinds, &recorded, &bodies, &not_sent
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "insert into feed_queue (event, customer, project, kind, app, environment, recorded_at)
         select event, customer, project, kind, app, environment, recorded_at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[])
         with ordinality as n(event, customer, project, kind, app, environment, recorded_at, number) order by number",
        &ids, &customers, &projects, &kinds, &apps as _, &environments, &recorded
    )
    .execute(&mut **tx)
    .await?;
    let (mut projects, mut hours, mut environments, mut kinds) = (vec![], vec![], vec![], vec![]);
    let (mut counts, mut money) = (vec![], vec![]);
    for ((project, hour, environment, kind), (count, usd_micros)) in tallies {
        projects.push(project);
        hours.push(hour);
        environments.push(environment.to_owned());
        kinds.push(kind.to_owned());
        counts.push(count);
        money.push(usd_micros);
    }
    sqlx::query!(
        "insert into tallies (project, hour, environment, kind, node, count, usd_micros)
         select project, hour, environment, kind, $7, count, usd_micros
         from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) as n(project, hour, environment, kind, count, usd_micros)
         on conflict (project, hour, environment, kind, node)
         do update set count = tallies.count + excluded.count, usd_micros = tallies.usd_micros + excluded.usd_micros",
        &projects, &hours, &environments, &kinds, &counts, &money, node
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What each commit has ready, and deliveries that wait for one outside the batch.
pub(super) struct Queued {
    pub(super) ready: Vec<Vec<DeliveryId>>,
    pub(super) waiting: queue::Waiting,
}

pub(super) async fn deliveries(tx: &mut Tx, verdicts: &Verdicts<'_>) -> Result<Queued, Stop> {
    let mut queued = Queued {
        ready: verdicts.works.iter().map(|_| Vec::new()).collect(),
        waiting: queue::Waiting::default(),
    };
    let mut last = queue::open(tx, &with_lines(verdicts)).await?;
    let mut rows = queue::Rows::default();
    for (number, work) in verdicts.going() {
        let seqs: BTreeMap<_, _> = work
            .commit
            .events
            .iter()
            .map(|new| (new.event.id, new.event.customer_seq))
            .collect();
        for (delivery, message) in work.commit.deliveries.iter().zip(&work.messages) {
            let seq = seqs.get(&delivery.event).ok_or_else(|| {
                let problem = format!("delivery {} is of no event of its commit", delivery.id);
                LedgerError::Refused(problem)
            })?;
            let line = Line {
                customer: delivery.customer.uuid(),
                integration: delivery.lane.integration.uuid(),
                endpoint: delivery.lane.endpoint.id().to_owned(),
            };
            let before = if delivery.ordered {
                last.insert(line.clone(), Last::Written)
            } else {
                None
            };
            let due_at = micros(delivery.due_at);
            let (due_at, turn) = match before {
                None => {
                    queued.ready[number].push(delivery.id);
                    (due_at, Turn::Goes)
                }
                Some(Last::Stored(woken_at)) => {
                    let now = micros(delivery.accepted_at);
                    queued.waiting.push(line, delivery.id.uuid(), now, due_at);
                    (micros(woken_at), Turn::Waits)
                }
                Some(Last::Written) => (micros(FAR), Turn::Waits),
            };
            rows.push(delivery, message.clone(), *seq, Place { due_at, turn });
        }
    }
    rows.insert(tx).await.map_err(failed)?;
    Ok(queued)
}

/// Customers whose deliveries are put behind others. One that is new has nothing that could be waited for.
fn with_lines(verdicts: &Verdicts<'_>) -> Vec<Uuid> {
    let customers: BTreeSet<Uuid> = verdicts
        .going()
        .filter(|(_, work)| {
            let write = work.commit.customer.as_ref();
            work.commit.handover.is_some()
                || write.is_none_or(|write| write.loaded_version.is_some())
        })
        .flat_map(|(_, work)| &work.commit.deliveries)
        .filter(|delivery| delivery.ordered)
        .map(|delivery| delivery.customer.uuid())
        .collect();
    customers.into_iter().collect()
}
