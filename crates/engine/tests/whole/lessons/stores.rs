//! What stores lose, double, reorder or never say.

use super::USER;
use crate::world::{Chain, DAY, World};
use domain::{CancellationReason, EventKind::*};
use engine::Accepted;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_purchase_told_at_once_by_sixteen_gives_one_event() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    // Sixteen different notifications of the same fact, and each of them twice.
    let bodies: Vec<_> = (0..16)
        .map(|_| chain.notify("SUBSCRIBED", world.now()))
        .collect();
    let tasks = bodies.iter().chain(&bodies).map(|body| world.tell(body));
    let accepted = futures_util::future::join_all(tasks).await;
    assert!(accepted.iter().all(Result::is_ok), "{accepted:?}");
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    let events = world.events().await;
    assert_eq!(
        events
            .iter()
            .map(|event| event.customer_seq)
            .collect::<Vec<_>>(),
        [1, 2],
        "numbered without gaps"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn late_disabled_after_enabled_says_nothing() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    chain.renewal["autoRenewStatus"] = 0.into();
    let disabled = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
    chain.renewal["autoRenewStatus"] = 1.into();
    world
        .tell(&chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now()))
        .await
        .unwrap();
    assert!(matches!(
        world.tell(&disabled).await,
        Ok(Accepted::Processed { events: 0, .. })
    ));
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fourteen_missed_renewals_are_each_told_once_however_late() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let mut missed = Vec::new();
    for _ in 0..14 {
        world.pass(30 * DAY).await;
        chain.renew();
        missed.push(chain.notify("DID_RENEW", world.now()));
    }
    world.pass(30 * DAY).await;
    chain.renew();
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    for body in missed.iter().rev().chain(&missed) {
        world.tell(body).await.unwrap();
    }
    let events: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == SubscriptionRenewed)
        .collect();
    let transactions: BTreeSet<_> = events
        .iter()
        .map(|event| event.transaction.as_ref().unwrap().id.clone())
        .collect();
    assert_eq!((events.len(), transactions.len()), (15, 15));
    assert_eq!(events.iter().filter(|event| event.late).count(), 14);
    let last = world.events().await.pop().unwrap();
    let access = &last.access["premium"];
    assert_eq!(
        access.expires_at.unwrap().as_millisecond(),
        chain.transaction["expiresDate"].as_i64().unwrap(),
        "late renewals never shorten access"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_first_seen_expired_tells_only_that() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world.pass(400 * DAY).await;
    chain.status = 2;
    chain.renewal["expirationIntent"] = 1.into();
    world
        .tell(&chain.notify("EXPIRED", world.now()))
        .await
        .unwrap();
    let events = world.events().await;
    assert_eq!(world.kinds().await, [SubscriptionExpired]);
    assert!(events[0].historical);
    assert_eq!(
        events[0].cancellation_reason,
        Some(CancellationReason::VoluntarilyCancelled)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_an_earlier_period_takes_no_access() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let mut first = chain.clone();
    world.pass(30 * DAY).await;
    chain.renew();
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    first.transaction["revocationDate"] = world.now().as_millisecond().into();
    world.pass(1).await;
    let mut refund = chain.clone();
    refund.transaction = first.transaction;
    world
        .tell(&refund.notify("REFUND", world.now()))
        .await
        .unwrap();
    assert_eq!(
        world.kinds().await,
        [
            SubscriptionStarted,
            SubscriptionRenewed,
            SubscriptionRefunded
        ]
    );
    let last = world.events().await.pop().unwrap();
    assert!(
        last.access["premium"].is_active && last.kind == SubscriptionRefunded,
        "and no access update"
    );
    assert_eq!(last.customer.revenue_usd_micros, 9_990_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_products_that_unlock_one_entitlement_losing_one_takes_no_access() {
    let world = World::new().await;
    let mut monthly = Chain::purchase(1000, "monthly", Some(USER), world.now());
    let mut yearly = Chain::purchase(2000, "yearly", Some(USER), world.now());
    world
        .tell(&monthly.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    world
        .tell(&yearly.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    monthly.transaction["revocationDate"] = world.now().as_millisecond().into();
    monthly.status = 5;
    world
        .tell(&monthly.notify("REFUND", world.now()))
        .await
        .unwrap();
    let refunded = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == SubscriptionRefunded)
        .unwrap();
    assert!(refunded.access["premium"].is_active);
    assert_eq!(refunded.access["premium"].product, "yearly");
    assert_eq!(
        refunded.customer.app_user_id, USER,
        "both belong to one customer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_without_entitlements_or_unknown_still_tells_its_events() {
    let world = World::new().await;
    for (id, product) in [(1000, "unmapped"), (2000, "never.heard.of")] {
        let mut chain = Chain::purchase(id, product, Some(USER), world.now());
        world
            .tell(&chain.notify("SUBSCRIBED", world.now()))
            .await
            .unwrap();
    }
    let events = world.events().await;
    assert_eq!(
        events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [SubscriptionStarted, SubscriptionStarted]
    );
    assert!(
        events
            .iter()
            .all(|event| event.access.is_empty() && event.entitlements.is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_nobody_announced_gets_a_customer_of_its_own() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", None, world.now()).free();
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let event = world.events().await.remove(0);
    assert_eq!(event.kind, TrialStarted, "by its facts, whoever told first");
    assert!(event.customer.is_anonymous());
    chain.renew();
    world.pass(30 * DAY).await;
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    assert_eq!(world.kinds().await, [TrialStarted, TrialConverted]);
    assert_eq!(
        world.events().await.last().unwrap().customer.id,
        event.customer.id
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_expirations_in_the_same_minute_are_all_told() {
    const MANY: u64 = 2_000;
    let world = World::new().await;
    let start = world.now();
    let tells: Vec<_> = (0..MANY)
        .map(|number| {
            Chain::purchase(1_000_000 + number * 10, "monthly", None, start)
                .notify("SUBSCRIBED", start)
        })
        .collect();
    // As many as a node has no trouble with, however busy the machine: whoever has to wait for long is told to come again.
    for part in tells.chunks(32) {
        let told = futures_util::future::join_all(part.iter().map(|body| world.tell(body))).await;
        assert!(told.iter().all(Result::is_ok));
    }
    world.pass(33 * DAY + 60).await;
    world.catch_up().await;
    let mut told = world.kinds().await;
    told.retain(|kind| *kind == SubscriptionExpired);
    assert_eq!(told.len() as u64, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_answers_and_an_unknown_app_is_refused() {
    let world = World::new().await;
    assert!(world.feed().await.is_empty());
    let nobody = "app_01h455vb4pex5vsknk084sn02q".parse().unwrap();
    assert!(matches!(
        world
            .engine
            .intake()
            .accept(nobody, &crate::world::incoming("{}"))
            .await,
        Err(engine::IntakeError::UnknownApp(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn genuine_messages_that_cannot_be_read_are_kept_and_not_refused() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    chain.transaction["purchaseDate"] = "a new format".into();
    let body = chain.notify("SUBSCRIBED", world.now());
    let Ok(Accepted::Parked { id }) = world.tell(&body).await else {
        panic!("it should be parked")
    };
    let record = world.engine.ledger().inbox(id).await.unwrap().unwrap();
    assert_eq!(record.message.body, body.as_bytes());
    assert!(record.parked.unwrap().contains("cannot be read"));
    assert!(world.events().await.is_empty());
}
