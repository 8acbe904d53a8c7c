//! What a destination may say of how it is sent to is what the engine does.

mod batches;
mod dressed;
mod faults;
mod known;
mod once;
mod secrets;
mod tokens;

use crate::world::{Chain, World};
use dressed::{A, Dressed, How};
use engine::ActiveIntegration;
use jiff::SignedDuration;
use ledger::{AttemptRecord, DeliveryFilter, DeliveryRecord};
use std::sync::Arc;

/// A world whose integration `a` acts like this.
async fn world(how: How) -> World {
    let world = Box::pin(World::new()).await;
    dress(&world, how);
    world
}

fn dress(world: &World, how: How) {
    world.engine.dress(move |active| {
        if active.row.key != "a" {
            return active;
        }
        let configured = active.configured.map(|inner| {
            let how = how.clone();
            Arc::new(Dressed { inner, how }) as Arc<dyn destinations::Configured>
        });
        ActiveIntegration {
            configured,
            ..active
        }
    });
}

/// A customer buys: one event, which both integrations are told.
async fn buy(world: &World, customer: u64) {
    let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world.catch_up().await;
}

/// Lets time pass in steps, with all that is due after each.
async fn pass(world: &World, seconds: i64) {
    let end = world.now() + SignedDuration::from_secs(seconds);
    while world.now() < end {
        world.pass(5).await;
        world.catch_up().await;
    }
}

/// Deliveries to `a`, oldest first, with their attempts.
async fn deliveries(world: &World) -> Vec<(DeliveryRecord, Vec<AttemptRecord>)> {
    let setup = world.engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let filter = DeliveryFilter {
        integration: a.map(|active| active.row.id),
        ..DeliveryFilter::default()
    };
    let ledger = world.engine.ledger();
    let mut all = Vec::new();
    for record in ledger.deliveries(&filter, None, 100).await.unwrap() {
        let attempts = ledger.attempts(record.id).await.unwrap();
        all.insert(0, (record, attempts));
    }
    all
}

/// How often something was sent to a URL.
/// Of what was sent to a URL, whether it said that it would count twice.
fn counted_twice(world: &World, url: &str) -> Vec<bool> {
    let sent = world.endpoints.sent.lock().unwrap();
    let to_it = sent.iter().filter(|sent| sent.url.starts_with(url));
    to_it.map(|sent| sent.counts_twice).collect()
}

fn sent_to(world: &World, url: &str) -> usize {
    let sent = world.endpoints.sent.lock().unwrap();
    sent.iter().filter(|sent| sent.url.starts_with(url)).count()
}
