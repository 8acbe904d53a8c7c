//! Deliveries: queued, claimed, settled, released, tried again, forgotten.
//!
//! Rows that are known by their id are found by it: `status + 0 = 0` matches no partial index, which would be walked from end to end for
//! every one of a batch while the planner believes it to be small.

use crate::{
    Layout,
    batch::{Stop, Work},
    codec::{DELIVERED, FAILED, PENDING, count, failed, micros, rows, signed, time},
    feed, partitions,
};
use domain::{DeliveryId, IntegrationId, NotSent};
use jiff::Timestamp;
use ledger::{
    Lease, NewDelivery, Next, Requeue, Result, Returned, Settled, Settlement,
    codec::{corrupt, from_json, pack, to_json, unpack},
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
    pub(crate) async fn insert(&self, tx: &mut Transaction<'static, Postgres>) -> sqlx::Result<()> {
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

/// A delivery that was leased, before its event is read.
struct Leased {
    customer: Uuid,
    id: Uuid,
    integration: Uuid,
    message: String,
    attempts: i32,
    round: i32,
    accepted_at: i64,
    event: Uuid,
    trace: Option<String>,
    /// What it waited for, where it was released.
    before: Option<Uuid>,
}

impl Leased {
    fn decode(self, body: &[u8]) -> Result<Lease> {
        let id = DeliveryId::new(self.id);
        let event = from_json(&unpack(body, "events", self.event)?, "events", self.event)?;
        Ok(Lease {
            id,
            integration: IntegrationId::new(self.integration),
            message: from_json(self.message.as_bytes(), "deliveries", id)?,
            event: Arc::new(event),
            trace: self.trace,
            attempts: count(self.attempts),
            round: count(self.round),
            accepted_at: time(self.accepted_at, "deliveries")?,
        })
    }
}

/// Reads the events of deliveries that were leased; each with what it waited for.
async fn with_events(pool: &PgPool, leased: Vec<Leased>) -> Result<Vec<(Option<Uuid>, Lease)>> {
    if leased.is_empty() {
        return Ok(Vec::new());
    }
    let (customers, events): (Vec<Uuid>, Vec<Uuid>) =
        leased.iter().map(|row| (row.customer, row.event)).unzip();
    let told = feed::told(pool, &customers, &events).await?;
    leased
        .into_iter()
        .map(|row| {
            let (body, _) = told.get(&row.event).ok_or_else(|| {
                corrupt("deliveries", row.id, "the event it carries does not exist")
            })?;
            Ok((row.before, row.decode(body)?))
        })
        .collect()
}

/// Moving `due_at` is the claim: of two nodes that want the same row, the second finds it moved.
pub(crate) async fn claim(
    pool: &PgPool,
    layout: Layout,
    integration: IntegrationId,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> Result<Vec<Lease>> {
    let (integration, now, until, limit) = (
        integration.uuid(),
        micros(now),
        micros(lease_until),
        rows(limit),
    );
    let claimed = match layout {
        // Rows that another node is claiming are passed over.
        Layout::OneMachine => {
            sqlx::query_as!(
                Leased,
                r#"update deliveries d set due_at = $3, waits_for = null
                   from (select customer, id, due_at from deliveries where integration = $1 and status = 0 and due_at <= $2 order by due_at limit $4
                         for update skip locked) as due
                   where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
                   returning d.customer, d.id, d.integration, d.message, d.attempts, d.round, d.accepted_at, d.event, d.trace, null::uuid as before"#,
                integration, now, until, limit
            )
            .fetch_all(pool)
            .await
        }
        Layout::Distributed => {
            sqlx::query_as!(
                Leased,
                r#"update deliveries d set due_at = $3, waits_for = null
                   from (select customer, id, due_at from deliveries where integration = $1 and status = 0 and due_at <= $2 order by due_at limit $4) as due
                   where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
                   returning d.customer, d.id, d.integration, d.message, d.attempts, d.round, d.accepted_at, d.event, d.trace, null::uuid as before"#,
                integration, now, until, limit
            )
            .fetch_all(pool)
            .await
        }
    };
    let leases = with_events(pool, claimed.map_err(failed)?).await?;
    Ok(leases.into_iter().map(|(_, lease)| lease).collect())
}

/// One index seek per integration: a backlog is never scanned.
pub(crate) async fn integrations_due(
    pool: &PgPool,
    layout: Layout,
    among: &[IntegrationId],
    now: Timestamp,
) -> Result<Vec<IntegrationId>> {
    let now = micros(now);
    match layout {
        Layout::OneMachine => {
            let among: Vec<Uuid> = among.iter().map(|id| id.uuid()).collect();
            let due = sqlx::query_scalar!(
                r#"select n.id as "id!" from unnest($1::uuid[]) with ordinality as n(id, number)
                   where exists (select 1 from deliveries d where d.integration = n.id and d.status = 0 and d.due_at <= $2) order by n.number"#,
                &among, now
            )
            .fetch_all(pool)
            .await
            .map_err(failed)?;
            Ok(due.into_iter().map(IntegrationId::new).collect())
        }
        Layout::Distributed => {
            let mut due = Vec::new();
            for integration in among {
                let found = sqlx::query_scalar!(
                    "select id from deliveries where integration = $1 and status = 0 and due_at <= $2 limit 1",
                    integration.uuid(),
                    now
                )
                .fetch_optional(pool)
                .await
                .map_err(failed)?;
                due.extend(found.map(|_| *integration));
            }
            Ok(due)
        }
    }
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
    let (mut customers, mut ids) = (vec![], vec![]);
    let (mut attempts, mut states, mut due) = (vec![], vec![], vec![]);
    let (mut reasons, mut details) = (Vec::<Option<String>>::new(), vec![]);
    let mut order: Vec<&Prepared> = works.iter().collect();
    // In the order of their ids, so that two nodes do not wait for each other.
    order.sort_by_key(|work| work.settlement.delivery);
    for work in order {
        let (state, due_at, reason) = work.state();
        customers.push(work.settlement.customer.uuid());
        ids.push(work.settlement.delivery.uuid());
        attempts.push(i32::try_from(work.settlement.attempts).unwrap_or(i32::MAX));
        states.push(state);
        due.push(micros(due_at));
        reasons.push(reason.map(|reason| reason.id().to_owned()));
        details.push(work.settlement.detail.clone());
    }
    let mut tx = pool.begin().await?;
    let recorded: BTreeSet<Uuid> = sqlx::query_scalar!(
        "update deliveries d set status = n.status, attempts = d.attempts + 1, round = d.round + 1, due_at = n.due_at, reason = n.reason,
           detail = n.detail, waits_for = null
         from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::smallint[], $5::bigint[], $6::text[], $7::text[])
           as n(customer, id, attempts, status, due_at, reason, detail)
         where d.customer = n.customer and d.id = n.id and d.attempts = n.attempts and d.status + 0 = 0 returning d.id",
        &customers, &ids, &attempts, &states, &due, &reasons as _, &details
    )
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .collect();
    insert_attempts(&mut tx, &works, &recorded).await?;
    let mut settled = Settling::default();
    for work in works.iter() {
        let id = work.settlement.delivery.uuid();
        if recorded.contains(&id) && work.state().0 != PENDING {
            settled.customers.push(work.settlement.customer.uuid());
            settled.ids.push(id);
            settled.until.push(micros(work.lease_until));
        }
    }
    let mut leased = release(&mut *tx, &settled).await?;
    tx.commit().await?;
    // Once more: what another node wrote as waiting meanwhile was not seen, and did not see what is settled.
    match release(pool, &settled).await {
        Ok(late) => leased.extend(late),
        // They are recorded whatever comes now; `mend` finds what is left.
        Err(error) => {
            tracing::warn!(%error, "what waited for settled deliveries could not be released");
        }
    }
    let mut released: BTreeMap<Uuid, Vec<Lease>> = BTreeMap::new();
    match with_events(pool, leased).await {
        Ok(leases) => {
            for (before, lease) in leases {
                if let Some(before) = before {
                    released.entry(before).or_default().push(lease);
                }
            }
        }
        // They are leased to nobody then, and due when that runs out.
        Err(error) => {
            tracing::warn!(%error, "the events of released deliveries could not be read");
        }
    }
    Ok(works
        .iter()
        .map(|work| {
            let id = work.settlement.delivery.uuid();
            Settled {
                recorded: recorded.contains(&id),
                released: released.remove(&id).unwrap_or_default(),
            }
        })
        .collect())
}

async fn insert_attempts(
    tx: &mut Transaction<'static, Postgres>,
    works: &[Prepared],
    recorded: &BTreeSet<Uuid>,
) -> Result<(), Stop> {
    let (mut customers, mut deliveries, mut numbers, mut at) = (vec![], vec![], vec![], vec![]);
    let (mut took, mut statuses) = (vec![], Vec::<Option<i32>>::new());
    let (mut reasons, mut details) = (Vec::<Option<String>>::new(), vec![]);
    let (mut responses, mut requests) = (vec![], Vec::<Option<Vec<u8>>>::new());
    for work in works {
        let settlement = &work.settlement;
        if !recorded.contains(&settlement.delivery.uuid()) {
            continue;
        }
        customers.push(settlement.customer.uuid());
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

/// Deliveries that were settled for good, column by column, and until when what waited for each is leased.
#[derive(Default)]
struct Settling {
    customers: Vec<Uuid>,
    ids: Vec<Uuid>,
    until: Vec<i64>,
}

/// Leases what waited for settled deliveries.
async fn release(on: impl PgExecutor<'_>, settled: &Settling) -> sqlx::Result<Vec<Leased>> {
    if settled.ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Leased,
        "update deliveries d set waits_for = null, due_at = n.until from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as n(customer, id, until)
         where d.customer = n.customer and d.waits_for = n.id and d.status + 0 = 0
         returning d.customer, d.id, d.integration, d.message, d.attempts, d.round, d.accepted_at, d.event, d.trace, n.id as before",
        &settled.customers, &settled.ids, &settled.until
    )
    .fetch_all(on)
    .await
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

pub(crate) async fn hand_back(pool: &PgPool, leases: &[Returned], now: Timestamp) -> Result<u64> {
    let customers: Vec<Uuid> = leases.iter().map(|lease| lease.customer.uuid()).collect();
    let ids: Vec<Uuid> = leases.iter().map(|lease| lease.delivery.uuid()).collect();
    let attempts: Vec<i32> = leases
        .iter()
        .map(|lease| i32::try_from(lease.attempts).unwrap_or(i32::MAX))
        .collect();
    sqlx::query!(
        "update deliveries d set due_at = $4 from unnest($1::uuid[], $2::uuid[], $3::integer[]) as n(customer, id, attempts)
         where d.customer = n.customer and d.id = n.id and d.attempts = n.attempts and d.status + 0 = 0",
        &customers, &ids, &attempts, micros(now)
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
