//! What is held of customers, row by row.

use crate::{
    Tx,
    codec::{failed, rows},
};
use domain::{
    AppId, CustomerId, DeliveryId, EventId, InboxId, IntegrationId, ProjectId, customer::Customer,
};
use ledger::{
    LaneId, Result,
    codec::Stored,
    invariants::{
        HeldAttempt, HeldChain, HeldDelivery, HeldEvent, HeldPurchase, HeldTransaction, Holding,
        Place,
    },
};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(crate) async fn ids(
    pool: &PgPool,
    after: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<CustomerId>> {
    let ids = sqlx::query_scalar!(
        "select id from customers where $1::uuid is null or id > $1 order by id limit $2",
        after.map(CustomerId::uuid),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(ids.into_iter().map(CustomerId::new).collect())
}

/// By customer.
type Held = BTreeMap<Uuid, Holding>;

/// As of one moment.
pub(crate) async fn of(pool: &PgPool, customers: &[CustomerId]) -> Result<Vec<Holding>> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query("set transaction isolation level repeatable read, read only")
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    let mut held = rows_of_customers(&mut tx, &ids).await?;
    names(&mut tx, &ids, &mut held).await?;
    events(&mut tx, &ids, &mut held).await?;
    places(&mut tx, &ids, &mut held).await?;
    causes(&mut tx, &mut held).await?;
    deliveries(&mut tx, &ids, &mut held).await?;
    attempts(&mut tx, &ids, &mut held).await?;
    purchases(&mut tx, &ids, &mut held).await?;
    transactions(&mut tx, &ids, &mut held).await?;
    tx.commit().await.map_err(failed)?;
    Ok(held.into_values().collect())
}

async fn rows_of_customers(tx: &mut Tx, ids: &[Uuid]) -> Result<Held> {
    let found = sqlx::query!(
        "select id, project, seq, merged_into, body from customers where id = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    let mut held = Held::new();
    for row in found {
        let of = Stored::new("customers", &row.id);
        let customer: Customer = of.json("body", row.body.as_bytes())?;
        let holding = Holding {
            customer,
            project: ProjectId::new(row.project),
            seq: of.number("seq", row.seq)?,
            merged_into: row.merged_into.map(CustomerId::new),
            names: BTreeSet::new(),
            events: Vec::new(),
            causes: BTreeSet::new(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
            purchases: Vec::new(),
            transactions: Vec::new(),
        };
        held.insert(row.id, holding);
    }
    Ok(held)
}

async fn names(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let found = sqlx::query!(
        "select customer, app_user_id from aliases where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    for row in found {
        if let Some(holding) = held.get_mut(&row.customer) {
            holding.names.insert(row.app_user_id);
        }
    }
    Ok(())
}

async fn events(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let found = sqlx::query!(
        "select customer, id, project, key, kind, recorded_at, body from events where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    for row in found {
        let of = Stored::new("events", &row.id);
        let event = HeldEvent {
            id: EventId::new(row.id),
            project: ProjectId::new(row.project),
            kind: of.kind("kind", &row.kind)?,
            key: row.key,
            recorded_at: of.time("recorded_at", row.recorded_at)?,
            places: Vec::new(),
            event: of.body("body", &row.body)?,
        };
        if let Some(holding) = held.get_mut(&row.customer) {
            holding.events.push(event);
        }
    }
    Ok(())
}

async fn places(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let placed = sqlx::query!(
        "select customer, event, position from feed where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    let mut places: BTreeMap<EventId, Vec<Place>> = BTreeMap::new();
    for row in placed {
        let position = Stored::new("feed", &row.event).number("position", row.position)?;
        let of_event = places.entry(EventId::new(row.event)).or_default();
        of_event.push(Place::At(position));
    }
    let queued = sqlx::query_scalar!("select event from feed_queue where customer = any($1)", ids)
        .fetch_all(&mut **tx)
        .await
        .map_err(failed)?;
    for event in queued {
        let of_event = places.entry(EventId::new(event)).or_default();
        of_event.push(Place::Next);
    }
    for event in held.values_mut().flat_map(|holding| &mut holding.events) {
        event.places = places.remove(&event.id).unwrap_or_default();
    }
    Ok(())
}

async fn causes(tx: &mut Tx, held: &mut Held) -> Result<()> {
    let events = held.values().flat_map(|holding| &holding.events);
    let causes = events.filter_map(|event| event.event.cause.inbox);
    let causes: Vec<Uuid> = causes.map(InboxId::uuid).collect();
    let kept = sqlx::query_scalar!("select id from inbox where id = any($1)", &causes)
        .fetch_all(&mut **tx)
        .await
        .map_err(failed)?;
    let kept: BTreeSet<InboxId> = kept.into_iter().map(InboxId::new).collect();
    for holding in held.values_mut() {
        let events = holding.events.iter();
        let causes = events.filter_map(|event| event.event.cause.inbox);
        holding.causes = causes.filter(|cause| kept.contains(cause)).collect();
    }
    Ok(())
}

async fn deliveries(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let found = sqlx::query!(
        "select customer, id, project, event, integration, endpoint, position, status, turn, attempts, round, due_at, tried_at, reason
         from deliveries where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    for row in found {
        let of = Stored::new("deliveries", &row.id);
        let reason = row.reason.as_deref();
        let delivery = HeldDelivery {
            id: DeliveryId::new(row.id),
            project: ProjectId::new(row.project),
            customer: CustomerId::new(row.customer),
            event: EventId::new(row.event),
            lane: LaneId {
                integration: IntegrationId::new(row.integration),
                endpoint: of.environment("endpoint", &row.endpoint)?,
            },
            position: of.number("position", row.position)?,
            state: of.state("status", row.status)?,
            turn: of.turn("turn", row.turn)?,
            attempts: of.number("attempts", row.attempts)?,
            round: of.number("round", row.round)?,
            due_at: of.time("due_at", row.due_at)?,
            tried_at: row.tried_at.map(|at| of.time("tried_at", at)).transpose()?,
            reason: reason.map(|id| of.reason("reason", id)).transpose()?,
        };
        if let Some(holding) = held.get_mut(&row.customer) {
            holding.deliveries.push(delivery);
        }
    }
    Ok(())
}

async fn attempts(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let found = sqlx::query!(
        "select customer, delivery, number, reason from attempts where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    for row in found {
        let of = Stored::new("attempts", &row.delivery);
        let reason = row.reason.as_deref();
        let attempt = HeldAttempt {
            delivery: DeliveryId::new(row.delivery),
            number: of.number("number", row.number)?,
            reason: reason.map(|id| of.reason("reason", id)).transpose()?,
        };
        if let Some(holding) = held.get_mut(&row.customer) {
            holding.attempts.push(attempt);
        }
    }
    Ok(())
}

fn chain(of: &Stored<'_>, app: Uuid, environment: &str, id: String) -> Result<HeldChain> {
    Ok(HeldChain {
        app: AppId::new(app),
        environment: of.environment("environment", environment)?,
        id,
    })
}

async fn purchases(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let found = sqlx::query!(
        "select customer, project, app, environment, chain from purchases where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    let (mut apps, mut environments, mut chains) = (vec![], vec![], vec![]);
    for row in &found {
        apps.push(row.app);
        environments.push(row.environment.clone());
        chains.push(row.chain.clone());
    }
    let leading = sqlx::query!(
        "select app, environment, chain, customer from chains
         where (app, environment, chain) in (select * from unnest($1::uuid[], $2::text[], $3::text[]))",
        &apps, &environments, &chains
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    let mut leads_to: BTreeMap<HeldChain, Vec<CustomerId>> = BTreeMap::new();
    for row in leading {
        let of = Stored::new("chains", &row.chain);
        let chain = chain(&of, row.app, &row.environment, row.chain.clone())?;
        let owners = leads_to.entry(chain).or_default();
        owners.push(CustomerId::new(row.customer));
    }
    for row in found {
        let of = Stored::new("purchases", &row.chain);
        let chain = chain(&of, row.app, &row.environment, row.chain.clone())?;
        if let Some(holding) = held.get_mut(&row.customer) {
            holding.purchases.push(HeldPurchase {
                leads_to: leads_to.get(&chain).cloned().unwrap_or_default(),
                chain,
                project: ProjectId::new(row.project),
            });
        }
    }
    Ok(())
}

async fn transactions(tx: &mut Tx, ids: &[Uuid], held: &mut Held) -> Result<()> {
    let found = sqlx::query!(
        "select customer, app, environment, chain, id from transactions where customer = any($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    for row in found {
        let of = Stored::new("transactions", &row.id);
        let chain = chain(&of, row.app, &row.environment, row.chain)?;
        if let Some(holding) = held.get_mut(&row.customer) {
            let id = row.id.clone();
            holding.transactions.push(HeldTransaction { chain, id });
        }
    }
    Ok(())
}
