//! Deriving everything again: what the clock decided has its place among the messages, although both are of one moment; and what
//! is recorded meanwhile is not missing.

use crate::world::{Chain, DAY, World};
use domain::{
    CancellationReason::VoluntarilyCancelled,
    EventKind::{self, *},
};

const USER: &str = "7e3fb20b-4cdb-47cc-936d-99d65f608138";

/// A customer whose two subscriptions are over, and time to say so.
async fn two_are_over() -> (World, Chain) {
    let world = World::new().await;
    let mut first = Chain::purchase(1000, "monthly", Some(USER), world.now());
    let mut second = Chain::purchase(2000, "yearly", Some(USER), world.now());
    for chain in [&mut first, &mut second] {
        let bought = chain.notify("SUBSCRIBED", world.now());
        world.tell(&bought).await.unwrap();
    }
    world.pass(33 * DAY + 60).await;
    first.renew();
    (world, first)
}

async fn check(world: &World, expected: &[EventKind]) {
    let mut kinds: Vec<_> = world
        .events()
        .await
        .iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(kinds.drain(..3).len(), 3, "two purchases, and access");
    assert_eq!(kinds, expected);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_and_then_a_look() {
    let (world, mut renewed) = two_are_over().await;
    let body = renewed.notify("DID_RENEW", world.now());
    world.tell(&body).await.unwrap();
    world.catch_up().await;
    // Access lasts longer than before, and ends for nobody.
    let told = [SubscriptionRenewed, AccessLevelUpdated, SubscriptionExpired];
    check(&world, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_and_then_a_message() {
    let (world, mut renewed) = two_are_over().await;
    world.catch_up().await;
    let body = renewed.notify("DID_RENEW", world.now());
    world.tell(&body).await.unwrap();
    check(
        &world,
        &[
            SubscriptionExpired,
            SubscriptionExpired,
            AccessLevelUpdated,
            SubscriptionRenewed,
            AccessLevelUpdated,
        ],
    )
    .await;
}

/// By time alone the look would come first, and would not know why it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_message_and_then_a_look_that_knows_it() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    let bought = chain.notify("SUBSCRIBED", world.now());
    world.tell(&bought).await.unwrap();
    world.pass(10 * DAY).await;
    chain.renewal["autoRenewStatus"] = 0.into();
    let switched_off = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
    world.pass(23 * DAY + 60).await;
    world.tell(&switched_off).await.unwrap();
    world.catch_up().await;
    let events = world.events().await;
    let told = events
        .iter()
        .filter(|event| event.kind != AccessLevelUpdated);
    let told: Vec<_> = told
        .map(|event| (event.kind, event.cancellation_reason))
        .collect();
    let expected = [
        (SubscriptionStarted, None),
        (SubscriptionRenewalCancelled, None),
        (SubscriptionExpired, Some(VoluntarilyCancelled)),
    ];
    assert_eq!(told, expected);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_meanwhile_is_not_missing() {
    let (world, gate) = World::gated().await;
    let tell = async |number: u64| {
        let mut chain = Chain::purchase(number * 1000, "monthly", None, world.now());
        let bought = chain.notify("SUBSCRIBED", world.now());
        world.tell(&bought).await.unwrap();
    };
    tell(1).await;
    // The whole archive has been read, and it is not known yet that this was all.
    let nothing_more = |read| {
        if read == 1 {
            gate.shut("archive");
        }
    };
    let meanwhile = async {
        gate.holds("archive").await;
        tell(2).await;
        gate.open("archive");
    };
    let (report, ()) = tokio::join!(world.rederive(nothing_more), meanwhile);
    assert_eq!((report.messages, report.differences), (1, Vec::new()));
}
