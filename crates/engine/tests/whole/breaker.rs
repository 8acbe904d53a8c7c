//! What an endpoint's circuit breaker hears: of requests that went out, and nothing else.

use crate::world::{Chain, World, answer};
use destinations::Response;
use domain::breaker::THRESHOLD;
use engine::TransportError;
use ledger::{ConfigurationChange, Integration, Verification};
use serde_json::json;

type Answer = Result<Response, TransportError>;

/// `a` alone, which takes `settings` as its own and tries nothing twice.
async fn set_up(world: &World, mut settings: serde_json::Value) {
    let setup = world.engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let mut row: Integration = (*a.unwrap().row).clone();
    settings["retry"] = json!({ "policy": "custom", "delays": [] });
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

/// What `a` answers from now on.
fn answers(world: &World, answered: &Answer) {
    let answered = answered.clone();
    world.answer_with(move |url, _| {
        if url.starts_with("https://a.") {
            answered.clone()
        } else {
            answer(200, "{}")
        }
    });
}

/// One delivery to `a`, answered so, and settled.
async fn deliver(world: &World, customer: u64, answered: &Answer) {
    answers(world, answered);
    let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    world.settled().await;
}

fn is_open(world: &World) -> bool {
    let setup = world.engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let a = a.unwrap().row.id;
    let lanes = world.engine.dispatch().lanes();
    lanes
        .iter()
        .any(|(id, lane)| id.integration == a && lane.breaker_open)
}

fn a_url() -> serde_json::Value {
    json!({ "sandbox_url": "https://a.example/" })
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_are_given_up_open_the_breaker_whatever_they_failed_of() {
    let time_out = Err(TransportError::Network("no answer within 10 s".into()));
    for failing in [answer(503, ""), answer(410, ""), time_out] {
        let world = World::running().await;
        set_up(&world, a_url()).await;
        for customer in 1..=THRESHOLD.into() {
            assert!(!is_open(&world), "{failing:?}");
            deliver(&world, customer, &failing).await;
        }
        assert!(is_open(&world), "{failing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_accepted_ends_a_row_of_failures() {
    let blocked = Err(TransportError::Blocked("an internal address".into()));
    for (between, opens) in [
        (answer(200, "{}"), false),
        // Refused for good: nobody accepted anything.
        (answer(404, "not here"), true),
        // Never went out.
        (blocked, true),
    ] {
        let world = World::running().await;
        set_up(&world, a_url()).await;
        for customer in 1..THRESHOLD.into() {
            deliver(&world, customer, &answer(503, "")).await;
        }
        deliver(&world, 100, &between).await;
        deliver(&world, 200, &answer(503, "")).await;
        assert_eq!(is_open(&world), opens, "{between:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_rendered_says_nothing_about_its_endpoint() {
    let world = World::running().await;
    set_up(&world, a_url()).await;
    for customer in 1..THRESHOLD.into() {
        deliver(&world, customer, &answer(503, "")).await;
    }
    set_up(&world, json!({ "production_url": "https://p.example/" })).await;
    deliver(&world, 100, &answer(200, "{}")).await;
    assert!(!is_open(&world));
    // What lacked an address is tried again once there is one: with it, the row is full.
    answers(&world, &answer(503, ""));
    set_up(&world, a_url()).await;
    world.settled().await;
    assert!(is_open(&world), "as if it had not been");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_one_customer_stops_no_other() {
    let world = World::new().await;
    set_up(&world, a_url()).await;
    answers(&world, &answer(503, ""));
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    for on in 0..2 * THRESHOLD {
        chain.renewal["autoRenewStatus"] = (on % 2).into();
        let told = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
        world.tell(&told).await.unwrap();
    }
    world.settled().await;
    assert!(world.received("https://a.").len() > THRESHOLD as usize);
    assert!(!is_open(&world));
}
