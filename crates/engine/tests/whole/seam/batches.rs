//! What travels together has an outcome of its own each.

use super::{A, buy, deliveries, dressed::How, pass, sent_to, world};
use crate::world::{Chain, World, answer};
use destinations::Batching;
use domain::{NotSent, pace::Rate};
use engine::TransportError;
use jiff::{SignedDuration, Timestamp};
use ledger::DeliveryState::{Delivered, Failed, Pending};
use serde_json::Value;
use std::{num::NonZeroU32, time::Duration};

fn batches(most: usize, bytes: usize) -> How {
    How {
        batching: Some(Batching {
            most,
            bytes,
            linger: Duration::from_millis(300),
        }),
        ..How::default()
    }
}

/// Customers buy at about the same time.
async fn all_buy(world: &World, customers: std::ops::RangeInclusive<u64>) {
    for customer in customers {
        let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
        let told = chain.notify("SUBSCRIBED", world.now());
        world.tell(&told).await.unwrap();
    }
    world.catch_up().await;
}

/// Of each request to `a`: the name of the first in it, and how many there were.
fn requests(world: &World) -> Vec<(String, usize)> {
    let sent = world.endpoints.sent.lock().unwrap();
    let to_a = sent.iter().filter(|sent| sent.url.starts_with(A));
    to_a.map(|sent| {
        let many = sent.body["all"].as_array().map_or(0, Vec::len);
        (sent.url.clone(), many)
    })
    .collect()
}

fn sizes(world: &World) -> Vec<usize> {
    requests(world).into_iter().map(|(_, many)| many).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_come_together_go_in_one_request_and_each_is_recorded() {
    let world = world(batches(4, 1 << 20)).await;
    all_buy(&world, 1..=4).await;
    assert_eq!(sizes(&world), [4]);
    assert_eq!(super::counted_twice(&world, A), [false]);
    let all = deliveries(&world).await;
    assert_eq!(all.len(), 4);
    for (record, attempts) in &all {
        assert_eq!((record.state, attempts.len()), (Delivered, 1));
        let request = record.request.as_ref().unwrap();
        assert_eq!(request.also, "3 other deliveries went in the same request");
        let part: Value = serde_json::from_str(&request.body).unwrap();
        assert!(part["all"].is_null(), "its own part: {part}");
    }
}

/// Some vendors refuse all for the sake of one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_as_a_whole_is_parted_until_it_is_known_which_is_refused() {
    let world = world(batches(3, 1 << 20)).await;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    world.answer_with(move |url, _| {
        use std::sync::atomic::Ordering::SeqCst;
        // All three; the first alone, which is the one that is meant; the other two.
        let status = match url.starts_with(A).then(|| asked.fetch_add(1, SeqCst)) {
            Some(0 | 1) => 400,
            _ => 200,
        };
        answer(status, "")
    });
    all_buy(&world, 1..=3).await;
    assert_eq!(sizes(&world), [3, 1, 2]);
    let states = deliveries(&world).await;
    let states: Vec<_> = states.iter().map(|(record, _)| record.state).collect();
    assert_eq!(states, [Failed, Delivered, Delivered]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_refused_halves_go_before_quarters() {
    let world = world(batches(100, 1 << 20)).await;
    world
        .answer_with(|url, _| answer(if url.starts_with(A) { 400 } else { 200 }, "no such column"));
    all_buy(&world, 1..=16).await;
    let sizes = sizes(&world);
    assert_eq!(sizes[..7], [16, 8, 8, 4, 4, 4, 4]);
    assert_eq!(sizes.len(), 31, "{sizes:?}");
    for (record, attempts) in deliveries(&world).await {
        assert_eq!(record.reason, Some(NotSent::RejectedByDestination));
        assert_eq!(attempts.len(), 1);
        assert!(
            attempts[0].detail.contains("no such column"),
            "{attempts:?}"
        );
    }
    // What was said of each is not asked again.
    let world = super::world(batches(3, 1 << 20)).await;
    world.answer_with(|url, _| {
        let said = if url.starts_with(A) {
            "[400, 400, 400]"
        } else {
            ""
        };
        answer(200, said)
    });
    all_buy(&world, 1..=3).await;
    assert_eq!(self::sizes(&world), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_go_at_the_pace_of_their_lane_each_in_an_attempt_of_its_own() {
    let mut how = batches(4, 1 << 20);
    how.rate = Some(Rate::per_second(NonZeroU32::MIN));
    let world = world(how).await;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    world.answer_with(move |url, _| {
        use std::sync::atomic::Ordering::SeqCst;
        let is_first = url.starts_with(A) && asked.fetch_add(1, SeqCst) == 0;
        answer(if is_first { 400 } else { 200 }, "")
    });
    all_buy(&world, 1..=4).await;
    pass(&world, 60).await;
    world.settled().await;
    assert_eq!(sizes(&world), [4, 2, 2]);
    for (record, attempts) in deliveries(&world).await {
        assert_eq!((record.state, attempts.len()), (Delivered, 2));
        let first = &attempts[0];
        assert!(first.detail.contains("sent with fewer"), "{first:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_its_own_outcome_and_one_failed_request_is_one_failure() {
    let world = world(batches(3, 1 << 20)).await;
    world.answer_with(|url, _| {
        answer(
            200,
            if url.starts_with(A) {
                "[200, 400, 503]"
            } else {
                ""
            },
        )
    });
    all_buy(&world, 1..=3).await;
    let states: Vec<_> = deliveries(&world).await;
    let states: Vec<_> = states.iter().map(|(record, _)| record.state).collect();
    assert_eq!(states, [Delivered, Failed, Pending]);
    // Many of one request that fails are not many failures, and one refusal is not two.
    for (status, held) in [(503, None), (401, None)] {
        let world = super::world(batches(12, 1 << 20)).await;
        world.answer_with(move |url, _| answer(if url.starts_with(A) { status } else { 200 }, ""));
        all_buy(&world, 1..=12).await;
        assert_eq!(sizes(&world), [12], "{status}");
        let lanes = world.engine.dispatch().lanes();
        assert!(lanes.iter().all(|(_, lane)| !lane.breaker_open), "{status}");
        assert_eq!(world.held("a"), held, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rendered_falls_out_alone() {
    let how = How {
        needs: Some("$adjustId"),
        ..batches(3, 1 << 20)
    };
    let world = world(how).await;
    all_buy(&world, 1..=3).await;
    let all = deliveries(&world).await;
    for (record, _) in &all {
        assert_eq!(record.reason, Some(NotSent::MissingCustomerData));
    }
    assert_eq!(sent_to(&world, A), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_divided() {
    let world = world(batches(4, 1 << 20)).await;
    let (halves, limit) = (&world, 2);
    halves.answer_with(|url, _| answer(if url.starts_with(A) { 413 } else { 200 }, ""));
    all_buy(halves, 1..=4).await;
    assert_eq!(sizes(halves), [4, 2, 2, 1, 1, 1, 1]);
    for (record, _) in deliveries(halves).await {
        assert_eq!(record.reason, Some(NotSent::RejectedByDestination));
    }
    // Their size is known before: a body of one is of about ninety bytes.
    let world = super::world(batches(8, limit * 120)).await;
    all_buy(&world, 1..=4).await;
    assert_eq!(sizes(&world), [2, 2]);
    // What is around them in a request counts too: it is known when they are in it.
    let all = deliveries(&world).await;
    let bytes =
        |(record, _): &(ledger::DeliveryRecord, _)| record.request.as_ref().unwrap().body.len();
    let largest = all.iter().map(bytes).max().unwrap();
    let world = super::world(batches(8, limit * largest + 5)).await;
    all_buy(&world, 1..=4).await;
    assert_eq!(sizes(&world), [1, 1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_of_goes_again_as_it_was() {
    let world = world(batches(3, 1 << 20)).await;
    world.answer_with(|url, _| {
        if url.starts_with(A) {
            Err(TransportError::Unanswered("no answer within 10 s".into()))
        } else {
            answer(200, "")
        }
    });
    all_buy(&world, 1..=3).await;
    world.answer_with(|_, _| answer(200, ""));
    // Others come in between.
    all_buy(&world, 4..=5).await;
    pass(&world, 300).await;
    world.settled().await;
    let requests = requests(&world);
    assert_eq!(requests.iter().map(|(_, many)| *many).sum::<usize>(), 8);
    let same = requests.iter().filter(|request| **request == requests[0]);
    assert_eq!(
        same.count(),
        2,
        "the same, under the same name: {requests:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_alone_goes_when_it_has_waited() {
    let world = world(batches(100, 1 << 20)).await;
    buy(&world, 1).await;
    assert_eq!(sizes(&world), [1]);
    let (record, _) = deliveries(&world).await.remove(0);
    assert_eq!(
        (record.state, record.request.unwrap().also),
        (Delivered, String::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gathered_for_an_hour_goes_when_the_hour_is_full() {
    let mut how = batches(100, 1 << 20);
    how.batching.as_mut().unwrap().linger = Duration::from_hours(1);
    let world = world(how).await;
    let hour = 3_600;
    let next = Timestamp::from_second((world.now().as_second() / hour + 1) * hour).unwrap();
    world.jump(next + SignedDuration::from_mins(5));
    buy(&world, 1).await;
    world.jump(next + SignedDuration::from_mins(50));
    buy(&world, 2).await;
    assert_eq!(sizes(&world), Vec::<usize>::new());
    // A test waits for nobody.
    let setup = world.engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let dispatch = world.engine.dispatch();
    dispatch.send_test(a.unwrap(), None).await.unwrap();
    world.catch_up().await;
    assert_eq!(sizes(&world), [1]);
    world.jump(next + SignedDuration::from_secs(hour - 1));
    world.catch_up().await;
    assert_eq!(sizes(&world), [1]);
    world.jump(next + SignedDuration::from_secs(hour));
    world.settled().await;
    assert_eq!(sizes(&world), [1, 2]);
}
