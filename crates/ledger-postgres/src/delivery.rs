//! Deliveries: queued, claimed, settled, released, tried again, forgotten.
//!
//! Rows that are known by their id are found by it: `status + 0 = 0` matches no partial index, which would be walked from end to end for
//! every one of a batch while the planner believes it to be small.

use crate::{
    batch::{Stop, Work},
    codec::{DELIVERED, FAILED, PENDING, count, failed, micros, rows, signed, time},
    partitions,
};
use domain::{DeliveryId, IntegrationId, NotSent};
use jiff::Timestamp;
use ledger::{
    Lease, NewDelivery, Next, Requeue, Result, Settled, Settlement,
    codec::{from_json, pack, to_json, unpack},
};
use sqlx::{PgExecutor, PgPool, Postgres, Transaction};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
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
    }

    /// One that exists already stays as it is.
    pub(crate) async fn insert(&self, tx: &mut Transaction<'static, Postgres>) -> sqlx::Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, waits_for, detail)
             select customer, id, project, event, seq, integration, message, 0, 0, 0, accepted_at, due_at, waits_for, ''
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[], $10::uuid[])
             with ordinality as n(customer, id, project, event, seq, integration, message, accepted_at, due_at, waits_for, number) order by number
             on conflict (customer, id) do nothing",
            &self.customers, &self.ids, &self.projects, &self.events, &self.seqs, &self.integrations, &self.messages, &self.accepted, &self.due,
            &self.waits as _
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// The last open delivery of each of these customers to each integration.
pub(crate) async fn open(
    tx: &mut Transaction<'static, Postgres>,
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

/// Of deliveries that were written as waiting, those whose predecessor was settled in the same moment: they are leased until
/// the time that stands beside each.
pub(crate) async fn release_late(pool: &PgPool, waiting: &[(Uuid, i64)]) -> Result<BTreeSet<Uuid>> {
    if waiting.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (ids, until): (Vec<Uuid>, Vec<i64>) = waiting.iter().copied().unzip();
    let released = sqlx::query_scalar!(
        "update deliveries d set waits_for = null, due_at = n.until
         from unnest($1::uuid[], $2::bigint[]) as n(id, until), deliveries p
         where d.id = n.id and d.status + 0 = 0 and p.customer = d.customer and p.id = d.waits_for and p.status <> 0
         returning d.id",
        &ids, &until
    )
    .fetch_all(pool)
    .await;
    Ok(released.map_err(failed)?.into_iter().collect())
}

/// A lease as it is stored.
struct RawLease {
    id: Uuid,
    integration: Uuid,
    message: String,
    attempts: i32,
    round: i32,
    accepted_at: i64,
    event: Uuid,
    body: Vec<u8>,
}

impl RawLease {
    fn decode(self) -> Result<Lease> {
        let id = DeliveryId::new(self.id);
        let event = from_json(
            &unpack(&self.body, "events", self.event)?,
            "events",
            self.event,
        )?;
        Ok(Lease {
            id,
            integration: IntegrationId::new(self.integration),
            message: from_json(self.message.as_bytes(), "deliveries", id)?,
            event: Arc::new(event),
            attempts: count(self.attempts),
            round: count(self.round),
            accepted_at: time(self.accepted_at, "deliveries")?,
        })
    }
}

pub(crate) async fn claim(
    pool: &PgPool,
    integration: IntegrationId,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> Result<Vec<Lease>> {
    // Moving `due_at` is the claim. Rows that another node is claiming are passed over.
    let claimed = sqlx::query_as!(
        RawLease,
        r#"with due as (
             select customer, id, due_at from deliveries where integration = $1 and status = 0 and due_at <= $2 order by due_at limit $4
             for update skip locked),
           claimed as (
             update deliveries d set due_at = $3, waits_for = null from due
             where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
             returning d.customer, d.id, d.integration, d.message, d.attempts, d.round, d.accepted_at, d.event)
           select c.id, c.integration, c.message, c.attempts, c.round, c.accepted_at, c.event, e.body
           from claimed c join events e on e.customer = c.customer and e.id = c.event"#,
        integration.uuid(), micros(now), micros(lease_until), rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    claimed.into_iter().map(RawLease::decode).collect()
}

pub(crate) async fn integrations_due(pool: &PgPool, now: Timestamp) -> Result<Vec<IntegrationId>> {
    // One index seek per integration: a backlog is never scanned.
    let due = sqlx::query_scalar!(
        "select id from integrations i where exists (select 1 from deliveries d where d.integration = i.id and d.status = 0 and d.due_at <= $1)",
        micros(now)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(due.into_iter().map(IntegrationId::new).collect())
}

/// A settlement with its request serialized, and until when what waited for it is leased.
#[derive(Debug)]
pub(crate) struct Prepared {
    settlement: Settlement,
    request: Option<Vec<u8>>,
    lease_until: Timestamp,
}

impl Prepared {
    pub(crate) fn new(settlement: Settlement, lease_until: Timestamp) -> Result<Self> {
        let request = settlement
            .request
            .as_ref()
            .map(to_json)
            .transpose()?
            .map(|json| pack(json.as_bytes()));
        Ok(Self {
            settlement,
            request,
            lease_until,
        })
    }

    fn state(&self) -> (i16, Timestamp, Option<NotSent>) {
        match &self.settlement.next {
            Next::Delivered => (DELIVERED, self.settlement.at, None),
            Next::Failed(reason) => (FAILED, self.settlement.at, Some(*reason)),
            Next::Retry(reason, due_at) => (PENDING, *due_at, Some(*reason)),
        }
    }
}

impl Work for Prepared {
    type Outcome = Settled;
    fn touches(&self) -> Vec<Uuid> {
        vec![self.settlement.delivery.uuid()]
    }
}

/// Records a batch of attempts, then releases what waited for them.
pub(crate) async fn settle(pool: &PgPool, works: Arc<Vec<Prepared>>) -> Result<Vec<Settled>, Stop> {
    let mut ids = Vec::with_capacity(works.len());
    let (mut attempts, mut states, mut due) = (vec![], vec![], vec![]);
    let (mut reasons, mut details) = (Vec::<Option<String>>::new(), vec![]);
    let mut order: Vec<&Prepared> = works.iter().collect();
    // In the order of their ids, so that two nodes do not wait for each other.
    order.sort_by_key(|work| work.settlement.delivery);
    for work in order {
        let (state, due_at, reason) = work.state();
        ids.push(work.settlement.delivery.uuid());
        attempts.push(i32::try_from(work.settlement.attempts).unwrap_or(i32::MAX));
        states.push(state);
        due.push(micros(due_at));
        reasons.push(reason.map(|reason| reason.id().to_owned()));
        details.push(work.settlement.detail.clone());
    }
    let mut tx = pool.begin().await?;
    let recorded: BTreeMap<Uuid, Uuid> = sqlx::query!(
        "update deliveries d set status = n.status, attempts = d.attempts + 1, round = d.round + 1, due_at = n.due_at, reason = n.reason,
           detail = n.detail, waits_for = null
         from unnest($1::uuid[], $2::integer[], $3::smallint[], $4::bigint[], $5::text[], $6::text[]) as n(id, attempts, status, due_at, reason, detail)
         where d.id = n.id and d.attempts = n.attempts and d.status + 0 = 0 returning d.id, d.customer",
        &ids, &attempts, &states, &due, &reasons as _, &details
    )
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .map(|row| (row.id, row.customer))
    .collect();
    insert_attempts(&mut tx, &works, &recorded).await?;
    let mut until: BTreeMap<Uuid, i64> = BTreeMap::new();
    for work in works.iter() {
        let id = work.settlement.delivery.uuid();
        if recorded.contains_key(&id) && work.state().0 != PENDING {
            until.insert(id, micros(work.lease_until));
        }
    }
    let mut released = release(&mut *tx, &until).await.map_err(Stop::Failed)?;
    tx.commit().await?;
    // Once more: what another node wrote as waiting meanwhile was not seen, and did not see what is settled.
    match release(pool, &until).await {
        Ok(late) => {
            for (id, leases) in late {
                released.entry(id).or_default().extend(leases);
            }
        }
        // They are recorded whatever comes now; `mend` finds what is left.
        Err(error) => {
            tracing::warn!(%error, "what waited for settled deliveries could not be released");
        }
    }
    Ok(works
        .iter()
        .map(|work| {
            let id = work.settlement.delivery.uuid();
            Settled {
                recorded: recorded.contains_key(&id),
                released: released.remove(&id).unwrap_or_default(),
            }
        })
        .collect())
}

async fn insert_attempts(
    tx: &mut Transaction<'static, Postgres>,
    works: &[Prepared],
    recorded: &BTreeMap<Uuid, Uuid>,
) -> Result<(), Stop> {
    let (mut customers, mut deliveries, mut numbers, mut at) = (vec![], vec![], vec![], vec![]);
    let (mut took, mut statuses) = (vec![], Vec::<Option<i32>>::new());
    let (mut reasons, mut details) = (Vec::<Option<String>>::new(), vec![]);
    let (mut responses, mut requests) = (vec![], Vec::<Option<Vec<u8>>>::new());
    for work in works {
        let settlement = &work.settlement;
        let Some(customer) = recorded.get(&settlement.delivery.uuid()) else {
            continue;
        };
        customers.push(*customer);
        deliveries.push(settlement.delivery.uuid());
        numbers.push(i32::try_from(settlement.attempts + 1).unwrap_or(i32::MAX));
        at.push(micros(settlement.at));
        took.push(i64::try_from(settlement.took.as_millis()).unwrap_or(i64::MAX));
        statuses.push(settlement.status.map(i32::from));
        reasons.push(work.state().2.map(|reason| reason.id().to_owned()));
        details.push(settlement.detail.clone());
        responses.push(settlement.response.clone());
        requests.push(work.request.clone());
    }
    if deliveries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into attempts (customer, delivery, number, at, took_ms, status, reason, detail, response, request)
         select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[], $5::bigint[], $6::integer[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])",
        &customers, &deliveries, &numbers, &at, &took, &statuses as _, &reasons as _, &details, &responses, &requests as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Leases what waited for settled deliveries, by what it waited for.
async fn release(
    on: impl PgExecutor<'_>,
    until: &BTreeMap<Uuid, i64>,
) -> Result<BTreeMap<Uuid, Vec<Lease>>> {
    let (settled, leases): (Vec<Uuid>, Vec<i64>) = until.iter().map(|(id, at)| (*id, *at)).unzip();
    if settled.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"with waiting as (
             select d.customer, d.id, d.waits_for, n.until from deliveries d
             join unnest($1::uuid[], $2::bigint[]) as n(id, until) on d.waits_for = n.id where d.status + 0 = 0),
           released as (
             update deliveries d set waits_for = null, due_at = w.until from waiting w
             where d.customer = w.customer and d.id = w.id and d.waits_for = w.waits_for and d.status + 0 = 0
             returning d.customer, d.id, d.integration, d.message, d.attempts, d.round, d.accepted_at, d.event, w.waits_for)
           select r.id, r.integration, r.message, r.attempts, r.round, r.accepted_at, r.event, r.waits_for as "waits_for!", e.body
           from released r join events e on e.customer = r.customer and e.id = r.event"#,
        &settled, &leases
    )
    .fetch_all(on)
    .await
    .map_err(failed)?;
    let mut released: BTreeMap<Uuid, Vec<Lease>> = BTreeMap::new();
    for row in rows {
        let lease = RawLease {
            id: row.id,
            integration: row.integration,
            message: row.message,
            attempts: row.attempts,
            round: row.round,
            accepted_at: row.accepted_at,
            event: row.event,
            body: row.body,
        };
        released
            .entry(row.waits_for)
            .or_default()
            .push(lease.decode()?);
    }
    Ok(released)
}

/// Before a delivery that waits for a settled one counts as forgotten: whoever settled it releases it at once.
const FORGOTTEN: jiff::SignedDuration = jiff::SignedDuration::from_secs(15);

/// Makes deliveries due that wait for settled ones because a node died between two statements.
pub(crate) async fn mend(pool: &PgPool, now: Timestamp) -> Result<u64> {
    let before = now.saturating_sub(FORGOTTEN).unwrap_or(now);
    sqlx::query!(
        "update deliveries d set waits_for = null, due_at = $1 from deliveries p
         where d.status = 0 and d.waits_for is not null and d.accepted_at < $2 and p.customer = d.customer and p.id = d.waits_for and p.status <> 0",
        micros(now), micros(before)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}

pub(crate) async fn requeue(pool: &PgPool, which: &Requeue, now: Timestamp) -> Result<u64> {
    let now = micros(now);
    let done = match which {
        Requeue::One(project, delivery) => {
            sqlx::query!(
                "update deliveries set status = 0, round = 0, accepted_at = $1, due_at = $1, waits_for = null where project = $2 and id = $3",
                now, project.uuid(), delivery.uuid()
            )
            .execute(pool)
            .await
        }
        Requeue::Failed(integration, reasons) => {
            let reasons: Vec<String> = reasons.iter().map(|reason| reason.id().to_owned()).collect();
            sqlx::query!(
                "update deliveries set status = 0, round = 0, accepted_at = $1, due_at = $1, waits_for = null
                 where integration = $2 and status = 2 and reason = any($3)",
                now, integration.uuid(), &reasons
            )
            .execute(pool)
            .await
        }
    };
    done.map(|done| done.rows_affected()).map_err(failed)
}

pub(crate) async fn backlog(pool: &PgPool) -> Result<Vec<(IntegrationId, u64)>> {
    let found = sqlx::query!(
        r#"select integration, count(*) as "count!" from deliveries where status = 0 group by integration"#
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(found
        .into_iter()
        .map(|row| {
            (
                IntegrationId::new(row.integration),
                crate::codec::unsigned(row.count),
            )
        })
        .collect())
}

/// Drops what is too old as a whole, then deletes the rest in small steps.
pub(crate) async fn retain(pool: &PgPool, attempts_before: Timestamp, limit: usize) -> Result<u64> {
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
