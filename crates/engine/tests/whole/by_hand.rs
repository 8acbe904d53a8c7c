//! Deliveries asked for again while somebody else changes where they go.

use crate::world::{Chain, World, answer, incoming};
use domain::{DeliveryId, IntegrationId, NotSent};
use ledger::{ConfigurationChange, DeliveryFilter, DeliveryRecord, DeliveryState, Integration};

/// `b`, as it is stored.
fn b(world: &World) -> Integration {
    let setup = world.engine.setup();
    let mut all = setup.integrations();
    let b = all.find(|active| active.row.key == "b").unwrap();
    (*b.row).clone()
}

/// Another process changes something.
async fn changed(world: &World, change: ConfigurationChange) {
    let ledger = world.engine.ledger();
    let revision = ledger.configuration_revision().await.unwrap();
    let changed = ledger.configure(revision, vec![change], "another", world.now());
    assert!(changed.await.unwrap());
}

async fn only(world: &World, to: IntegrationId) -> DeliveryRecord {
    let filter = DeliveryFilter {
        integration: Some(to),
        ..DeliveryFilter::default()
    };
    let ledger = world.engine.ledger();
    let mut found = ledger.deliveries(&filter, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

async fn resent(world: &World, delivery: DeliveryId) -> bool {
    let dispatch = world.engine.dispatch();
    dispatch.resend(world.project, delivery).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_while_its_integration_is_removed_fails_and_says_so() {
    let (world, gate) = World::gated_and_quiet().await;
    let b = b(&world);
    gate.detain("load");
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    let body = chain.notify("SUBSCRIBED", world.now());
    let told = tokio::spawn({
        let (engine, app) = (world.engine.clone(), world.app);
        async move { engine.intake().accept(app, &incoming(&body)).await }
    });
    gate.holds("load").await;
    changed(&world, ConfigurationChange::RemoveIntegration(b.id)).await;
    gate.open("load");
    told.await.unwrap().unwrap();
    assert_eq!(only(&world, b.id).await.state, DeliveryState::Pending);
    world.settled().await;
    let record = only(&world, b.id).await;
    assert_eq!(
        (record.state, record.reason, record.attempts),
        (DeliveryState::Failed, Some(NotSent::IntegrationRemoved), 0)
    );
    assert!(
        !resent(&world, record.id).await,
        "nobody is there to take it"
    );
    let retried = world.engine.dispatch().retry_failed(b.id).await;
    assert_eq!(retried.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_where_another_node_said_is_sent_again_at_once() {
    let world = World::new().await;
    let b = b(&world);
    world.answer_with(|_, _| answer(404, ""));
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world.settled().await;
    changed(&world, ConfigurationChange::RemoveIntegration(b.id)).await;
    world.engine.reload().await.unwrap();
    changed(&world, ConfigurationChange::PutIntegration(b.clone())).await;
    // This node knows of none yet.
    let retried = world.engine.dispatch().retry_failed(b.id).await;
    assert_eq!(retried.unwrap(), 1);

    changed(&world, ConfigurationChange::RemoveIntegration(b.id)).await;
    world.engine.reload().await.unwrap();
    changed(&world, ConfigurationChange::PutIntegration(b.clone())).await;
    world.answer_with(|_, _| answer(200, ""));
    assert!(resent(&world, only(&world, b.id).await.id).await);
    world.settled().await;
    assert_eq!(only(&world, b.id).await.state, DeliveryState::Delivered);
}
