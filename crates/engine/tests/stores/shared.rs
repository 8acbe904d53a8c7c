//! Family members, and what is bought once for a time.
//!
//! Sources: Apple, JWSTransactionDecodedPayload, `inAppOwnershipType`, and App Store Server Notifications, `REVOKE`; RevenueCat
//! docs, "Event Types and Fields", `is_family_share`; Apple, "In-App Purchase types": the App Store ends no non-renewing
//! subscription.

use super::apple::{after, notification, renewal, transaction};
use crate::world::{DAY, World, webhook};
use domain::EventKind::*;
use jiff::SignedDuration;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_family_member_is_a_customer_of_revenuecats_format_and_has_access_alone_elsewhere() {
    let world = World::new().await;
    let mut rc = webhook("https://rc.example/");
    rc["settings"]["format"] = "revenuecat".into();
    world.save(json!({ "rc": rc })).await;
    let mut shared = transaction(&world, "1000", 0, world.now());
    shared["appAccountToken"] = "kid".into();
    shared["inAppOwnershipType"] = "FAMILY_SHARED".into();
    shared["price"] = 0.into();
    let tell = async |id: &str, shared: &Value, on: bool, status: u8| {
        world.jump(world.now() + SignedDuration::from_secs(60));
        let body = notification(&world, id, shared, &renewal("1000", on), status);
        world.tell(&body).await.unwrap();
        world.settled().await;
    };
    tell("n1", &shared, true, 1).await;
    assert!(world.has_premium("kid").await);
    tell("n2", &shared, false, 1).await;
    shared["revocationDate"] = world.now().as_millisecond().into();
    shared["revocationType"] = "FAMILY_REVOKE".into();
    tell("n3", &shared, false, 5).await;
    assert!(!world.has_premium("kid").await);
    assert_eq!(world.kinds_of("kid").await, [], "access alone");
    let sent = world.endpoints.sent.lock().unwrap();
    let of_rc = sent
        .iter()
        .filter(|sent| sent.url.starts_with("https://rc.example/"));
    let told: Vec<_> = of_rc
        .map(|sent| {
            let event = &sent.body["event"];
            assert_eq!(event["app_user_id"], "kid");
            assert_eq!(event["is_family_share"], true);
            assert_eq!(event["price"], 0);
            (
                event["type"].as_str().unwrap().to_owned(),
                event["product_id"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let product = "com.example.monthly".to_owned();
    let expected = ["INITIAL_PURCHASE", "CANCELLATION", "EXPIRATION"];
    assert_eq!(
        told,
        expected.map(|name| (name.to_owned(), product.clone()))
    );
}

/// RevenueCat docs, "Event Types and Fields", `is_family_share`: whoever has access besides is let in by the family all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_family_member_who_has_access_besides_is_a_customer_of_revenuecats_format() {
    let world = World::new().await;
    let mut rc = webhook("https://rc.example/");
    rc["settings"]["format"] = "revenuecat".into();
    let adapty = webhook("https://adapty.example/");
    world.save(json!({ "rc": rc, "adapty": adapty })).await;
    let of_kid = |chain: &str, number: i64| {
        let mut of_kid = transaction(&world, chain, 0, world.now());
        of_kid["appAccountToken"] = "kid".into();
        of_kid["expiresDate"] = after(world.now(), 30 * number).as_millisecond().into();
        of_kid
    };
    let tell = async |id: &str, told: &Value, on: bool, status: u8| {
        world.jump(world.now() + SignedDuration::from_secs(60));
        let chain = told["originalTransactionId"].as_str().unwrap();
        let body = notification(&world, id, told, &renewal(chain, on), status);
        world.tell(&body).await.unwrap();
        world.settled().await;
    };
    // One of their own, that lasts longer, and one of a product that unlocks nothing.
    tell("n1", &of_kid("1000", 12), true, 1).await;
    for (chain, product) in [("2000", "com.example.monthly"), ("3000", "nothing")] {
        let mut shared = of_kid(chain, 1);
        shared["inAppOwnershipType"] = "FAMILY_SHARED".into();
        shared["productId"] = product.into();
        shared["price"] = 0.into();
        let id = |number: u8| format!("{chain}-{number}");
        tell(&id(1), &shared, true, 1).await;
        tell(&id(2), &shared, false, 1).await;
        shared["revocationDate"] = world.now().as_millisecond().into();
        tell(&id(3), &shared, false, 5).await;
        tell(&id(4), &shared, false, 5).await;
    }
    assert_eq!(world.kinds_of("kid").await, [SubscriptionStarted]);
    assert!(world.has_premium("kid").await);
    let told: Vec<_> = {
        let sent = world.endpoints.sent.lock().unwrap();
        let shared = sent
            .iter()
            .filter(|sent| sent.body["event"]["is_family_share"] == true);
        let told = shared.map(|sent| {
            let event = &sent.body["event"];
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("type"), text("original_transaction_id"))
        });
        told.collect()
    };
    let expected = ["INITIAL_PURCHASE", "CANCELLATION", "EXPIRATION"];
    let expected: Vec<_> = ["2000", "3000"]
        .into_iter()
        .flat_map(|chain| expected.map(|name| (name.to_owned(), chain.to_owned())))
        .collect();
    assert_eq!(told, expected);
    // Adapty docs, "Webhook event types and fields": there `access_level_updated` is about a level, and no purchase is anybody's whom it was
    // shared with.
    {
        let sent = world.endpoints.sent.lock().unwrap();
        let of_adapty = sent
            .iter()
            .filter(|sent| sent.url.starts_with("https://adapty.example/"))
            .filter(|sent| sent.body["event_properties"]["vendor_product_id"] == "nothing");
        assert_eq!(of_adapty.count(), 0);
    }
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_bought_once_for_a_time_ends_when_its_product_says() {
    let world = World::new().await;
    let mut pass = transaction(&world, "1000", 0, world.now());
    pass["appAccountToken"] = "ann".into();
    pass["productId"] = "pass".into();
    pass["type"] = "Non-Renewing Subscription".into();
    pass.as_object_mut().unwrap().remove("expiresDate");
    let body = |id: &str| {
        notification(
            &world,
            id,
            &pass,
            &json!({ "originalTransactionId": "1000", "environment": "LocalTesting" }),
            1,
        )
    };
    world.tell(&body("n1")).await.unwrap();
    world.settled().await;
    assert!(world.has_premium("ann").await);
    world.pass(29 * DAY).await;
    assert!(world.has_premium("ann").await);
    world.pass(2 * DAY).await;
    world.settled().await;
    assert!(!world.has_premium("ann").await);
    assert_eq!(world.kinds_of("ann").await, [NonSubscriptionPurchase]);
    let events = world.events().await;
    let levels: Vec<_> = events
        .iter()
        .filter_map(|event| event.level.as_ref())
        .map(|level| (level.is_active, level.expires_at))
        .collect();
    let end = Some(after(
        pass["purchaseDate"]
            .as_i64()
            .map(|millis| jiff::Timestamp::from_millisecond(millis).unwrap())
            .unwrap(),
        30,
    ));
    assert_eq!(levels, [(true, end), (false, end)]);
    // Told again, it is as it was.
    world.tell(&body("n2")).await.unwrap();
    world.settled().await;
    assert!(!world.has_premium("ann").await);
    world.rederives().await;
}

/// docs/lifecycle.md: a duration that is set later counts for what is known once that is heard of again.
#[tokio::test(flavor = "multi_thread")]
async fn a_duration_set_later_ends_what_is_known_when_that_is_heard_of_again() {
    let world = World::new().await;
    let bought = world.now();
    let mut pass = transaction(&world, "1000", 0, bought);
    pass["appAccountToken"] = "ann".into();
    pass["productId"] = "yearly".into();
    pass["type"] = "Non-Renewing Subscription".into();
    pass.as_object_mut().unwrap().remove("expiresDate");
    let renewal = json!({ "originalTransactionId": "1000", "environment": "LocalTesting" });
    let tell = async |id: &str| {
        let body = notification(&world, id, &pass, &renewal, 1);
        world.tell(&body).await.unwrap();
        world.settled().await;
    };
    tell("n1").await;
    world.pass(40 * DAY).await;
    let product = json!({ "entitlements": ["premium"], "duration": "P30D" });
    world
        .set_up(json!({ "products": { "yearly": product } }))
        .await;
    world.pass(2 * DAY).await;
    world.settled().await;
    assert!(
        world.has_premium("ann").await,
        "a word takes nothing by itself"
    );
    tell("n2").await;
    assert!(!world.has_premium("ann").await);
    assert_eq!(world.kinds_of("ann").await, [NonSubscriptionPurchase]);
    let events = world.events().await;
    let levels = events.iter().filter_map(|event| event.level.as_ref());
    let levels: Vec<_> = levels
        .map(|level| (level.is_active, level.expires_at))
        .collect();
    assert_eq!(levels, [(true, None), (false, Some(after(bought, 30)))]);
}
