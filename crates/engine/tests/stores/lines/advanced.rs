//! Items of Apple's Advanced Commerce API.

use super::{MINUTE, charges, revenue, told};
use crate::{
    stores::apple::{notification, renewal, transaction},
    world::World,
};
use domain::EventKind::*;
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
