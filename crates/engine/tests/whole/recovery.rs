//! After an outage what rests goes soon, in order, and has lost none of its tries; what is wrong with one delivery gains nothing by others' recovery.

use crate::world::{Chain, World, answer};
use engine::Engine;
use jiff::SignedDuration;
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const A: &str = "https://a.example/";
const HOUR: i64 = 3_600;
/// Between two probes of an outage, at most, and a step.
const SOON: i64 = 305;
const STEP: i64 = 5;

/// `a` alone, which rests for long after two tries.
async fn world() -> World {
    let world = World::new().await;
    let retry = json!({ "policy": "custom", "delays": [5, 10 * HOUR, 10 * HOUR] });
    let settings = json!({ "sandbox_url": A, "retry": retry });
    world
        .save(json!({ "a": { "destination": "webhook", "settings": settings } }))
        .await;
    world
}

fn user(number: u64) -> String {
    format!("7e3fb20b-4cdb-47cc-936d-99d65f6081{number:02}")
}

/// A customer's purchase, whose renewal is switched off and on so often.
async fn live(world: &World, number: u64, switches: u64) {
    let mut chain = Chain::purchase(1000 * number, "monthly", Some(&user(number)), world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    for on in 0..switches {
        chain.renewal["autoRenewStatus"] = (on % 2).into();
        let told = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
        world.tell(&told).await.unwrap();
    }
}

/// `a` answers 502 while the answer is set, and always to these customers.
fn is_down(world: &World, poisoned: &'static [u64]) -> Arc<AtomicBool> {
    let down = Arc::new(AtomicBool::new(false));
    let (is_down, endpoints) = (Arc::clone(&down), Arc::clone(&world.endpoints));
    world.answer_with(move |url, count| {
        let sent = endpoints.sent.lock().unwrap()[count - 1].body.to_string();
        let is_poisoned = poisoned.iter().any(|number| sent.contains(&user(*number)));
        let fails = url == A && (is_poisoned || is_down.load(Ordering::SeqCst));
        answer(if fails { 502 } else { 200 }, "{}")
    });
    down
}

/// Sequence numbers that `a` was sent, customer by customer.
fn sent(world: &World) -> BTreeMap<String, Vec<u64>> {
    let mut of: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for sent in world
        .endpoints
        .sent
        .lock()
        .unwrap()
        .iter()
        .filter(|sent| sent.url == A)
    {
        let body = &sent.body;
        let who = body["customer_user_id"].as_str().unwrap().to_owned();
        let seq = body["tidings"]["customer_seq"].as_u64().unwrap();
        of.entry(who).or_default().push(seq);
    }
    of
}

/// The first delivery of each customer to `a`.
async fn firsts(engine: &Engine) -> Vec<DeliveryRecord> {
    let setup = engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let of_a = DeliveryFilter {
        integration: Some(a.unwrap().row.id),
        ..DeliveryFilter::default()
    };
    let found = engine.ledger().deliveries(&of_a, None, 1_000).await;
    let mut found = found.unwrap();
    found.retain(|record| record.message.name == "subscription_started");
    found
}

/// How often the first delivery of a customer was tried.
fn tries(world: &World, number: u64) -> usize {
    let all = &sent(world)[&user(number)];
    all.iter().filter(|seq| **seq == 1).count()
}

async fn waiting(engine: &Engine) -> u64 {
    let backlog = engine.ledger().backlog().await.unwrap();
    backlog.iter().map(|waiting| waiting.count).sum()
}

fn later(world: &World, seconds: i64) {
    world.jump(world.now() + SignedDuration::from_secs(seconds));
}

/// Time passes in steps, shorter ones where little passes; an engine does what is due after each.
async fn pass(world: &World, engine: &Engine, seconds: i64) {
    let step = if seconds > 2 * HOUR { 300 } else { STEP };
    for _ in 0..seconds / step {
        engine.catch_up().await.unwrap();
        later(world, step);
    }
    engine.catch_up().await.unwrap();
    world.holds().await;
}

/// How long it takes until nothing waits.
async fn recovers(world: &World, engine: &Engine) -> i64 {
    let began = world.now();
    while waiting(engine).await > 0 {
        let passed = began.duration_until(world.now()).as_secs();
        assert!(passed <= SOON, "{:?}", firsts(engine).await);
        pass(world, engine, STEP).await;
    }
    began.duration_until(world.now()).as_secs()
}

fn in_order(world: &World, customers: usize) {
    let sent = sent(world);
    assert_eq!(sent.len(), customers);
    for (who, mut seqs) in sent {
        seqs.dedup();
        let expected: Vec<u64> = (1..=seqs.len() as u64).collect();
        assert_eq!(seqs, expected, "{who}");
        assert!(seqs.len() >= 5, "{seqs:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_of_few_customers_everything_goes_soon_and_in_order() {
    for customers in [2, 12] {
        let world = world().await;
        let down = is_down(&world, &[]);
        down.store(true, Ordering::SeqCst);
        for number in 1..=customers {
            live(&world, number, 4).await;
        }
        // Longer than anybody waits behind one delivery.
        pass(&world, &world.engine, 700).await;
        assert!(waiting(&world.engine).await >= 5 * customers);
        down.store(false, Ordering::SeqCst);
        world.endpoints.sent.lock().unwrap().clear();
        let took = recovers(&world, &world.engine).await;
        assert!(took <= SOON, "{took} s");
        in_order(&world, customers.try_into().unwrap());
    }
}

/// What was heard before says nothing of how an endpoint is by then: it is asked at once, and not after the rest of a pause.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_slept_asks_at_once_whether_an_outage_is_over() {
    for customers in [2, 12] {
        let world = world().await;
        let down = is_down(&world, &[]);
        down.store(true, Ordering::SeqCst);
        for number in 1..=customers {
            live(&world, number, 4).await;
        }
        pass(&world, &world.engine, 700).await;
        down.store(false, Ordering::SeqCst);
        world.endpoints.sent.lock().unwrap().clear();
        world.sleep(SignedDuration::from_mins(15)).await;
        pass(&world, &world.engine, 2 * STEP).await;
        assert_eq!(waiting(&world.engine).await, 0, "{customers} customers");
        in_order(&world, customers.try_into().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_takes_no_try_from_anybody() {
    let world = world().await;
    let down = is_down(&world, &[]);
    down.store(true, Ordering::SeqCst);
    for number in 1..=3 {
        live(&world, number, 0).await;
    }
    pass(&world, &world.engine, 9 * HOUR).await;
    for record in firsts(&world.engine).await {
        assert_eq!(record.state, DeliveryState::Pending, "{record:?}");
        // Two of its own; the others were made to see whether it is over.
        assert!((2..=80).contains(&record.attempts), "{record:?}");
    }
    // What was to come after ten hours comes then, and so does the last.
    pass(&world, &world.engine, 12 * HOUR).await;
    for record in firsts(&world.engine).await {
        assert_eq!(record.state, DeliveryState::Failed, "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_accepted_rests_as_before_when_others_recover() {
    let world = world().await;
    let down = is_down(&world, &[1]);
    live(&world, 2, 0).await;
    live(&world, 1, 0).await;
    pass(&world, &world.engine, HOUR).await;
    live(&world, 3, 0).await;
    world.catch_up().await;
    assert_eq!(tries(&world, 1), 2);
    down.store(true, Ordering::SeqCst);
    for number in 4..=6 {
        live(&world, number, 0).await;
    }
    // Another customer's than those that failed now tells that it is over.
    world.catch_up().await;
    down.store(false, Ordering::SeqCst);
    live(&world, 7, 0).await;
    pass(&world, &world.engine, STEP).await;
    assert_eq!(waiting(&world.engine).await, 2, "both of that customer");
    assert_eq!(tries(&world, 1), 2, "it failed before");
    pass(&world, &world.engine, HOUR).await;
    assert_eq!(tries(&world, 1), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_that_are_never_accepted_are_tried_little_more_often_for_others_that_are() {
    let world = world().await;
    is_down(&world, &[1, 2]);
    live(&world, 1, 0).await;
    live(&world, 2, 0).await;
    for number in 10..70 {
        world.catch_up().await;
        live(&world, number, 0).await;
        world.pass(60).await;
    }
    for number in [1, 2] {
        let tries = tries(&world, number);
        assert!((3..=16).contains(&tries), "{tries} in an hour");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_in_an_outage_finds_out_when_it_is_over() {
    let world = world().await;
    let down = is_down(&world, &[]);
    down.store(true, Ordering::SeqCst);
    for number in 1..=3 {
        live(&world, number, 4).await;
    }
    pass(&world, &world.engine, 600).await;
    // The other one does nothing from here on.
    let other = world.another_node().await;
    for _ in 0..120 {
        other.catch_up().await.unwrap();
        later(&world, STEP);
    }
    down.store(false, Ordering::SeqCst);
    world.endpoints.sent.lock().unwrap().clear();
    for _ in 0..=SOON / STEP {
        other.catch_up().await.unwrap();
        later(&world, STEP);
    }
    assert_eq!(waiting(&other).await, 0);
    in_order(&world, 3);
}
