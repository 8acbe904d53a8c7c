//! Attempts: recorded in batches, and what waited for a delivery released.

use crate::{
    Tx,
    batch::{Stop, Work},
    codec::{failed, micros},
    deliveries::{Leased, with_events},
};
use domain::NotSent;
use jiff::Timestamp;
use ledger::{
    DeliveryState, Lease, Next, Result, Settled, Settlement,
    codec::{pack, to_json},
};
use sqlx::{PgExecutor, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use uuid::Uuid;

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

    fn state(&self) -> (DeliveryState, Timestamp, Option<NotSent>) {
        match &self.settlement.next {
            Next::Delivered => (DeliveryState::Delivered, self.settlement.at, None),
            Next::Failed(reason) => (DeliveryState::Failed, self.settlement.at, Some(*reason)),
            Next::Retry(reason, due_at) => (DeliveryState::Pending, *due_at, Some(*reason)),
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
        states.push(state.number());
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
        if recorded.contains(&id) && work.state().0 != DeliveryState::Pending {
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
    tx: &mut Tx,
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
