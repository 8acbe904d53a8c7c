//! What is known at the moment of sending: the time, the customer's newest attributes, the app.

use super::{A, buy, deliveries, dress, dressed::How, pass, sent_to, world};
use crate::world::{World, answer};
use destinations::Window;
use domain::{NotSent, attribute::Write};
use jiff::SignedDuration;
use ledger::{Choice, DeliveryState, ReplayOf, ReplayWhat};
use std::time::Duration;

/// The customer of the first event is known by this, from now on.
async fn identify(world: &World, value: &str) {
    let name = world.events().await.remove(0).customer.app_user_id;
    let write = Write {
        key: "$adjustId".into(),
        value: Some(value.into()),
        written_at: Some(world.now()),
    };
    let customers = world.engine.customers();
    customers
        .write_attributes(world.project, &name, &[write])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_tells_the_attributes_of_then_and_always_the_app() {
    let world = world(How::default()).await;
    world.answer_with(|url, _| answer(if url.starts_with(A) { 503 } else { 200 }, ""));
    buy(&world, 1).await;
    identify(&world, "adj-1").await;
    world.answer_with(|_, _| answer(200, ""));
    world.pass(300).await;
    world.settled().await;
    {
        let sent = world.endpoints.sent.lock().unwrap();
        let bodies: Vec<_> = sent.iter().filter(|sent| sent.url.starts_with(A)).collect();
        let has: Vec<_> = bodies.iter().map(|sent| &sent.body["has"]).collect();
        assert_eq!(has, [&serde_json::Value::Null, &"adj-1".into()]);
        assert!(
            bodies
                .iter()
                .all(|sent| sent.body["bundle"] == "com.example")
        );
    }
    let (record, _) = deliveries(&world).await.remove(0);
    assert_eq!(
        record.request.unwrap().also,
        "the customer's attributes were read again, and differ from the event's in $adjustId"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_tells_of_an_app_of_its_project() {
    let world = world(How::default()).await;
    let setup = world.engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let dispatch = world.engine.dispatch();
    dispatch.send_test(a.unwrap(), None).await.unwrap();
    world.settled().await;
    let sent = world.endpoints.sent.lock().unwrap();
    assert_eq!(sent[0].body["bundle"], "com.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_by_the_time_it_could_go_is_given_up_and_no_replay_sends_it() {
    let window = Window {
        oldest: Some(SignedDuration::from_hours(26)),
        ahead: None,
    };
    let world = world(How {
        window,
        ..How::default()
    })
    .await;
    world.answer_with(|url, _| answer(if url.starts_with(A) { 503 } else { 200 }, ""));
    buy(&world, 1).await;
    assert_eq!(sent_to(&world, A), 1);
    world.jump(world.now() + SignedDuration::from_hours(30));
    world.catch_up().await;
    let (record, attempts) = deliveries(&world).await.remove(0);
    assert_eq!(
        (record.state, record.reason),
        (DeliveryState::Failed, Some(NotSent::TooOld))
    );
    let told = &attempts.last().unwrap().detail;
    assert!(
        told.contains("30 hours") && told.contains("26 hours"),
        "{told}"
    );
    assert_eq!(sent_to(&world, A), 1, "not sent again");
    let forecast = foreseen(&world, Vec::new()).await;
    assert_eq!(forecast.refused.get(&NotSent::TooOld), Some(&1));
    assert_eq!(forecast.total(), 0);
}

async fn foreseen(world: &World, reasons: Vec<NotSent>) -> engine::Forecast {
    let setup = world.engine.setup();
    let a = setup.integrations().find(|active| active.row.key == "a");
    let choice = Choice {
        what: ReplayWhat::Events,
        since: world.now() - SignedDuration::from_hours(400),
        until: world.now() + SignedDuration::from_hours(1),
        kinds: Vec::new(),
        environment: None,
        customer: None,
        standings: vec![ReplayOf::Failed],
        reasons,
    };
    let replays = world.engine.replays();
    replays.foresee(a.unwrap(), &choice).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_too_far_ahead_goes_once_it_does_not_and_loses_no_retry() {
    // One that takes what is ten minutes old at least is one that takes nothing ahead, ten minutes later.
    let window = Window {
        oldest: None,
        ahead: Some(SignedDuration::from_mins(-10)),
    };
    let world = world(How {
        window,
        ..How::default()
    })
    .await;
    buy(&world, 1).await;
    pass(&world, 590).await;
    assert_eq!(sent_to(&world, A), 0);
    let (record, _) = deliveries(&world).await.remove(0);
    assert_eq!(
        (record.state, record.reason),
        (DeliveryState::Pending, Some(NotSent::TooEarly))
    );
    world.answer_with(|url, _| answer(if url.starts_with(A) { 503 } else { 200 }, ""));
    pass(&world, 20).await;
    assert_eq!(sent_to(&world, A), 1);
    // The first of its retries follows within minutes, as after any first attempt.
    pass(&world, 300).await;
    assert!(sent_to(&world, A) >= 2);
}

fn waiting() -> How {
    How {
        needs: Some("$adjustId"),
        waits: Duration::from_mins(10),
        ..How::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_that_comes_late_is_waited_for() {
    let world = world(waiting()).await;
    buy(&world, 1).await;
    pass(&world, 65).await;
    assert_eq!(sent_to(&world, A), 0);
    let (record, _) = deliveries(&world).await.remove(0);
    assert_eq!(record.state, DeliveryState::Pending);
    identify(&world, "adj-1").await;
    pass(&world, 120).await;
    world.settled().await;
    let sent = world.endpoints.sent.lock().unwrap();
    let to_a = sent.iter().find(|sent| sent.url.starts_with(A)).unwrap();
    assert_eq!(to_a.body["has"], "adj-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_comes_is_named_and_a_replay_finds_it_by_its_reason() {
    let world = world(waiting()).await;
    buy(&world, 1).await;
    pass(&world, 595).await;
    assert_eq!(deliveries(&world).await[0].0.state, DeliveryState::Pending);
    pass(&world, 10).await;
    let (record, attempts) = deliveries(&world).await.remove(0);
    assert_eq!(
        (record.state, record.reason),
        (DeliveryState::Failed, Some(NotSent::MissingCustomerData))
    );
    let told = &attempts.last().unwrap().detail;
    assert_eq!(told, "the customer has no $adjustId");
    assert!(attempts.len() <= 8, "{attempts:?}");
    // Another customer's, which fails for another reason.
    dress(&world, How::default());
    world.answer_with(|url, _| answer(if url.starts_with(A) { 400 } else { 200 }, "no"));
    buy(&world, 2).await;
    let total = async |reasons| foreseen(&world, reasons).await.total();
    assert_eq!(total(Vec::new()).await, 2);
    assert_eq!(total(vec![NotSent::MissingCustomerData]).await, 1);
    assert_eq!(total(vec![NotSent::RejectedByDestination]).await, 1);
    assert_eq!(total(vec![NotSent::TooOld]).await, 0);
}
