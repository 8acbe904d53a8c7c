//! Deliveries that are queued, and those that wait for another of their customer.

use crate::{
    Tx,
    codec::{failed, micros, signed},
};
use jiff::Timestamp;
use ledger::{NewDelivery, Result};
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
    messages: Vec<String>,
    accepted: Vec<i64>,
    due: Vec<i64>,
    waits: Vec<Option<Uuid>>,
    traces: Vec<Option<String>>,
}

impl Rows {
    pub(crate) fn push(
        &mut self,
        delivery: &NewDelivery,
        message: String,
        seq: u64,
        due_at: Timestamp,
        waits_for: Option<Uuid>,
    ) {
        self.customers.push(delivery.customer.uuid());
        self.ids.push(delivery.id.uuid());
        self.projects.push(delivery.project.uuid());
        self.events.push(delivery.event.uuid());
        self.seqs.push(signed(seq));
        self.integrations.push(delivery.integration.uuid());
        self.messages.push(message);
        self.accepted.push(micros(delivery.accepted_at));
        self.due.push(micros(due_at));
        self.waits.push(waits_for);
        self.traces.push(delivery.trace.clone());
    }

    /// One that exists already stays as it is.
    pub(crate) async fn insert(&self, tx: &mut Tx) -> sqlx::Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, waits_for, trace, detail)
             select customer, id, project, event, seq, integration, message, 0, 0, 0, accepted_at, due_at, waits_for, trace, ''
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[], $10::uuid[], $11::text[])
             with ordinality as n(customer, id, project, event, seq, integration, message, accepted_at, due_at, waits_for, trace, number) order by number
             on conflict (customer, id) do nothing",
            &self.customers, &self.ids, &self.projects, &self.events, &self.seqs, &self.integrations, &self.messages, &self.accepted, &self.due,
            &self.waits as _, &self.traces as _
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// The last open delivery of each of these customers to each integration.
pub(crate) async fn open(
    tx: &mut Tx,
    customers: &[Uuid],
) -> sqlx::Result<BTreeMap<(Uuid, Uuid), Uuid>> {
    if customers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = sqlx::query!(
        "select distinct on (customer, integration) customer, integration, id from deliveries
         where customer = any($1) and status = 0 order by customer, integration, seq desc, position desc",
        customers
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(found
        .into_iter()
        .map(|row| ((row.customer, row.integration), row.id))
        .collect())
}

/// A delivery that was written as waiting for another.
pub(crate) struct Waiting {
    pub(crate) customer: Uuid,
    pub(crate) id: Uuid,
    /// What it waits for.
    pub(crate) before: Uuid,
    /// Until when it is leased once it waits no more.
    pub(crate) until: i64,
}

/// Releases those whose predecessor was settled in the same moment.
pub(crate) async fn release_late(pool: &PgPool, waiting: &[Waiting]) -> Result<BTreeSet<Uuid>> {
    if waiting.is_empty() {
        return Ok(BTreeSet::new());
    }
    let of: Vec<Uuid> = waiting.iter().map(|row| row.customer).collect();
    let before: Vec<Uuid> = waiting.iter().map(|row| row.before).collect();
    let settled: BTreeSet<Uuid> = sqlx::query_scalar!(
        "select d.id from unnest($1::uuid[], $2::uuid[]) as n(customer, id) join deliveries d on d.customer = n.customer and d.id = n.id
         where d.status <> 0",
        &of, &before
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .collect();
    let (mut customers, mut ids, mut before, mut until) = (vec![], vec![], vec![], vec![]);
    for row in waiting.iter().filter(|row| settled.contains(&row.before)) {
        customers.push(row.customer);
        ids.push(row.id);
        before.push(row.before);
        until.push(row.until);
    }
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let released = sqlx::query_scalar!(
        "update deliveries d set waits_for = null, due_at = n.until
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) as n(customer, id, before, until)
         where d.customer = n.customer and d.id = n.id and d.waits_for = n.before and d.status + 0 = 0 returning d.id",
        &customers, &ids, &before, &until
    )
    .fetch_all(pool)
    .await;
    Ok(released.map_err(failed)?.into_iter().collect())
}
