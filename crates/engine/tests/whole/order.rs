//! One customer's deliveries leave in order, one at a time, whatever held them up.

use crate::world::{Chain, World, answer};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const A: &str = "https://a.example/";
/// Longer than anybody waits behind one delivery.
const LONG: i64 = 15 * 60;
const USERS: [&str; 3] = [
    "7e3fb20b-4cdb-47cc-936d-99d65f608131",
    "7e3fb20b-4cdb-47cc-936d-99d65f608132",
    "7e3fb20b-4cdb-47cc-936d-99d65f608133",
];

fn a(settings: Value) -> Value {
    json!({ "a": { "destination": "webhook", "settings": settings } })
}

fn to_a() -> Value {
    a(json!({ "sandbox_url": A }))
}

/// Three customers, each with a purchase whose renewal is switched off and on: ten events each.
async fn live(world: &World) {
    for (number, user) in USERS.iter().enumerate() {
        let id = 1000 * (number as u64 + 1);
        let mut chain = Chain::purchase(id, "monthly", Some(user), world.now());
        let told = chain.notify("SUBSCRIBED", world.now());
        world.tell(&told).await.unwrap();
        for on in [0, 1, 0, 1] {
            chain.renewal["autoRenewStatus"] = on.into();
            let told = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
            world.tell(&told).await.unwrap();
        }
    }
}

/// Sequence numbers that reached `a`, customer by customer.
fn received(world: &World) -> BTreeMap<String, Vec<u64>> {
    let mut of: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for sent in world
        .endpoints
        .sent
        .lock()
        .unwrap()
        .iter()
        .filter(|sent| sent.url.starts_with(A))
    {
        let body = &sent.body;
        let who = body["profile_id"].as_str().unwrap().to_owned();
        let seq = body["tidings"]["customer_seq"].as_u64().unwrap();
        of.entry(who).or_default().push(seq);
    }
    of
}

async fn all_in_order(world: &World) {
    world.settled().await;
    let received = received(world);
    assert_eq!(received.len(), USERS.len());
    for (who, seqs) in received {
        let expected: Vec<u64> = (1..=seqs.len() as u64).collect();
        assert_eq!(seqs, expected, "{who}");
        assert!(seqs.len() >= 10, "{seqs:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_survives_a_pause() {
    let world = World::new().await;
    let mut paused = to_a();
    paused["a"]["paused"] = true.into();
    world.save(paused).await;
    live(&world).await;
    world.pass(LONG).await;
    let mut resumed = to_a();
    resumed["a"]["paused"] = false.into();
    world.save(resumed).await;
    all_in_order(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_survives_missing_credentials() {
    let world = World::new().await;
    let elsewhere = json!({ "production_url": A, "sandbox_url": null });
    world.save(a(elsewhere)).await;
    live(&world).await;
    world.settled().await;
    assert!(received(&world).is_empty(), "it has nowhere to go");
    world.pass(LONG).await;
    world.save(to_a()).await;
    all_in_order(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_survives_a_bulk_retry() {
    let world = World::new().await;
    world.answer_with(|url, _| answer(if url == A { 404 } else { 200 }, "{}"));
    live(&world).await;
    world.settled().await;
    world.endpoints.sent.lock().unwrap().clear();
    world.pass(LONG).await;
    world.answer_with(|_, _| answer(200, "{}"));
    let setup = world.engine.setup();
    let row = setup.integrations().find(|active| active.row.key == "a");
    let retried = world.engine.dispatch().retry_failed(row.unwrap().row.id);
    assert!(retried.await.unwrap() >= 30);
    all_in_order(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_survives_an_outage() {
    let world = World::new().await;
    world.answer_with(|url, _| answer(if url == A { 502 } else { 200 }, "{}"));
    live(&world).await;
    for _ in 0..3 {
        world.pass(LONG / 3).await;
    }
    world.catch_up().await;
    world.endpoints.sent.lock().unwrap().clear();
    world.answer_with(|_, _| answer(200, "{}"));
    world.pass(24 * 3600).await;
    all_in_order(&world).await;
}

/// Ann's first delivery is refused, and tried again after half an hour; her second waits for it.
async fn poisoned() -> World {
    let world = World::new().await;
    let retry = json!({ "policy": "custom", "delays": [1_800] });
    world
        .save(a(json!({ "sandbox_url": A, "retry": retry })))
        .await;
    let poisoned = std::sync::Mutex::new(None);
    world.answer_with(move |url, count| {
        let mut poisoned = poisoned.lock().unwrap();
        let is_first = url == A && *poisoned.get_or_insert(count) == count;
        answer(if is_first { 500 } else { 200 }, "{}")
    });
    let mut chain = Chain::purchase(1000, "monthly", Some(USERS[0]), world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_never_accepted_holds_its_customer_up_for_ten_minutes() {
    let world = poisoned().await;
    let seqs = || received(&world).into_values().next().unwrap();
    world.pass(590).await;
    world.catch_up().await;
    assert_eq!(seqs(), [1]);
    world.pass(20).await;
    world.catch_up().await;
    assert_eq!(seqs(), [1, 2]);
    world.pass(1_800).await;
    world.settled().await;
    assert_eq!(seqs(), [1, 2, 1]);
}

/// Nobody waited for anybody while the machine slept, nor in what a clock that is set ahead passes over.
#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_are_those_in_which_something_could_go() {
    let quarter = SignedDuration::from_mins(15);
    for (sleeps, left) in [(true, 530), (false, 590)] {
        let world = poisoned().await;
        let seqs = || received(&world).into_values().next().unwrap();
        world.pass(60).await;
        world.catch_up().await;
        if sleeps {
            world.sleep(quarter).await;
        } else {
            world.set_ahead(quarter).await;
        }
        world.catch_up().await;
        world.pass(left).await;
        world.catch_up().await;
        assert_eq!(seqs(), [1], "slept: {sleeps}");
        world.pass(20).await;
        world.catch_up().await;
        assert_eq!(seqs(), [1, 2], "slept: {sleeps}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_back_delays_no_retry() {
    let world = World::new().await;
    let retry = json!({ "policy": "custom", "delays": [60] });
    world
        .save(a(json!({ "sandbox_url": A, "retry": retry })))
        .await;
    world.answer_with(|url, count| answer(if url == A && count < 3 { 500 } else { 200 }, "{}"));
    let mut chain = Chain::purchase(1000, "unmapped", Some(USERS[0]), world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world.catch_up().await;
    world.jump(world.now() - SignedDuration::from_hours(24));
    world.catch_up().await;
    world.pass(61).await;
    world.settled().await;
    assert_eq!(received(&world).into_values().next().unwrap(), [1, 1]);
}
