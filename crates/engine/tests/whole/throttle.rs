//! An endpoint that asks to be left alone is, and nothing is lost by it.

use crate::world::{Chain, World, answer};
use destinations::Response;
use domain::{NotSent, breaker::THRESHOLD};
use engine::TransportError;
use jiff::SignedDuration;
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

const A: &str = "https://a.example/";
const SLACK: &str = "https://hooks.example/";

fn too_many(headers: &[(&str, &str)]) -> Result<Response, TransportError> {
    Ok(Response {
        headers: headers.iter().copied().collect(),
        ..answer(429, "slow down")?
    })
}

/// Somebody buys, and nothing is sent yet.
async fn buy_unsent(world: &World, customer: u64) {
    let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
}

async fn buy(world: &World, customer: u64) {
    buy_unsent(world, customer).await;
    world.catch_up().await;
}

/// One with `a`, which waits so many seconds before it retries, for each retry.
async fn world_that_retries_a(delays: &[u64]) -> World {
    let world = World::new().await;
    let retry = json!({ "policy": "custom", "delays": delays });
    let settings = json!({ "sandbox_url": A, "retry": retry });
    let a = json!({ "a": { "destination": "webhook", "settings": settings } });
    world.save(a).await;
    world
}

/// What `a` answers from now on, with how many requests went out to anybody; everybody else accepts.
fn a_answers(
    world: &World,
    answers: impl Fn(usize) -> Result<Response, TransportError> + Send + Sync + 'static,
) {
    world.answer_with(move |url, count| {
        if url == A {
            answers(count)
        } else {
            answer(200, "{}")
        }
    });
}

async fn all_are_delivered(world: &World, key: &str) -> bool {
    let all = of(world, key).await;
    all.iter().all(|row| row.state == DeliveryState::Delivered)
}

async fn all_wait(world: &World, key: &str) -> bool {
    let all = of(world, key).await;
    all.iter().all(|row| row.state == DeliveryState::Pending)
}

async fn of(world: &World, key: &str) -> Vec<DeliveryRecord> {
    let setup = world.engine.setup();
    let mut all = setup.integrations();
    let filter = DeliveryFilter {
        integration: all
            .find(|active| active.row.key == key)
            .map(|active| active.row.id),
        ..DeliveryFilter::default()
    };
    let ledger = world.engine.ledger();
    ledger.deliveries(&filter, None, 100).await.unwrap()
}

/// Ids that reached `a`, in order.
fn ids(world: &World) -> Vec<String> {
    let received = world.received(A).into_iter();
    received.map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_asked_for_is_kept_and_what_was_put_off_goes_first() {
    for asked in [
        &[("retry-after", "90")][..],
        // By a date, with and without the answer's own.
        &[("retry-after", "Thu, 01 Jan 2026 00:01:30 GMT")],
        &[
            ("date", "Thu, 01 Jan 2026 12:00:00 GMT"),
            ("retry-after", "Thu, 01 Jan 2026 12:01:30 GMT"),
        ],
    ] {
        let world = world_that_retries_a(&[]).await;
        let asking = too_many(asked);
        a_answers(&world, move |_| asking.clone());
        buy(&world, 1).await;
        for customer in 2..=4 {
            buy(&world, customer).await;
        }
        world.pass(89).await;
        world.catch_up().await;
        assert_eq!(ids(&world).len(), 1, "{asked:?}");
        world.answer_with(|_, _| answer(200, "{}"));
        world.pass(1).await;
        world.settled().await;
        let ids = ids(&world);
        assert_eq!(ids.len(), 5, "the others once: {asked:?}");
        assert_eq!(ids[0], ids[1], "first what was put off");
        let is_allowed = all_are_delivered(&world, "a").await;
        assert!(is_allowed, "it was no attempt of those that are allowed");
    }
}

/// What is asked for is a time from now on: whatever is done to the clock meanwhile, and also while the machine sleeps.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_asked_for_is_as_long_whoever_sets_the_clock_and_also_while_the_machine_sleeps()
 {
    /// Seconds.
    enum Then {
        Passes(i64),
        Sleeps(i64),
        SetAhead(i64),
        SetBack(i64),
    }
    use Then::{Passes, SetAhead, SetBack, Sleeps};
    for (what, thens) in [
        ("it passes", &[Passes(1_799)][..]),
        ("set ahead", &[Passes(60), SetAhead(3_600), Passes(1_739)]),
        ("set back", &[Passes(60), SetBack(3_600), Passes(1_739)]),
        ("asleep", &[Passes(60), Sleeps(1_600), Passes(139)]),
        (
            "both",
            &[
                SetAhead(7_200),
                Sleeps(900),
                Passes(60),
                SetAhead(900),
                Passes(839),
            ],
        ),
    ] {
        let world = world_that_retries_a(&[]).await;
        a_answers(&world, |_| too_many(&[("retry-after", "1800")]));
        buy(&world, 1).await;
        world.answer_with(|_, _| answer(200, "{}"));
        for then in thens {
            let so_long = SignedDuration::from_secs;
            match *then {
                Passes(seconds) => world.pass(seconds).await,
                Sleeps(seconds) => world.sleep(so_long(seconds)).await,
                SetAhead(seconds) => world.set_ahead(so_long(seconds)).await,
                SetBack(seconds) => world.jump(world.now() - so_long(seconds)),
            }
            world.catch_up().await;
            assert_eq!(ids(&world).len(), 1, "{what}");
        }
        world.pass(1).await;
        world.settled().await;
        assert_eq!(ids(&world).len(), 2, "{what}");
    }
}

/// One that takes a message a second, and waits a minute before it retries.
fn a_that_is_slow() -> Value {
    let retry = json!({ "policy": "custom", "delays": [60] });
    let settings = json!({ "sandbox_url": A, "max_per_second": 1, "retry": retry });
    json!({ "a": { "destination": "webhook", "settings": settings } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_goes_before_what_is_in_memory_for_its_endpoint() {
    let world = World::running().await;
    world.save(a_that_is_slow()).await;
    world
        .until("it is verified", || world.held("a").is_none())
        .await;
    let times = AtomicUsize::new(0);
    a_answers(&world, move |_| match times.fetch_add(1, SeqCst) {
        0 => too_many(&[("retry-after", "1")]),
        _ => answer(200, "{}"),
    });
    // The first is under way, and two wait in memory for the second of their pace, when it is put off.
    world.silence(true);
    for customer in 1..=3 {
        buy_unsent(&world, customer).await;
    }
    world
        .until("the first is under way", || ids(&world).len() == 1)
        .await;
    world.silence(false);
    world
        .eventually("the first is put off", async || {
            of(&world, "a").await.iter().any(|row| row.attempts == 1)
        })
        .await;
    world.jump(world.now() + SignedDuration::from_secs(2));
    world.settled().await;
    let ids = ids(&world);
    assert_eq!(ids.len(), 4);
    assert_eq!(ids[0], ids[1], "first what was put off: {ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_takes_a_few_a_second_makes_nobody_wait_for_a_retry() {
    let world = world_that_retries_a(&[60]).await;
    let (clock, began) = (Arc::clone(&world.clock), world.now());
    let taken = Mutex::new((began, 0));
    a_answers(&world, move |_| {
        let mut taken = taken.lock().unwrap();
        if taken.0 != engine::System::now(&*clock) {
            *taken = (engine::System::now(&*clock), 0);
        }
        taken.1 += 1;
        if taken.1 > 3 {
            too_many(&[("retry-after", "1")])
        } else {
            answer(200, "{}")
        }
    });
    for customer in 1..=16 {
        buy_unsent(&world, customer).await;
    }
    world
        .pass_until(1, "everything is delivered", async || {
            all_are_delivered(&world, "a").await
        })
        .await;
    let took = began.duration_until(world.now()).as_secs();
    assert!(took <= 16, "{took} s at three a second, with pauses");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_stays_first_however_often_while_nothing_else_was_tried() {
    let world = world_that_retries_a(&[]).await;
    let times = AtomicUsize::new(0);
    a_answers(&world, move |_| {
        if times.fetch_add(1, SeqCst) < 3 {
            let mut busy = too_many(&[("retry-after", "20")])?;
            busy.status = 503;
            Ok(busy)
        } else {
            answer(200, "{}")
        }
    });
    buy(&world, 1).await;
    for customer in 2..=5 {
        buy_unsent(&world, customer).await;
    }
    for sent in 1..=3 {
        world.catch_up().await;
        world.pass(19).await;
        world.catch_up().await;
        assert_eq!(ids(&world).len(), sent);
        world.pass(1).await;
    }
    world.settled().await;
    let ids = ids(&world);
    assert_eq!(ids.len(), 8);
    assert!(ids[1..4].iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_is_nobody_elses_while_it_is_held_and_goes_on_after_a_restart() {
    let world = world_that_retries_a(&[]).await;
    a_answers(&world, |_| too_many(&[("retry-after", "30")]));
    // Two events of one customer.
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    chain.renew();
    let told = chain.notify("DID_RENEW", world.now());
    world.tell(&told).await.unwrap();
    world.catch_up().await;
    assert_eq!(ids(&world).len(), 1);
    let another = world.another_node().await;
    another.catch_up().await.unwrap();
    assert_eq!(ids(&world).len(), 1, "another node takes neither");
    // The first is gone, as after a kill; its lease runs out after a minute.
    world.answer_with(|_, _| answer(200, "{}"));
    world.jump(world.now() + SignedDuration::from_secs(59));
    another.catch_up().await.unwrap();
    assert_eq!(ids(&world).len(), 1);
    world.jump(world.now() + SignedDuration::from_secs(2));
    another.catch_up().await.unwrap();
    let ids = ids(&world);
    assert_eq!(ids.len(), 3);
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "in order: {ids:?}");
    assert!(all_are_delivered(&world, "a").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_for_an_endpoint_that_asked_to_wait_goes_back_when_a_node_stops() {
    let world = world_that_retries_a(&[]).await;
    a_answers(&world, |_| too_many(&[("retry-after", "30")]));
    buy(&world, 1).await;
    world.answer_with(|_, _| answer(200, "{}"));
    world.engine.stop(Duration::from_secs(10)).await;
    let another = world.another_node().await;
    another.catch_up().await.unwrap();
    assert_eq!(ids(&world).len(), 2, "due at once, for whoever comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_to_wait_says_nothing_bad_of_an_endpoint() {
    let world = world_that_retries_a(&[]).await;
    a_answers(&world, |_| too_many(&[("retry-after", "1")]));
    for customer in 1..=2 * u64::from(THRESHOLD) {
        buy(&world, customer).await;
        world.pass(2).await;
    }
    world.catch_up().await;
    let lanes = world.engine.dispatch().lanes();
    assert!(lanes.iter().all(|(_, lane)| !lane.breaker_open));
    let waiting = of(&world, "a").await;
    assert_eq!(waiting.len(), 2 * THRESHOLD as usize);
    assert!(all_wait(&world, "a").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_the_credentials_twice_is_asked_no_more_and_burns_no_events() {
    let slack = |path: &str| {
        let settings = json!({ "webhook_url": format!("{SLACK}{path}"), "send_sandbox": true });
        json!({ "s": { "destination": "slack", "settings": settings } })
    };
    let world = World::new().await;
    world.save(slack("old")).await;
    world.answer_with(|url, _| {
        if url == format!("{SLACK}old") {
            answer(404, "no_service")
        } else {
            answer(200, "{}")
        }
    });
    let sent = || {
        let sent = world.endpoints.sent.lock().unwrap();
        sent.iter()
            .filter(|sent| sent.url.starts_with(SLACK))
            .count()
    };
    buy(&world, 1).await;
    assert_eq!((sent(), world.held("s")), (1, None));
    world.pass(2).await;
    world.catch_up().await;
    assert_eq!(
        (sent(), world.held("s")),
        (2, Some(NotSent::MissingCredentials))
    );
    for customer in 2..=3 {
        buy(&world, customer).await;
        world.pass(3_600).await;
    }
    assert_eq!(sent(), 2, "nothing gets through");
    assert_eq!(of(&world, "s").await.len(), 3);
    assert!(all_wait(&world, "s").await);
    world.save(slack("new")).await;
    assert_eq!(world.held("s"), None);
    world.settled().await;
    assert!(all_are_delivered(&world, "s").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_always_put_off_is_tried_as_its_policy_says_once_others_are_taken() {
    let world = world_that_retries_a(&[]).await;
    let poisoned = Mutex::new(None);
    let endpoints = Arc::clone(&world.endpoints);
    a_answers(&world, move |count| {
        let who = endpoints.sent.lock().unwrap()[count - 1].body["profile_id"].clone();
        let mut poisoned = poisoned.lock().unwrap();
        if *poisoned.get_or_insert_with(|| who.clone()) == who {
            too_many(&[("retry-after", "3600")])
        } else {
            answer(200, "{}")
        }
    });
    for customer in 1..=4 {
        buy(&world, customer).await;
    }
    // First the same again; then the others show that they are taken; then it again.
    for _ in 0..3 {
        world.pass(3_600).await;
        world.catch_up().await;
    }
    world.settled().await;
    let all = of(&world, "a").await;
    let failed = all.iter().filter(|row| row.state == DeliveryState::Failed);
    assert_eq!((all.len(), failed.count()), (4, 1));
    assert_eq!(ids(&world).len(), 6, "three times, and each other once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_counts_comes_no_sooner_than_was_asked_for() {
    let world = world_that_retries_a(&[60]).await;
    let endpoints = Arc::clone(&world.endpoints);
    let first = OnceLock::new();
    a_answers(&world, move |count| {
        let who = endpoints.sent.lock().unwrap()[count - 1].body["profile_id"].clone();
        if *first.get_or_init(|| who.clone()) == who {
            too_many(&[("retry-after", "3600")])
        } else {
            answer(200, "{}")
        }
    });
    for customer in 1..=4 {
        buy(&world, customer).await;
    }
    // Twice as the endpoint's own pause; the third time, others are taken.
    world
        .pass_until(3_600, "it is the one that is not wanted", async || {
            ids(&world).len() == 6
        })
        .await;
    world.pass(3_599).await;
    world.catch_up().await;
    assert_eq!(ids(&world).len(), 6, "a minute is what the policy says");
    world.pass(1).await;
    world.settled().await;
    assert_eq!(ids(&world).len(), 7);
    let all = of(&world, "a").await;
    let failed = all.iter().filter(|row| row.state == DeliveryState::Failed);
    assert_eq!((all.len(), failed.count()), (4, 1));
}
