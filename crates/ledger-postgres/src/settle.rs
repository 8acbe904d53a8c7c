//! Attempts: recorded in batches, and what is next in line released.

use crate::{
    Layout,
    batch::{Afterwards, Stop, Work},
    codec::micros,
    forget::forgotten,
    held,
    lease::{Following, with_events},
    line::{self, Released, Waking},
    look::Look,
};
use domain::{NotSent, time::after};
use jiff::Timestamp;
use ledger::{
    DeliveryState, Lease, Next, Order, PATIENCE, Result, Settled, Settlement, Turn,
    codec::{Stored, pack, to_json},
};
use sqlx::{Acquire, PgConnection, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use uuid::Uuid;

/// A settlement with its request serialized, and until when what comes after it is leased.
#[derive(Debug)]
pub(crate) struct Prepared {
    settlement: Settlement,
    request: Option<Vec<u8>>,
    headers: String,
    lease_until: Timestamp,
}

impl Prepared {
    pub(crate) fn new(settlement: Settlement, lease_until: Timestamp) -> Result<Self> {
        let request = settlement
            .request
            .as_ref()
            .map(|request| pack(to_json(request)?.as_bytes()))
            .transpose()?;
        Ok(Self {
            headers: to_json(&settlement.headers)?,
            settlement,
            request,
            lease_until,
        })
    }
}

/// A settlement, and what it comes to with the settings that are in force.
struct Judged<'a> {
    work: &'a Prepared,
    next: Next,
}

impl Judged<'_> {
    fn state(&self) -> (DeliveryState, Timestamp, Option<NotSent>) {
        let at = self.work.settlement.at;
        match &self.next {
            Next::Delivered => (DeliveryState::Delivered, at, None),
            Next::Failed(reason) => (DeliveryState::Failed, at, Some(*reason)),
            Next::Retry(reason, due_at)
            | Next::Rest(reason, due_at)
            | Next::Later(reason, due_at) => (DeliveryState::Pending, *due_at, Some(*reason)),
        }
    }

    const fn turn(&self) -> Turn {
        match &self.next {
            Next::Retry(..) | Next::Rest(..) => Turn::Rests,
            Next::Delivered | Next::Failed(_) | Next::Later(..) => Turn::Goes,
        }
    }
}

/// What becomes of each. Where one failed for want of settings, nobody changes them until it is recorded: whoever does so after that finds it among
/// what failed.
async fn judged<'a>(on: &mut PgConnection, works: &'a [Prepared]) -> Result<Vec<Judged<'a>>, Stop> {
    let lacked = works
        .iter()
        .filter_map(|work| work.settlement.lacked.as_ref());
    let integrations: BTreeSet<Uuid> = lacked.map(|made| made.integration.uuid()).collect();
    let stored = held::integrations_held(on, integrations).await?;
    let judged = works.iter().map(|work| {
        let lacked = work.settlement.lacked.as_ref();
        let stored = lacked.and_then(|made| stored.get(&made.integration));
        let next = work.settlement.next_upon(stored);
        Judged { work, next }
    });
    Ok(judged.collect())
}

impl Work for Prepared {
    type Outcome = Settled;
    fn touches(&self) -> Vec<Uuid> {
        vec![self.settlement.delivery.uuid()]
    }
}

/// A delivery that was moved on: its line, and when it was first tried.
struct Recorded {
    id: Uuid,
    integration: Uuid,
    endpoint: String,
    tried_at: Option<i64>,
}

/// Records a batch of attempts, then releases what is next in the lines of those that were settled.
pub(crate) async fn settle(
    pool: &PgPool,
    layout: Layout,
    works: Arc<Vec<Prepared>>,
) -> Result<Afterwards<Settled>, Stop> {
    // All on one connection: whoever had to wait for another might be told that there is none, and what is released would be
    // leased to nobody.
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    let judged = judged(&mut tx, &works).await?;
    let recorded = record(&mut tx, &judged).await?;
    // What is recorded here, whoever forgets its customer waits for; what waited for that sees it now.
    let withheld = withheld(&mut tx, &judged, &recorded).await?;
    insert_attempts(&mut tx, &judged, &recorded, &withheld).await?;
    let (mut ended, waking) = following(&judged, &recorded)?;
    waking.write(&mut *tx).await?;
    let leased = ended.release(&mut *tx, layout, Released::Any).await?;
    ended.found(&leased);
    // Before the commit: what is leased and could not be read would be leased to nobody.
    let released = with_events(&mut *tx, leased).await?;
    tx.commit().await?;
    let look = Look { ended, waking };
    let (pool, recorded) = (pool.clone(), recorded.into_keys().collect());
    Ok(Box::pin(async move {
        let late = look.look(&pool, connection, layout).await;
        told(&works, &recorded, released.into_iter().chain(late))
    }))
}

/// What became of each.
fn told(
    works: &[Prepared],
    recorded: &BTreeSet<Uuid>,
    leases: impl Iterator<Item = Following>,
) -> Vec<Settled> {
    let mut released: BTreeMap<Uuid, Vec<Lease>> = BTreeMap::new();
    for Following { after, lease } in leases {
        if let Some(settled) = after {
            released.entry(settled).or_default().push(lease);
        }
    }
    works
        .iter()
        .map(|work| {
            let id = work.settlement.delivery.uuid();
            Settled {
                recorded: recorded.contains(&id),
                released: released.remove(&id).unwrap_or_default(),
            }
        })
        .collect()
}

/// Lines of which something was settled, and lines of which something rests.
fn following(
    judged: &[Judged<'_>],
    recorded: &BTreeMap<Uuid, Recorded>,
) -> Result<(line::Ended, Waking), Stop> {
    let (mut ended, mut waking) = (line::Ended::default(), Waking::default());
    for Judged { work, next } in judged {
        let settlement = &work.settlement;
        let Some(row) = recorded.get(&settlement.delivery.uuid()) else {
            continue;
        };
        let Order::Customer { tried_before } = settlement.order else {
            continue;
        };
        let of = line::Line {
            customer: settlement.customer.uuid(),
            integration: row.integration,
            endpoint: row.endpoint.clone(),
        };
        match next {
            Next::Delivered | Next::Failed(_) => {
                let (now, until) = (micros(settlement.at), micros(work.lease_until));
                ended.push(of, row.id, now, micros(tried_before), until);
            }
            Next::Retry(..) | Next::Rest(..) => {
                let tried_at = row
                    .tried_at
                    .map(|at| Stored::new("deliveries", &row.id).time("tried_at", at));
                if let Some(tried_at) = tried_at.transpose()? {
                    waking.push(of, micros(after(tried_at, PATIENCE)));
                }
            }
            Next::Later(..) => {}
        }
    }
    Ok((ended, waking))
}

/// Moves deliveries on that are still at the attempt they were leased with.
async fn record(
    on: &mut PgConnection,
    judged: &[Judged<'_>],
) -> Result<BTreeMap<Uuid, Recorded>, Stop> {
    let (mut customers, mut ids, mut at) = (vec![], vec![], vec![]);
    let (mut attempts, mut states, mut due) = (vec![], vec![], vec![]);
    let (mut turns, mut counts) = (vec![], vec![]);
    let (mut reasons, mut details) = (Vec::<Option<String>>::new(), vec![]);
    let mut order: Vec<&Judged<'_>> = judged.iter().collect();
    // In the order of their ids, so that two nodes do not wait for each other.
    order.sort_by_key(|judged| judged.work.settlement.delivery);
    for judged in order {
        let (state, due_at, reason) = judged.state();
        let settlement = &judged.work.settlement;
        customers.push(settlement.customer.uuid());
        ids.push(settlement.delivery.uuid());
        at.push(micros(settlement.at));
        attempts.push(i32::try_from(settlement.attempts).unwrap_or(i32::MAX));
        states.push(state.number());
        due.push(micros(due_at));
        turns.push(judged.turn().number());
        counts.push(judged.next.counts());
        reasons.push(reason.map(|reason| reason.id().to_owned()));
        details.push(settlement.detail.clone());
    }
    let recorded = sqlx::query_as!(
        Recorded,
        "update deliveries d set status = n.status, attempts = d.attempts + 1, round = d.round + n.counts::integer, due_at = n.due_at, reason = n.reason,
           detail = n.detail, turn = n.turn, tried_at = coalesce(d.tried_at, case when n.counts then n.at end), waits_for = null
         from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::smallint[], $5::bigint[], $6::text[], $7::text[], $8::smallint[], $9::boolean[], $10::bigint[])
           as n(customer, id, attempts, status, due_at, reason, detail, turn, counts, at)
         where d.customer = n.customer and d.id = n.id and d.attempts = n.attempts and d.status + 0 = 0
         returning d.id, d.integration, d.endpoint, d.tried_at",
        &customers, &ids, &attempts, &states, &due, &reasons as _, &details, &turns, &counts, &at
    )
    .fetch_all(&mut *on)
    .await?;
    Ok(recorded.into_iter().map(|row| (row.id, row)).collect())
}

/// Deliveries of which only what happened is recorded: what was sent names a customer who was forgotten meanwhile.
async fn withheld(
    on: &mut PgConnection,
    judged: &[Judged<'_>],
    recorded: &BTreeMap<Uuid, Recorded>,
) -> Result<BTreeSet<Uuid>, Stop> {
    let settlements = judged.iter().map(|judged| &judged.work.settlement);
    let naming: Vec<_> = settlements
        .filter(|settlement| settlement.names_customer)
        .map(|settlement| (settlement.customer.uuid(), settlement.delivery.uuid()))
        .filter(|(_, delivery)| recorded.contains_key(delivery))
        .collect();
    if naming.is_empty() {
        return Ok(BTreeSet::new());
    }
    let customers: Vec<Uuid> = naming.iter().map(|(customer, _)| *customer).collect();
    let forgotten = forgotten(&mut *on, &customers).await?;
    let mut withheld = BTreeSet::new();
    for (customer, delivery) in naming {
        if forgotten.contains(&customer) {
            sqlx::query!(
                "update deliveries set detail = '' where customer = $1 and id = $2",
                customer,
                delivery
            )
            .execute(&mut *on)
            .await?;
            withheld.insert(delivery);
        }
    }
    Ok(withheld)
}

async fn insert_attempts(
    on: &mut PgConnection,
    judged: &[Judged<'_>],
    recorded: &BTreeMap<Uuid, Recorded>,
    withheld: &BTreeSet<Uuid>,
) -> Result<(), Stop> {
    let (mut customers, mut deliveries, mut numbers, mut at) = (vec![], vec![], vec![], vec![]);
    let (mut took, mut statuses) = (vec![], Vec::<Option<i32>>::new());
    let (mut reasons, mut details) = (Vec::<Option<String>>::new(), vec![]);
    let (mut responses, mut requests) = (vec![], Vec::<Option<Vec<u8>>>::new());
    let mut headers = vec![];
    for judged in judged {
        let (work, settlement) = (judged.work, &judged.work.settlement);
        if !recorded.contains_key(&settlement.delivery.uuid()) {
            continue;
        }
        customers.push(settlement.customer.uuid());
        deliveries.push(settlement.delivery.uuid());
        numbers.push(i32::try_from(settlement.attempts + 1).unwrap_or(i32::MAX));
        at.push(micros(settlement.at));
        took.push(i64::try_from(settlement.took.as_millis()).unwrap_or(i64::MAX));
        statuses.push(settlement.status.map(i32::from));
        reasons.push(judged.state().2.map(|reason| reason.id().to_owned()));
        let is_told = !withheld.contains(&settlement.delivery.uuid());
        let told = is_told.then_some(settlement);
        details.push(told.map_or_else(String::new, |told| told.detail.clone()));
        responses.push(told.map_or_else(Vec::new, |told| told.response.clone()));
        requests.push(work.request.clone().filter(|_| is_told));
        headers.push(is_told.then(|| work.headers.clone()));
    }
    if deliveries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into attempts (customer, delivery, number, at, took_ms, status, reason, detail, response, request, headers)
         select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[], $5::bigint[], $6::integer[], $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::text[])",
        &customers, &deliveries, &numbers, &at, &took, &statuses as _, &reasons as _, &details, &responses, &requests as _, &headers as _
    )
    .execute(&mut *on)
    .await?;
    Ok(())
}
