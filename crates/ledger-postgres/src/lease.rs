//! Deliveries as they are leased: the row, and the event that it carries; and how a lease is given back.

use crate::{
    codec::{failed, micros},
    events,
};
use domain::{DeliveryId, IntegrationId};
use jiff::Timestamp;
use ledger::{
    LaneId, Lease, Result, Returned,
    codec::{Stored, readable},
};
use sqlx::{PgExecutor, PgPool};
use std::sync::Arc;
use uuid::Uuid;

/// A delivery that was leased, before its event is read.
pub(crate) struct Leased {
    pub(crate) customer: Uuid,
    pub(crate) id: Uuid,
    pub(crate) integration: Uuid,
    pub(crate) endpoint: String,
    pub(crate) message: String,
    pub(crate) attempts: i32,
    pub(crate) round: i32,
    pub(crate) accepted_at: i64,
    pub(crate) tried_at: Option<i64>,
    pub(crate) event: Uuid,
    pub(crate) trace: Option<String>,
    /// What it came after, where it was released.
    pub(crate) before: Option<Uuid>,
}

impl Leased {
    fn decode(self, body: &[u8]) -> Result<Lease> {
        let of = Stored::new("deliveries", &self.id);
        Ok(Lease {
            id: DeliveryId::new(self.id),
            lane: LaneId {
                integration: IntegrationId::new(self.integration),
                endpoint: of.environment("endpoint", &self.endpoint)?,
            },
            message: of.json("message", self.message.as_bytes())?,
            event: Arc::new(Stored::new("events", &self.event).body("body", body)?),
            attempts: of.number("attempts", self.attempts)?,
            round: of.number("round", self.round)?,
            accepted_at: of.time("accepted_at", self.accepted_at)?,
            tried_at: self
                .tried_at
                .map(|at| of.time("tried_at", at))
                .transpose()?,
            trace: self.trace,
        })
    }
}

/// A lease, and what it came after.
pub(crate) struct Following {
    /// The delivery that was settled, where one was.
    pub(crate) after: Option<Uuid>,
    pub(crate) lease: Lease,
}

/// Reads the events of deliveries that were leased. One that cannot be read holds up no other.
pub(crate) async fn with_events(
    on: impl PgExecutor<'_>,
    leased: Vec<Leased>,
) -> Result<Vec<Following>> {
    if leased.is_empty() {
        return Ok(Vec::new());
    }
    let (customers, events): (Vec<Uuid>, Vec<Uuid>) =
        leased.iter().map(|row| (row.customer, row.event)).unzip();
    let told = events::told(on, &customers, &events).await?;
    let leases = leased.into_iter().map(|row| {
        let told = told.get(&row.event).ok_or_else(|| {
            let problem = "the event it carries does not exist";
            Stored::new("deliveries", &row.id).corrupt("event", problem)
        })?;
        Ok(Following {
            after: row.before,
            lease: row.decode(&told.body)?,
        })
    });
    Ok(readable(leases))
}

/// Gives leases back: what is still as it was leased is due at once. Answers how many.
pub(crate) async fn hand_back(pool: &PgPool, leases: &[Returned], now: Timestamp) -> Result<u64> {
    let customers: Vec<Uuid> = leases.iter().map(|lease| lease.customer.uuid()).collect();
    let ids: Vec<Uuid> = leases.iter().map(|lease| lease.delivery.uuid()).collect();
    let attempts: Vec<i32> = leases
        .iter()
        .map(|lease| i32::try_from(lease.attempts).unwrap_or(i32::MAX))
        .collect();
    let until: Vec<i64> = leases.iter().map(|lease| micros(lease.until)).collect();
    sqlx::query!(
        "update deliveries d set due_at = least(d.accepted_at, $5)
         from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[]) as n(customer, id, attempts, until)
         where d.customer = n.customer and d.id = n.id and d.attempts = n.attempts and d.due_at = n.until and d.status + 0 = 0",
        &customers, &ids, &attempts, &until, micros(now)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}
