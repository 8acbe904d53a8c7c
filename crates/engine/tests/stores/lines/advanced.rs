//! Items of Apple's Advanced Commerce API.

use super::{MINUTE, charges, revenue, told};
use crate::{
    stores::apple::{after, notification, renewal, transaction},
    world::{DAY, World},
};
use domain::{CancellationReason, EventKind::*};
use serde_json::{Value, json};

/// Apple's product is generic; the items say what was bought, each with its own price and refunds.
#[tokio::test(flavor = "multi_thread")]
async fn items_of_advanced_commerce_are_lines_with_their_skus_as_products() {
    let world = World::with_stores().await;
    let start = world.now();
    let bought = |items: Value| {
        let mut bought = transaction(&world, "9001", 0, start);
        bought["productId"] = "com.example.generic".into();
        bought["price"] = 14_980.into();
        bought["appAccountToken"] = "ann".into();
        bought["advancedCommerceInfo"] = json!({ "items": items, "estimatedTax": 1_498, "taxCode": "C003-00-1", "requestReferenceId": "r" });
        bought
    };
    let gold =
        json!({ "SKU": "gold", "displayName": "Gold", "description": "Gold", "price": 9_990 });
    let hd = json!({ "SKU": "hd", "displayName": "HD", "description": "HD", "price": 4_990 });
    let mut renews = renewal("9001", true);
    renews["productId"] = "com.example.generic".into();
    renews["autoRenewProductId"] = "com.example.generic".into();
    renews["advancedCommerceInfo"] = json!({ "items": [hd, gold] });
    let first = bought(json!([hd, gold]));
    world
        .tell(&notification(&world, "n1", &first, &renews, 1))
        .await
        .unwrap();
    world.settled().await;
    let events = told(&world).await;
    assert_eq!(
        charges(&events),
        [
            (SubscriptionStarted, "gold", 999),
            (SubscriptionStarted, "hd", 499)
        ]
    );
    let taxes: Vec<_> = events
        .iter()
        .map(|event| event.transaction.as_ref().unwrap().tax.unwrap().micros)
        .collect();
    assert_eq!(taxes, [999_000, 499_000]);
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
    // One item is given back: it ends, the other goes on.
    world.pass(MINUTE).await;
    let mut back = hd.clone();
    back["revocationDate"] = world.now().as_millisecond().into();
    back["refunds"] = json!([{ "refundAmount": 4_990, "refundDate": world.now().as_millisecond(), "refundReason": "OTHER", "refundType": "FULL" }]);
    let refunded = bought(json!([back, gold]));
    world
        .tell(&notification(&world, "n2", &refunded, &renews, 1))
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(
        charges(&told(&world).await)[2..],
        [(SubscriptionRefunded, "hd", 499)]
    );
    assert!(world.has_premium("ann").await && !world.has("ann", "hd").await);
    assert_eq!(revenue(&world, "ann").await, 9_990_000);
    world.rederives().await;
}

/// Apple, "Advanced Commerce API", *Change Subscription*: an item is changed into another at once, which is charged for, or at the next
/// renewal. What a change of product tells is said by docs/lifecycle.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_takes_the_place_of_another_is_a_change_of_product() {
    let world = World::with_stores().await;
    let start = world.now();
    let items = |names: &[&str]| -> Value {
        let item = |name: &&str| json!({ "SKU": name, "displayName": name, "description": name, "price": 9_990 });
        names.iter().map(item).collect()
    };
    let charge = |id: &str, reason: &str, day: i64, names: &[&str]| {
        let mut charge = transaction(&world, "9001", 0, start);
        let begins = after(start, day);
        charge["transactionId"] = id.into();
        charge["purchaseDate"] = begins.as_millisecond().into();
        charge["expiresDate"] = after(begins, 30).as_millisecond().into();
        charge["transactionReason"] = reason.into();
        charge["productId"] = "com.example.generic".into();
        charge["price"] = (9_990 * names.len()).into();
        charge["appAccountToken"] = "ann".into();
        charge["advancedCommerceInfo"] =
            json!({ "items": items(names), "taxCode": "C003-00-1", "requestReferenceId": "r" });
        charge
    };
    let renews = |names: &[&str]| {
        let mut renews = renewal("9001", true);
        renews["productId"] = "com.example.generic".into();
        renews["autoRenewProductId"] = "com.example.generic".into();
        renews["advancedCommerceInfo"] = json!({ "items": items(names) });
        renews
    };
    let tell = async |id: &str, charge: &Value, renews: &Value| {
        let body = notification(&world, id, charge, renews, 1);
        world.tell(&body).await.unwrap();
        world.settled().await;
    };
    let first = charge("9001", "PURCHASE", 0, &["gold", "hd"]);
    tell("n1", &first, &renews(&["gold", "hd"])).await;
    // At once.
    world.pass(10 * DAY).await;
    let upgraded = charge("9002", "PURCHASE", 10, &["shop_gold", "hd"]);
    tell("n2", &upgraded, &renews(&["shop_gold", "hd"])).await;
    // At the renewal, which is charged some hours ahead.
    world.pass(10 * DAY).await;
    tell("n3", &upgraded, &renews(&["silver", "hd"])).await;
    world.pass(MINUTE).await;
    tell("n4", &upgraded, &renews(&["shop_gold", "hd"])).await;
    world.pass(MINUTE).await;
    tell("n5", &upgraded, &renews(&["silver", "hd"])).await;
    world.pass(20 * DAY - 6 * 3600).await;
    let renewed = charge("9003", "RENEWAL", 40, &["silver", "hd"]);
    tell("n6", &renewed, &renews(&["silver", "hd"])).await;
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
    world.pass(7 * 3600).await;
    world.settled().await;
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
    let events = told(&world).await;
    let of_items: Vec<_> = events
        .iter()
        .filter(|event| event.product.as_deref() != Some("hd"))
        .map(|event| {
            let product = event.product.as_deref().unwrap();
            (
                event.kind,
                product,
                event.cancellation_reason,
                event.scheduled,
            )
        })
        .collect();
    let upgrade = Some(CancellationReason::Upgraded);
    let replaced = Some(CancellationReason::NewSubscriptionReplace);
    assert_eq!(
        of_items,
        [
            (SubscriptionStarted, "gold", None, false),
            (ProductChanged, "shop_gold", None, false),
            (SubscriptionRefunded, "gold", upgrade, false),
            (SubscriptionStarted, "shop_gold", None, false),
            (ProductChanged, "silver", None, true),
            (ProductChanged, "shop_gold", None, false),
            (ProductChanged, "silver", None, true),
            (SubscriptionExpired, "shop_gold", replaced, false),
            (SubscriptionStarted, "silver", None, false),
        ]
    );
    world.rederives().await;
}
