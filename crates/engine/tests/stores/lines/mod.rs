//! Purchases of several products through a whole engine: each is told, ends and gives access by itself, and the order in which a
//! store lists them says nothing.
//!
//! Sources, as of November 2026: Google, "Subscriptions with add-ons" and the resources purchases.subscriptionsv2, purchases.productsv2
//! and orders; Apple, "Advanced Commerce API".

mod advanced;
mod play;
mod stripe;
mod taken;
mod usage;

use crate::world::World;
use domain::{
    Event,
    EventKind::{self, *},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

const MINUTE: i64 = 60;

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

fn usd(cents: i64) -> Value {
    json!({ "currencyCode": "USD", "units": (cents / 100).to_string(), "nanos": cents % 100 * 10_000_000 })
}

async fn told(world: &World) -> Vec<Event> {
    let mut events = world.events().await;
    events.retain(|event| event.kind != AccessLevelUpdated);
    events
}

/// Kind, product and cents of each event.
fn charges(events: &[Event]) -> Vec<(EventKind, &str, i64)> {
    events
        .iter()
        .map(|event| {
            let transaction = event.transaction.as_ref();
            let price = transaction.and_then(|transaction| transaction.price);
            let cents = price.map_or(-1, |price| price.micros / 10_000);
            (
                event.kind,
                event.product.as_deref().unwrap_or_default(),
                cents,
            )
        })
        .collect()
}

async fn revenue(world: &World, who: &str) -> i64 {
    let known = world.engine.ledger().customer(world.project, who).await;
    known.unwrap().unwrap().customer.revenue_usd_micros
}
