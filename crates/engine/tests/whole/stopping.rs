//! A node that stops gives back whatever is leased to it, however it came by it and whatever it was doing with it.
//!
//! Clocks stand still here: a delivery that waited for its lease to run out would never be due.

use crate::{
    gate::Gate,
    world::{Chain, World, answer, incoming},
};
use domain::DeliveryId;
use engine::{Accepted, IntakeError};
use jiff::SignedDuration;
use ledger::{
    Claim, ConfigurationChange, DeliveryFilter, DeliveryRecord, LaneId, Order, Verification,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Longer than anything here takes: where a stop does not end by itself, the test fails by what it finds after.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message of a customer of its own, told by somebody who may hang up.
fn tell(world: &World, customer: u64) -> JoinHandle<Result<Accepted, IntakeError>> {
    let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
    let body = chain.notify("SUBSCRIBED", world.now());
    let (engine, app) = (world.engine.clone(), world.app);
    tokio::spawn(async move { engine.intake().accept(app, &incoming(&body)).await })
}

/// Begins to stop. When this returns, everybody has been told.
async fn stop(world: &World) -> JoinHandle<()> {
    let (engine, mut stopping) = (world.engine.clone(), world.engine.stopping());
    let stop = tokio::spawn(async move { engine.stop(PATIENCE).await });
    stopping.wait_for(|stopping| *stopping).await.unwrap();
    stop
}

/// All deliveries there are.
async fn deliveries(world: &World) -> Vec<DeliveryRecord> {
    let (ledger, all) = (world.engine.ledger(), DeliveryFilter::default());
    ledger.deliveries(&all, None, 1_000).await.unwrap()
}

/// What another node finds to do now.
async fn taken_up_elsewhere(world: &World) -> BTreeSet<DeliveryId> {
    let (setup, now) = (world.engine.setup(), world.now());
    let until = now + SignedDuration::from_mins(1);
    let mut taken = BTreeSet::new();
    let lanes = setup
        .integrations()
        .flat_map(|active| LaneId::all(active.row.id));
    for lane in lanes {
        let claim = Claim {
            lane,
            now,
            lease_until: until,
            limit: 1_000,
            order: Order::Customer {
                tried_before: jiff::Timestamp::MIN,
            },
            except: None,
        };
        let leases = world.engine.ledger().claim(claim).await.unwrap();
        taken.extend(leases.into_iter().map(|lease| lease.id));
    }
    taken
}

async fn pending(world: &World) -> BTreeSet<DeliveryId> {
    let all = deliveries(world).await;
    let pending = all
        .iter()
        .filter(|delivery| delivery.state == ledger::DeliveryState::Pending);
    pending.map(|delivery| delivery.id).collect()
}

/// A world whose lanes have been at work, so that they know how to stop.
async fn at_work() -> (World, Arc<Gate>) {
    let (world, gate) = World::gated().await;
    tell(&world, 900).await.unwrap().unwrap();
    world.settled().await;
    (world, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_while_a_node_stops_is_due_at_once() {
    let (world, gate) = at_work().await;
    gate.shut("commit");
    let told = tell(&world, 1);
    gate.holds("commit").await;
    let stopped = stop(&world).await;
    assert_eq!(
        taken_up_elsewhere(&world).await.len(),
        0,
        "it is leased to the node that stops, which does not know yet"
    );
    gate.open("commit");
    assert!(matches!(
        told.await.unwrap(),
        Ok(Accepted::Processed { .. })
    ));
    stopped.await.unwrap();
    let left = pending(&world).await;
    assert_eq!(left.len(), 2);
    assert_eq!(taken_up_elsewhere(&world).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_before_a_node_stopped_and_is_committed_after_it_is_due_at_once() {
    let (world, gate) = at_work().await;
    gate.shut("load");
    let told = tell(&world, 1);
    gate.holds("load").await;
    stop(&world).await.await.unwrap();
    gate.open("load");
    assert!(matches!(
        told.await.unwrap(),
        Ok(Accepted::Processed { .. })
    ));
    let left = pending(&world).await;
    assert_eq!(left.len(), 2);
    assert_eq!(taken_up_elsewhere(&world).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_claimed_while_a_node_stops_is_due_at_once() {
    let (world, gate) = at_work().await;
    world.answer_with(|_, _| answer(503, ""));
    tell(&world, 1).await.unwrap().unwrap();
    world
        .eventually("each was tried", async || {
            let all = deliveries(&world).await;
            all.iter().all(|delivery| delivery.attempts == 1)
        })
        .await;
    world.engine.idle().await;
    gate.shut("claim");
    // What is claimed is under way until the gate lets it go: who waits for that waits for ever.
    world.jump(world.now() + SignedDuration::from_secs(120));
    gate.holds("claim").await;
    let stopped = stop(&world).await;
    gate.open("claim");
    stopped.await.unwrap();
    let left = pending(&world).await;
    assert_eq!(left.len(), 2);
    assert_eq!(taken_up_elsewhere(&world).await, left);
}

/// Two deliveries of one customer to each endpoint: the first under way, the second waiting for it.
async fn one_waits_for_the_other(world: &World) {
    world.silence(true);
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    for kind in ["SUBSCRIBED", "DID_RENEW"] {
        world.tell(&chain.notify(kind, world.now())).await.unwrap();
        chain.renew();
    }
    world
        .until("the first of them are under way", || {
            world.endpoints.sent.lock().unwrap().len() == 4
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_released_before_a_node_knew_of_it_is_due_at_once() {
    let (world, gate) = at_work().await;
    one_waits_for_the_other(&world).await;
    gate.shut("settle");
    world.silence(false);
    gate.holds("settle").await;
    let stopped = stop(&world).await;
    gate.open("settle");
    stopped.await.unwrap();
    let left = pending(&world).await;
    assert_eq!(left.len(), 2, "those that waited for the first");
    assert_eq!(taken_up_elsewhere(&world).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_releases_when_a_node_is_stopping_is_due_at_once() {
    let (world, _gate) = at_work().await;
    one_waits_for_the_other(&world).await;
    let stopped = stop(&world).await;
    world.silence(false);
    stopped.await.unwrap();
    let left = pending(&world).await;
    assert_eq!(left.len(), 2, "those that waited for the first");
    assert_eq!(taken_up_elsewhere(&world).await, left);
}

/// Attempts at an endpoint at once, by all nodes together.
const CONCURRENCY: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_goes_back_while_attempts_are_under_way() {
    let (world, gate) = at_work().await;
    gate.shut("settle");
    for customer in 1..=CONCURRENCY as u64 + 8 {
        tell(&world, customer).await.unwrap().unwrap();
    }
    let sent = |url| world.received(url).len() - 1;
    let urls = ["https://a.example", "https://b.example"];
    world
        .until("each endpoint has all it takes at once", || {
            urls.iter().all(|url| sent(url) == CONCURRENCY)
        })
        .await;
    // The database is away for a moment.
    gate.refuse("hand_back", 3);
    let stopped = stop(&world).await;
    gate.refused("hand_back").await;
    let mut taken = BTreeSet::new();
    world
        .eventually("what waited is due", async || {
            taken.extend(taken_up_elsewhere(&world).await);
            taken.len() == 16
        })
        .await;
    assert!(!stopped.is_finished(), "attempts are under way");
    gate.open("settle");
    stopped.await.unwrap();
    assert_eq!(pending(&world).await, taken);
    assert!(urls.iter().all(|url| sent(url) == CONCURRENCY));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_endpoint_that_takes_few_a_second_goes_back() {
    // More than go while this is looked at, however busy the machine.
    const CUSTOMERS: usize = 60;
    let (world, _gate) = at_work().await;
    let setup = world.engine.setup();
    for active in setup.integrations() {
        let mut row = (*active.row).clone();
        let settings = serde_json::json!({ "sandbox_url": format!("https://{}.example/", row.key), "max_per_second": 1 });
        let plain = settings.to_string();
        row.sealed_settings = world
            .engine
            .vault()
            .seal(&row.id.to_string(), plain.as_bytes());
        row.verification = Verification::Passed.into();
        let change = vec![ConfigurationChange::PutIntegration(row)];
        assert!(
            world
                .engine
                .configure(&world.engine.setup(), change, "test")
                .await
                .unwrap()
        );
    }
    for customer in 1..=CUSTOMERS as u64 {
        tell(&world, customer).await.unwrap().unwrap();
    }
    let sent = |url| world.received(url).len() - 1;
    let urls = ["https://a.example", "https://b.example"];
    world
        .until("the first of them are sent", || {
            urls.iter().all(|url| sent(url) > 0)
        })
        .await;
    stop(&world).await.await.unwrap();
    let left = pending(&world).await;
    assert!(!left.is_empty());
    let sent: usize = urls.iter().map(|url| sent(url)).sum();
    assert_eq!(left.len() + sent, 2 * CUSTOMERS);
    assert_eq!(taken_up_elsewhere(&world).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_does_not_end_stops_nobody_for_ever() {
    let (world, gate) = at_work().await;
    gate.shut("settle");
    tell(&world, 1).await.unwrap().unwrap();
    gate.holds("settle").await;
    world.engine.stop(Duration::from_millis(20)).await;
    let lanes = world.engine.dispatch().lanes();
    assert!(lanes.iter().any(|(_, lane)| lane.held > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_up_while_its_message_is_committed_delays_nothing() {
    let (world, gate) = at_work().await;
    gate.shut("commit");
    let told = tell(&world, 1);
    gate.holds("commit").await;
    told.abort();
    assert!(told.await.unwrap_err().is_cancelled());
    gate.open("commit");
    world.settled().await;
    assert_eq!(world.received("https://a.example").len(), 2);
}
