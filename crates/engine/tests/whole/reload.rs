//! The configuration in memory is what was stored last, whoever reads it when, and whatever the ledger refuses meanwhile.

use crate::{
    gate::Gate,
    world::{Chain, World},
};
use engine::Engine;
use ledger::{ConfigurationChange, DeliveryFilter, DeliveryState, Integration, PUT_BACK};
use serde_json::json;

/// Another process names `b`.
async fn named(world: &World, name: &str) {
    let ledger = world.engine.ledger();
    let stored = ledger.configuration().await.unwrap();
    let mut all = stored.integrations.iter();
    let row = all.find(|row| row.key == "b").unwrap();
    let row = Integration {
        name: name.to_owned(),
        ..row.clone()
    };
    let change = vec![ConfigurationChange::PutIntegration(row)];
    let changed = ledger.configure(stored.revision, change, "another", world.now());
    assert!(changed.await.unwrap());
}

fn name(world: &World) -> String {
    let setup = world.engine.setup();
    let mut all = setup.integrations();
    let b = all.find(|active| active.row.key == "b").unwrap();
    b.row.name.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_a_change_is_never_in_force_after_it() {
    let (world, gate) = World::gated_and_quiet().await;
    named(&world, "first").await;
    gate.detain("configuration");
    let early = tokio::spawn({
        let engine = world.engine.clone();
        async move { engine.reload().await }
    });
    gate.holds("configuration").await;
    named(&world, "second").await;
    world.engine.reload().await.unwrap();
    assert_eq!(name(&world), "second");
    gate.open("configuration");
    early.await.unwrap().unwrap();
    assert_eq!(name(&world), "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_answered_as_done_and_read_again_later() {
    let (world, gate) = World::gated_and_quiet().await;
    gate.refuse("configuration", 1);
    world.save(json!({ "b": { "name": "changed" } })).await;
    assert_ne!(name(&world), "changed", "it could not be read again");
    world.catch_up().await;
    assert_eq!(name(&world), "changed");
}

/// What `a` cannot be sent as long as it has no address.
async fn without_an_address(world: &World) {
    world
        .save(json!({ "a": { "settings": { "sandbox_url": null } } }))
        .await;
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world.settled().await;
    assert!(world.received("https://a.").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lacked_an_address_goes_although_the_process_ends_that_saved_it() {
    let (world, gate) = World::gated_and_quiet().await;
    without_an_address(&world).await;
    // Nothing is done once it is saved: the process is gone.
    gate.refuse("requeue", u32::MAX);
    world
        .save(json!({ "a": { "settings": { "sandbox_url": "https://a.example/" } } }))
        .await;
    let other = world.another_node().await;
    other.catch_up().await.unwrap();
    assert_eq!(world.received("https://a.").len(), 1);
}

/// A node that has read the settings from which the address is missing, and looks for what is due only once others were saved.
async fn late(world: &World, gate: &Gate) -> Engine {
    without_an_address(world).await;
    let other = world.another_node().await;
    // It has looked whether they changed, and not yet for what is due.
    gate.detain("fail_removed");
    let late = tokio::spawn({
        let other = other.clone();
        async move { other.catch_up().await }
    });
    gate.holds("fail_removed").await;
    world
        .save(json!({ "a": { "settings": { "sandbox_url": "https://a.example/" } } }))
        .await;
    // Nor does it hear of them before it is done.
    gate.refuse("configuration_revision", u32::MAX);
    gate.open("fail_removed");
    late.await.unwrap().unwrap();
    gate.refuse("configuration_revision", 0);
    let ledger = world.engine.ledger();
    let all = DeliveryFilter::default();
    let deliveries = ledger.deliveries(&all, None, 10).await.unwrap();
    let made = deliveries.iter().map(|row| row.attempts).max();
    assert_eq!(made, Some(2), "with the old settings, twice");
    let failed = deliveries
        .iter()
        .filter(|row| row.state == DeliveryState::Failed);
    assert_eq!(failed.count(), 0);
    world.jump(world.now() + PUT_BACK);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_with_settings_that_are_no_longer_in_force_waits_for_those_that_are() {
    let (world, gate) = World::gated_and_quiet().await;
    let other = late(&world, &gate).await;
    // The endpoint shows whose it is first.
    other.catch_up().await.unwrap();
    assert_eq!(world.received("https://a.").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn and_is_found_by_whoever_starts_after_every_node_is_gone() {
    let (world, gate) = World::gated_and_quiet().await;
    drop(late(&world, &gate).await);
    let next = world.another_node().await;
    next.catch_up().await.unwrap();
    assert_eq!(world.received("https://a.").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_that_were_added_are_not_answered_as_failed() {
    let (world, gate) = World::gated_and_quiet().await;
    gate.refuse("rates", 1);
    world.engine.add_rates(Vec::new()).await.unwrap();
    gate.refused("rates").await;
}
