//! The App Store Server API through a whole engine: receipts, histories, gaps, confirmations, outages.

use crate::shop::{AUTHORITY, Shop};
use domain::{EventKind::*, Store};
use engine::{Accepted, IntakeError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::Outage;
use sources::Trouble;

const DAY: i64 = 86_400;

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

/// The `number`th monthly period of a chain, the first from 0.
fn transaction(_: &Shop, chain: &str, number: i64, start: Timestamp) -> Value {
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

fn renewal(chain: &str, on: bool) -> Value {
    json!({ "originalTransactionId": chain, "productId": "com.example.monthly", "autoRenewProductId": "com.example.monthly", "autoRenewStatus": i32::from(on), "environment": "LocalTesting" })
}

fn signed(shop: &Shop, payload: &Value) -> String {
    let mut payload = payload.clone();
    payload["signedDate"] = shop.now().as_millisecond().into();
    AUTHORITY.sign(&payload).unwrap()
}

fn notification(
    shop: &Shop,
    uuid: &str,
    transaction: &Value,
    renewal: &Value,
    status: u8,
) -> String {
    let payload = json!({
        "notificationType": "DID_RENEW", "notificationUUID": uuid, "version": "2.0",
        "data": { "environment": "LocalTesting", "bundleId": "com.example", "status": status,
            "signedTransactionInfo": signed(shop, transaction), "signedRenewalInfo": signed(shop, renewal) },
    });
    json!({ "signedPayload": signed(shop, &payload) }).to_string()
}

/// A chain of `periods`, known to the API only.
fn played(shop: &Shop, chain: &str, periods: i64, start: Timestamp) -> Vec<Value> {
    let all: Vec<_> = (0..periods)
        .map(|number| transaction(shop, chain, number, start))
        .collect();
    for transaction in &all {
        shop.stores
            .apple
            .api
            .record(transaction, Some(&renewal(chain, true)), 1);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_first_seen_in_the_middle_is_completed_and_tells_one_event() {
    let shop = Shop::open().await;
    let start = after(shop.now(), -30 * 44);
    let all = played(&shop, "1000", 45, start);
    let body = notification(&shop, "n1", &all[44], &renewal("1000", true), 1);
    assert!(matches!(
        shop.notify(&body).await.unwrap(),
        Accepted::Pending { .. }
    ));
    shop.settled().await;
    assert_eq!(shop.kinds(None).await, [SubscriptionRenewed]);
    let event = &shop.events().await[0];
    assert_eq!(
        event.purchase.as_ref().unwrap().consecutive_payments,
        45,
        "all pages were read"
    );
    assert_eq!(shop.notify(&body).await.unwrap(), Accepted::Duplicate);
    // Another period, missed, and the one after it: both are told.
    shop.pass(61 * DAY);
    let more: Vec<_> = (45..47)
        .map(|number| transaction(&shop, "1000", number, start))
        .collect();
    for transaction in &more {
        shop.stores
            .apple
            .api
            .record(transaction, Some(&renewal("1000", true)), 1);
    }
    for _ in 0..300 {
        if shop.kinds(None).await.len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(
        shop.kinds(None).await,
        [SubscriptionRenewed; 3],
        "the missed periods were asked for"
    );
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_as_signed_transaction_or_id_name_the_owner() {
    let shop = Shop::open().await;
    let start = after(shop.now(), -40);
    let all = played(&shop, "2000", 2, start);
    shop.receipt(Store::AppStore, "ann", &signed(&shop, &all[1]))
        .await
        .unwrap();
    assert_eq!(shop.kinds(Some("ann")).await, [SubscriptionRenewed]);
    assert!(shop.has_premium("ann").await);
    shop.receipt(Store::AppStore, "ann", &signed(&shop, &all[1]))
        .await
        .unwrap();
    shop.receipt(Store::AppStore, "ann", "2000001")
        .await
        .unwrap();
    assert_eq!(
        shop.kinds(None).await,
        [SubscriptionRenewed],
        "sent again, nothing is new"
    );
    played(&shop, "3000", 1, shop.now());
    shop.receipt(Store::AppStore, "bob", "3000").await.unwrap();
    assert_eq!(shop.kinds(Some("bob")).await, [SubscriptionStarted]);
    for garbage in ["", "not a receipt", "a.b.c"] {
        let refused = shop.receipt(Store::AppStore, "eve", garbage).await;
        assert!(
            matches!(refused, Err(IntakeError::Refused(_))),
            "{garbage}: {refused:?}"
        );
    }
    let unknown = shop.receipt(Store::AppStore, "eve", "999").await;
    assert!(
        matches!(unknown, Err(IntakeError::Store(Trouble::Unknown(_)))),
        "{unknown:?}"
    );
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribed_beats_the_sdk_and_the_receipt_names_the_owner_afterwards() {
    let shop = Shop::open().await;
    let all = played(&shop, "4000", 1, shop.now());
    shop.notify(&notification(
        &shop,
        "n1",
        &all[0],
        &renewal("4000", true),
        1,
    ))
    .await
    .unwrap();
    assert_eq!(shop.kinds(None).await, [SubscriptionStarted]);
    let before = shop.events().await[0].customer.clone();
    assert!(before.is_anonymous());
    shop.receipt(Store::AppStore, "ann", &signed(&shop, &all[0]))
        .await
        .unwrap();
    assert_eq!(shop.kinds(None).await, [SubscriptionStarted], "told once");
    assert!(shop.has_premium("ann").await);
    let record = shop
        .engine
        .ledger()
        .customer(shop.project, "ann")
        .await
        .unwrap()
        .unwrap();
    assert!(
        record.customer.answers_to(&before.app_user_id),
        "the nameless owner is an alias now"
    );
    shop.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_delivered_is_read_from_the_notification_history() {
    let shop = Shop::open().await;
    let all = played(&shop, "5000", 1, shop.now());
    let body = notification(&shop, "n1", &all[0], &renewal("5000", true), 1);
    shop.stores.apple.api.failed_to_deliver(shop.now(), body);
    for _ in 0..400 {
        shop.pass(2);
        if !shop.kinds(None).await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(shop.kinds(None).await, [SubscriptionStarted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_fails_loses_nothing() {
    for outage in [Outage::Down, Outage::Limited(5), Outage::Nonsense] {
        let shop = Shop::open().await;
        let start = after(shop.now(), -40);
        let all = played(&shop, "6000", 2, start);
        shop.stores.apple.set(outage);
        let body = notification(&shop, "n1", &all[1], &renewal("6000", true), 1);
        shop.notify(&body).await.unwrap();
        let refused = shop.receipt(Store::AppStore, "ann", "6000").await;
        assert!(matches!(refused, Err(IntakeError::Store(_))), "{refused:?}");
        let waiting = shop
            .engine
            .ledger()
            .parked(shop.project, None, None, 10)
            .await
            .unwrap();
        assert!(
            waiting
                .iter()
                .any(|parked| parked.message.title == "RECEIPT"
                    && parked.reason.contains("App Store")),
            "{waiting:?}"
        );
        shop.stores.apple.set(Outage::None);
        for _ in 0..400 {
            shop.pass(30);
            if shop.parked().await == 0 && shop.has_premium("ann").await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(
            shop.has_premium("ann").await,
            "{outage:?}: the receipt was processed in the end"
        );
        assert_eq!(shop.kinds(None).await, [SubscriptionRenewed]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_and_notification_at_once_from_sixteen_clients_give_one_event() {
    let shop = std::sync::Arc::new(Shop::open().await);
    let all = played(&shop, "7000", 1, shop.now());
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (shop, transaction) = (std::sync::Arc::clone(&shop), all[0].clone());
            tokio::spawn(async move {
                match number % 3 {
                    0 => shop
                        .receipt(Store::AppStore, "ann", &signed(&shop, &transaction))
                        .await
                        .unwrap(),
                    1 => shop.receipt(Store::AppStore, "ann", "7000").await.unwrap(),
                    _ => {
                        let body = notification(
                            &shop,
                            &format!("n{number}"),
                            &transaction,
                            &renewal("7000", true),
                            1,
                        );
                        shop.notify(&body).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    shop.settled().await;
    assert_eq!(shop.kinds(None).await, [SubscriptionStarted]);
    assert!(shop.has_premium("ann").await);
}
