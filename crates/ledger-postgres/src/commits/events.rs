//! Events of a batch of commits, what they add to the hour, and their deliveries.

use super::verdicts::Verdicts;
use crate::{
    Tx,
    batch::Stop,
    codec::{failed, micros},
    line::{Line, Place},
    queue::{self, Last},
};
use domain::{DeliveryId, Event};
use ledger::{FAR, LedgerError, Turn, codec::PreparedEvent};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) async fn write(tx: &mut Tx, node: i16, verdicts: &Verdicts<'_>) -> Result<(), Stop> {
    let (mut columns, mut tallies) = (Columns::default(), Tallies::default());
    for (_, work) in verdicts.going() {
        for (new, texts) in work.commit.events.iter().zip(&work.events) {
            columns.push(&new.event, texts);
            tallies.count(&new.event);
        }
    }
    if columns.ids.is_empty() {
        return Ok(());
    }
    columns.insert(tx).await?;
    tallies.add(tx, node).await
}

/// Events to insert, column by column.
#[derive(Default)]
struct Columns {
    customers: Vec<Uuid>,
    ids: Vec<Uuid>,
    projects: Vec<Uuid>,
    keys: Vec<String>,
    kinds: Vec<String>,
    recorded: Vec<i64>,
    bodies: Vec<Vec<u8>>,
    not_sent: Vec<String>,
    apps: Vec<Option<Uuid>>,
    environments: Vec<String>,
}

impl Columns {
    fn push(&mut self, event: &Event, texts: &PreparedEvent) {
        self.customers.push(event.customer.id.uuid());
        self.ids.push(event.id.uuid());
        self.projects.push(event.project.uuid());
        self.keys.push(event.key.clone());
        self.kinds.push(event.kind.id().to_owned());
        self.recorded.push(micros(event.recorded_at));
        self.bodies.push(texts.body.clone());
        self.not_sent.push(texts.not_sent.clone());
        self.apps.push(event.app.as_ref().map(|app| app.id.uuid()));
        self.environments.push(event.environment.id().to_owned());
    }

    /// Their keys, themselves, and that they wait for a place in the feed.
    async fn insert(&self, tx: &mut Tx) -> Result<(), Stop> {
        sqlx::query!(
            "insert into event_keys (customer, key) select * from unnest($1::uuid[], $2::text[])",
            &self.customers,
            &self.keys
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "insert into events (customer, id, project, key, kind, recorded_at, body, not_sent)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::text[])",
            &self.customers, &self.ids, &self.projects, &self.keys, &self.kinds, &self.recorded, &self.bodies, &self.not_sent
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "insert into feed_queue (event, customer, project, kind, app, environment, recorded_at)
         select event, customer, project, kind, app, environment, recorded_at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[])
         with ordinality as n(event, customer, project, kind, app, environment, recorded_at, number) order by number",
            &self.ids, &self.customers, &self.projects, &self.kinds, &self.apps as _, &self.environments, &self.recorded
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// Events of one hour that are counted together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Hour {
    project: Uuid,
    /// Hours since 1970.
    hour: i64,
    environment: &'static str,
    kind: &'static str,
}

/// What they add up to.
#[derive(Default)]
struct Sum {
    count: i64,
    usd_micros: i64,
}

/// What a batch adds to the hours.
#[derive(Default)]
struct Tallies(BTreeMap<Hour, Sum>);

impl Tallies {
    fn count(&mut self, event: &Event) {
        let of = Hour {
            project: event.project.uuid(),
            hour: event.recorded_at.as_second() / 3600,
            environment: event.environment.id(),
            kind: event.kind.id(),
        };
        let sum = self.0.entry(of).or_default();
        sum.count += 1;
        sum.usd_micros += event.revenue_usd_micros();
    }

    async fn add(self, tx: &mut Tx, node: i16) -> Result<(), Stop> {
        let (mut projects, mut hours) = (vec![], vec![]);
        let (mut environments, mut kinds) = (vec![], vec![]);
        let (mut counts, mut money) = (vec![], vec![]);
        for (of, sum) in self.0 {
            projects.push(of.project);
            hours.push(of.hour);
            environments.push(of.environment.to_owned());
            kinds.push(of.kind.to_owned());
            counts.push(sum.count);
            money.push(sum.usd_micros);
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
