//! Deliveries that are queued, each behind those of its line.

use crate::{
    Layout, Tx,
    codec::{failed, micros, signed},
    line::{Ended, Line, Place, Released},
};
use domain::time::after;
use jiff::Timestamp;
use ledger::{FAR, NewDelivery, PATIENCE, Result, Turn, codec::Stored};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Deliveries to insert, column by column.
#[derive(Default)]
pub(crate) struct Rows {
    customers: Vec<Uuid>,
    ids: Vec<Uuid>,
    projects: Vec<Uuid>,
    events: Vec<Uuid>,
    seqs: Vec<i64>,
    integrations: Vec<Uuid>,
    endpoints: Vec<String>,
    messages: Vec<String>,
    accepted: Vec<i64>,
    due: Vec<i64>,
    turns: Vec<i16>,
    traces: Vec<Option<String>>,
}

impl Rows {
    pub(crate) fn push(&mut self, delivery: &NewDelivery, message: String, seq: u64, place: Place) {
        self.customers.push(delivery.customer.uuid());
        self.ids.push(delivery.id.uuid());
        self.projects.push(delivery.project.uuid());
        self.events.push(delivery.event.uuid());
        self.seqs.push(signed(seq));
        self.integrations.push(delivery.lane.integration.uuid());
        self.endpoints.push(delivery.lane.endpoint.id().to_owned());
        self.messages.push(message);
        self.accepted.push(micros(delivery.accepted_at));
        self.due.push(place.due_at);
        self.turns.push(place.turn.number());
        self.traces.push(delivery.trace.clone());
    }

    /// One that exists already stays as it is.
    pub(crate) async fn insert(&self, tx: &mut Tx) -> sqlx::Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into deliveries (customer, id, project, event, seq, integration, endpoint, message, status, attempts, round, accepted_at, due_at, turn, trace, detail)
             select customer, id, project, event, seq, integration, endpoint, message, 0, 0, 0, accepted_at, due_at, turn, trace, ''
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::smallint[], $12::text[])
             with ordinality as n(customer, id, project, event, seq, integration, endpoint, message, accepted_at, due_at, turn, trace, number) order by number
             on conflict (customer, id) do nothing",
            &self.customers, &self.ids, &self.projects, &self.events, &self.seqs, &self.integrations, &self.endpoints, &self.messages, &self.accepted,
            &self.due, &self.turns, &self.traces as _
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// What a delivery is put behind.
#[derive(Clone, Copy)]
pub(crate) enum Last {
    /// One outside the batch, with when what is right behind it is woken.
    Stored(Timestamp),
    /// One of the same batch.
    Written,
}

/// The last open delivery of each line of these customers.
pub(crate) async fn open(tx: &mut Tx, customers: &[Uuid]) -> Result<BTreeMap<Line, Last>> {
    if customers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = sqlx::query!(
        "select distinct on (customer, integration, endpoint) customer, integration, endpoint, id, turn, tried_at from deliveries
         where customer = any($1) and status = 0 order by customer, integration, endpoint, seq desc, position desc",
        customers
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    let mut last = BTreeMap::new();
    for row in found {
        let tried_at = row.tried_at.filter(|_| row.turn != Turn::Waits.number());
        let tried_at = tried_at.map(|at| Stored::new("deliveries", &row.id).time("tried_at", at));
        let patient = tried_at.transpose()?.map(|at| after(at, PATIENCE));
        let line = Line {
            customer: row.customer,
            integration: row.integration,
            endpoint: row.endpoint,
        };
        last.insert(line, Last::Stored(patient.unwrap_or(FAR)));
    }
    Ok(last)
}

/// Deliveries that were written as waiting for what is outside their batch.
#[derive(Default)]
pub(crate) struct Waiting {
    ids: Vec<Uuid>,
    lines: Ended,
}

impl Waiting {
    /// One that would be leased until `until` once its turn has come.
    pub(crate) fn push(&mut self, line: Line, id: Uuid, now: i64, until: i64) {
        self.ids.push(id);
        self.lines.push(line, id, now, i64::MIN, until);
    }

    /// Releases those whose line was settled in the same moment.
    pub(crate) async fn release(&self, pool: &PgPool, layout: Layout) -> Result<BTreeSet<Uuid>> {
        let which = Released::Among(&self.ids);
        let released = self
            .lines
            .release(pool, layout, which)
            .await
            .map_err(failed)?;
        Ok(released.into_iter().map(|row| row.id).collect())
    }
}
