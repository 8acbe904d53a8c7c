//! What customers brought in, as purchases pass.

use super::{push, restore, sell, state, statement};
use crate::world::World;
use domain::EventKind::*;
use serde_json::json;

/// What a customer brought in, in cents, as the ledger says and as the last event about it did.
pub(super) async fn total(world: &World, who: &str) -> i64 {
    let ledger = world.engine.ledger();
    let known = ledger.customer(world.project, who).await.unwrap();
    let total = known.map_or(0, |known| known.customer.revenue_usd_micros);
    let mut events = world.events().await.into_iter();
    let last = events.rfind(|event| event.customer.answers_to(who));
    let told = last.map_or(0, |event| event.customer.revenue_usd_micros);
    assert_eq!(told, total, "{who}");
    total / 10_000
}

pub(super) fn give_back(world: &World, order: &str, micros: i64) {
    let play = &world.stores.play.api;
    play.give_back(order, micros, true, world.now());
}

/// What was charged passes with the purchase, so what is given back of it later comes from whoever has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_purchase_brought_in_passes_with_it() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    assert_eq!(total(&world, "ann").await, 999);
    restore(&world, "bob", "t").await.unwrap();
    assert_eq!(
        (total(&world, "ann").await, total(&world, "bob").await),
        (0, 999)
    );
    // And back, and to Bob again.
    restore(&world, "ann", "t").await.unwrap();
    restore(&world, "bob", "t").await.unwrap();
    assert_eq!(
        (total(&world, "ann").await, total(&world, "bob").await),
        (0, 999)
    );
    give_back(&world, "GPA.t", 9_990_000);
    push(&world, 12, "t").await;
    assert_eq!(
        (total(&world, "ann").await, total(&world, "bob").await),
        (0, 0)
    );
    assert!(world.kinds_of("bob").await.contains(&SubscriptionRefunded));
    world.rederives().await;
}

/// Only what passes; the rest stays with who bought it.
#[tokio::test(flavor = "multi_thread")]
async fn what_other_purchases_brought_in_stays() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    state(&world, &statement(&world, "ann", "1", &json!({})))
        .await
        .unwrap();
    assert_eq!(total(&world, "ann").await, 999 + 499);
    restore(&world, "bob", "t").await.unwrap();
    assert_eq!(
        (total(&world, "ann").await, total(&world, "bob").await),
        (499, 999)
    );
    world.rederives().await;
}
