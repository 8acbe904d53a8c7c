//! The App Store Server API through a whole engine: receipts, histories, gaps, confirmations, outages.

use crate::world::{AUTHORITY, World};
use domain::{EventKind::*, Store};
use engine::{Accepted, IntakeError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::Outage;
use sources::Trouble;

const DAY: i64 = 86_400;

pub(crate) fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

/// The `number`th monthly period of a chain, the first from 0.
pub(crate) fn transaction(_: &World, chain: &str, number: i64, start: Timestamp) -> Value {
    let begins = after(start, 30 * number);
    let id = if number == 0 {
        chain.to_owned()
    } else {
        format!("{chain}{number:03}")
    };
    json!({
        "transactionId": id, "originalTransactionId": chain, "bundleId": "com.example", "productId": "com.example.monthly",
        "purchaseDate": begins.as_millisecond(), "originalPurchaseDate": start.as_millisecond(), "expiresDate": after(begins, 30).as_millisecond(),
        "quantity": 1, "type": "Auto-Renewable Subscription", "inAppOwnershipType": "PURCHASED", "environment": "LocalTesting",
        "transactionReason": if number == 0 { "PURCHASE" } else { "RENEWAL" }, "storefront": "USA", "price": 9990, "currency": "USD",
    })
}

pub(crate) fn renewal(chain: &str, on: bool) -> Value {
    json!({ "originalTransactionId": chain, "productId": "com.example.monthly", "autoRenewProductId": "com.example.monthly", "autoRenewStatus": i32::from(on), "environment": "LocalTesting" })
}

pub(crate) fn signed(world: &World, payload: &Value) -> String {
    let mut payload = payload.clone();
    payload["signedDate"] = world.now().as_millisecond().into();
    AUTHORITY.sign(&payload).unwrap()
}

pub(crate) fn notification(
    world: &World,
    uuid: &str,
    transaction: &Value,
    renewal: &Value,
    status: u8,
) -> String {
    let payload = json!({
        "notificationType": "DID_RENEW", "notificationUUID": uuid, "version": "2.0",
        "data": { "environment": "LocalTesting", "bundleId": "com.example", "status": status,
            "signedTransactionInfo": signed(world, transaction), "signedRenewalInfo": signed(world, renewal) },
    });
    json!({ "signedPayload": signed(world, &payload) }).to_string()
}

/// A chain of `periods`, known to the API only.
pub(crate) fn played(world: &World, chain: &str, periods: i64, start: Timestamp) -> Vec<Value> {
    let all: Vec<_> = (0..periods)
        .map(|number| transaction(world, chain, number, start))
        .collect();
    for transaction in &all {
        world
            .stores
            .apple
            .api
            .record(transaction, Some(&renewal(chain, true)), 1);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_first_seen_in_the_middle_is_completed_and_tells_one_event() {
    let world = World::with_stores().await;
    let start = after(world.now(), -30 * 44);
    let all = played(&world, "1000", 45, start);
    let body = notification(&world, "n1", &all[44], &renewal("1000", true), 1);
    assert!(matches!(
        world.tell(&body).await.unwrap(),
        Accepted::Pending { .. }
    ));
    world.settled().await;
    assert_eq!(world.kinds().await, [SubscriptionRenewed]);
    let event = &world.events().await[0];
    assert_eq!(
        event.purchase.as_ref().unwrap().consecutive_payments,
        45,
        "all pages were read"
    );
    assert_eq!(world.tell(&body).await.unwrap(), Accepted::Duplicate);
    // Another period, missed, and the one after it: both are told.
    world.pass(61 * DAY).await;
    let more: Vec<_> = (45..47)
        .map(|number| transaction(&world, "1000", number, start))
        .collect();
    for transaction in &more {
        world
            .stores
            .apple
            .api
            .record(transaction, Some(&renewal("1000", true)), 1);
    }
    world.catch_up().await;
    assert_eq!(
        world.kinds().await,
        [SubscriptionRenewed; 3],
        "the missed periods were asked for"
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_as_signed_transaction_or_id_name_the_owner() {
    let world = World::with_stores().await;
    let start = after(world.now(), -40);
    let all = played(&world, "2000", 2, start);
    world
        .receipt(Store::AppStore, "ann", &signed(&world, &all[1]))
        .await
        .unwrap();
    assert_eq!(world.kinds_of("ann").await, [SubscriptionRenewed]);
    assert!(world.has_premium("ann").await);
    world
        .receipt(Store::AppStore, "ann", &signed(&world, &all[1]))
        .await
        .unwrap();
    world
        .vouched_receipt(Store::AppStore, "ann", "2000001")
        .await
        .unwrap();
    assert_eq!(
        world.kinds().await,
        [SubscriptionRenewed],
        "sent again, nothing is new"
    );
    played(&world, "3000", 1, world.now());
    world
        .vouched_receipt(Store::AppStore, "bob", "3000")
        .await
        .unwrap();
    assert_eq!(world.kinds_of("bob").await, [SubscriptionStarted]);
    for garbage in ["", "not a receipt", "a.b.c"] {
        let refused = world.receipt(Store::AppStore, "eve", garbage).await;
        assert!(
            matches!(refused, Err(IntakeError::Refused(_))),
            "{garbage}: {refused:?}"
        );
    }
    let unknown = world.vouched_receipt(Store::AppStore, "eve", "999").await;
    assert!(
        matches!(unknown, Err(IntakeError::Store(Trouble::Unknown(_)))),
        "{unknown:?}"
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribed_beats_the_sdk_and_the_receipt_names_the_owner_afterwards() {
    let world = World::with_stores().await;
    let all = played(&world, "4000", 1, world.now());
    world
        .tell(&notification(
            &world,
            "n1",
            &all[0],
            &renewal("4000", true),
            1,
        ))
        .await
        .unwrap();
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    let before = world.events().await[0].customer.clone();
    assert!(before.is_anonymous());
    world
        .receipt(Store::AppStore, "ann", &signed(&world, &all[0]))
        .await
        .unwrap();
    assert_eq!(world.kinds().await, [SubscriptionStarted], "told once");
    assert!(world.has_premium("ann").await);
    let record = world
        .engine
        .ledger()
        .customer(world.project, "ann")
        .await
        .unwrap()
        .unwrap();
    assert!(
        record.customer.answers_to(&before.app_user_id),
        "the nameless owner is an alias now"
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_delivered_is_read_from_the_notification_history() {
    let world = World::with_stores().await;
    let all = played(&world, "5000", 1, world.now());
    let body = notification(&world, "n1", &all[0], &renewal("5000", true), 1);
    world.stores.apple.api.failed_to_deliver(world.now(), body);
    let is_told = async || !world.kinds().await.is_empty();
    world.pass_until(2, "it is told", is_told).await;
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_fails_loses_nothing() {
    for outage in [Outage::Down, Outage::Limited(5), Outage::Nonsense] {
        let world = World::with_stores().await;
        let start = after(world.now(), -40);
        let all = played(&world, "6000", 2, start);
        world.stores.apple.set(outage);
        let body = notification(&world, "n1", &all[1], &renewal("6000", true), 1);
        world.tell(&body).await.unwrap();
        let refused = world.vouched_receipt(Store::AppStore, "ann", "6000").await;
        assert!(matches!(refused, Err(IntakeError::Store(_))), "{refused:?}");
        let waiting = world
            .engine
            .ledger()
            .parked(world.project, None, None, 10)
            .await
            .unwrap();
        assert!(
            waiting
                .iter()
                .any(|parked| parked.message.title == "RECEIPT"
                    && parked.reason.contains("App Store")),
            "{waiting:?}"
        );
        world.stores.apple.set(Outage::None);
        world
            .pass_until(30, "the receipt is processed in the end", async || {
                world.parked().await == 0 && world.has_premium("ann").await
            })
            .await;
        assert_eq!(world.kinds().await, [SubscriptionRenewed]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_and_notification_at_once_from_sixteen_clients_give_one_event() {
    let world = std::sync::Arc::new(World::with_stores().await);
    let all = played(&world, "7000", 1, world.now());
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (world, transaction) = (std::sync::Arc::clone(&world), all[0].clone());
            tokio::spawn(async move {
                match number % 3 {
                    0 => world
                        .receipt(Store::AppStore, "ann", &signed(&world, &transaction))
                        .await
                        .unwrap(),
                    1 => world
                        .vouched_receipt(Store::AppStore, "ann", "7000")
                        .await
                        .unwrap(),
                    _ => {
                        let body = notification(
                            &world,
                            &format!("n{number}"),
                            &transaction,
                            &renewal("7000", true),
                            1,
                        );
                        world.tell(&body).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    world.settled().await;
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    assert!(world.has_premium("ann").await);
}

/// Without a key of the App Store Server API nobody can be asked what came before: that something did, the dates of a transaction say. Source:
/// Apple, JWSTransactionDecodedPayload, `originalPurchaseDate`.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_heard_of_first_is_told_as_a_renewal_without_a_key() {
    let world = World::new().await;
    let mut back = transaction(&world, "1000", 5, after(world.now(), -150));
    back["transactionReason"] = "PURCHASE".into();
    let begun = notification(&world, "n1", &back, &renewal("1000", true), 1);
    world.tell(&begun).await.unwrap();
    world.settled().await;
    assert_eq!(world.kinds().await, [SubscriptionRenewed]);
    world.rederives().await;
}

/// Source: Apple, responseBodyV2DecodedPayload, `data.status`; Apple, App Store Server API, *Get Transaction History*.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_asked_what_runs_when_all_that_is_known_was_given_back() {
    let world = World::with_stores().await;
    let start = world.now();
    let mut all = played(&world, "1000", 1, start);
    let begun = notification(&world, "n1", &all[0], &renewal("1000", true), 1);
    world.tell(&begun).await.unwrap();
    world.settled().await;
    // Its renewal gets lost.
    world.jump(after(start, 30));
    let renewed = transaction(&world, "1000", 1, start);
    let api = &world.stores.apple.api;
    api.record(&renewed, Some(&renewal("1000", true)), 1);
    all[0]["revocationDate"] = world.now().as_millisecond().into();
    api.record(&all[0], Some(&renewal("1000", true)), 1);
    let refunded = notification(&world, "n2", &all[0], &renewal("1000", true), 1);
    world.tell(&refunded).await.unwrap();
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted, SubscriptionRefunded]
    );
    let owner = world.events().await.remove(0).customer.app_user_id;
    assert!(world.has_premium(&owner).await);
    world.pass(11 * 60).await;
    world.settled().await;
    assert_eq!(
        world.kinds().await,
        [
            SubscriptionStarted,
            SubscriptionRefunded,
            SubscriptionRenewed
        ]
    );
    assert!(world.has_premium(&owner).await);
    world.rederives().await;
}
