//! Messages that lead to no event say in words what they were and why: none ends without a line.
//!
//! Sources: Apple, App Store Server Notifications, `notificationType`, `subtype` and `summary`; Google, "Real-time developer
//! notifications reference guide", `testNotification`; Stripe, "Types of events".

use super::{
    apple::{renewal, signed, transaction},
    stripe,
};
use crate::world::World;
use domain::EventKind::SubscriptionStarted;
use engine::{Accepted, Became, Fate};
use serde_json::{Value, json};

/// What became of a message that was just taken in.
async fn became(world: &World, accepted: Accepted) -> Became {
    let (Accepted::Processed { id, .. } | Accepted::Pending { id } | Accepted::Parked { id }) =
        accepted
    else {
        panic!("{accepted:?}")
    };
    let record = world.engine.ledger().inbox(id).await.unwrap().unwrap();
    let intake = world.engine.intake();
    let parked = record.parked.as_deref();
    intake.became(&record.message, parked).await.unwrap()
}

/// What becomes of a notification of the App Store.
async fn apple(world: &World, id: &str, kind: &str, subtype: &str, more: &Value) -> Became {
    let mut payload = json!({ "notificationType": kind, "notificationUUID": id, "version": "2.0" });
    if !subtype.is_empty() {
        payload["subtype"] = subtype.into();
    }
    for (name, value) in more.as_object().unwrap() {
        payload[name] = value.clone();
    }
    let body = json!({ "signedPayload": signed(world, &payload) }).to_string();
    let accepted = world.tell(&body).await.unwrap();
    became(world, accepted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_app_store_says_beside_purchases_is_put_into_words() {
    let world = World::new().await;
    let app = json!({ "environment": "LocalTesting", "bundleId": "com.example" });
    let about = |more: &Value| {
        let mut app = app.clone();
        for (name, value) in more.as_object().unwrap() {
            app[name] = value.clone();
        }
        app
    };
    let test = apple(&world, "n1", "TEST", "", &json!({ "data": app })).await;
    assert_eq!(test.code, Fate::NoPurchase);
    assert!(test.words.starts_with("A test that"), "{}", test.words);
    let summary = about(&json!({
        "requestIdentifier": "758883e8", "productId": "com.example.monthly", "storefrontCountryCodes": ["CAN", "USA"],
        "succeededCount": 5, "failedCount": 2,
    }));
    let summary = json!({ "summary": summary });
    let told = apple(&world, "n2", "RENEWAL_EXTENSION", "SUMMARY", &summary).await;
    assert_eq!(told.code, Fate::NoPurchase);
    for said in [
        "com.example.monthly in CAN, USA",
        "5 succeeded",
        "2 failed",
        "758883e8",
    ] {
        assert!(told.words.contains(said), "{said}: {}", told.words);
    }
    let bought = transaction(&world, "1000", 0, world.now());
    let data = about(&json!({
        "signedTransactionInfo": signed(&world, &bought), "signedRenewalInfo": signed(&world, &renewal("1000", true)), "status": 1,
    }));
    let data = json!({ "data": data });
    let begun = apple(&world, "n3", "SUBSCRIBED", "INITIAL_BUY", &data).await;
    assert_eq!(begun.code, Fate::Told);
    assert_eq!(begun.events[0].1, SubscriptionStarted);
    let failed = apple(&world, "n4", "RENEWAL_EXTENSION", "FAILURE", &data).await;
    assert_eq!(failed.code, Fate::NothingNew);
    assert!(
        failed.words.contains("could not extend"),
        "{}",
        failed.words
    );
    // A type that came later: of a purchase, and of none.
    let later = apple(&world, "n5", "BIRTHDAY", "", &data).await;
    assert_eq!(later.code, Fate::NothingNew);
    let alone = apple(&world, "n6", "BIRTHDAY", "", &json!({ "data": app })).await;
    assert_eq!(alone.code, Fate::NoPurchase);
    for became in [later, alone] {
        assert!(became.words.contains("BIRTHDAY"), "{}", became.words);
    }
    let again = apple(&world, "n7", "DID_RENEW", "", &data).await;
    assert_eq!(again.code, Fate::NothingNew);
    assert!(again.words.contains("known already"), "{}", again.words);
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_play_says_beside_purchases_is_put_into_words() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let push = async |what: &Value| {
        let accepted = world.push(&play.push(what, world.now())).await.unwrap();
        became(&world, accepted).await
    };
    let test = push(&json!({ "testNotification": { "version": "1.0" } })).await;
    assert_eq!(test.code, Fate::NoPurchase);
    assert!(test.words.contains("Play Console"), "{}", test.words);
    let weather = push(&json!({ "weatherNotification": { "version": "1.0" } })).await;
    assert_eq!(weather.code, Fate::Waits);
    assert!(
        weather.words.contains("`weatherNotification`"),
        "{}",
        weather.words
    );
    // One that names a purchase is acted on, whatever it is called.
    play.buy("o", "coins", "ann", world.now());
    let gift = json!({ "giftNotification": { "version": "1.0", "purchaseToken": "o" } });
    world.push(&play.push(&gift, world.now())).await.unwrap();
    world.catch_up().await;
    assert_eq!(
        world.kinds_of("ann").await,
        [domain::EventKind::NonSubscriptionPurchase]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_says_beside_purchases_is_put_into_words() {
    let world = World::with_stores().await;
    let hook = async |kind: &str, object: &Value| {
        let accepted = world.hook(kind, object).await.unwrap();
        became(&world, accepted).await
    };
    let other = hook("customer.created", &json!({ "id": "cus_1" })).await;
    assert_eq!(other.code, Fate::NoPurchase);
    assert!(other.words.contains("of this type"), "{}", other.words);
    let draft = json!({ "id": "in_1", "status": "draft" });
    let draft = hook("invoice.created", &draft).await;
    assert_eq!(draft.code, Fate::NoPurchase);
    assert!(draft.words.contains("no subscription"), "{}", draft.words);
    // What was asked is said of the message, and what came of it of the answer.
    stripe::begin(&world, "sub_a", false).await;
    let messages = world
        .engine
        .ledger()
        .processed(world.project, None, 10)
        .await;
    let mut told = Vec::new();
    for archived in messages.unwrap() {
        let became = world.engine.intake().became(&archived.message, None).await;
        let became = became.unwrap();
        told.push((archived.message.title, became.code, became.events.len()));
    }
    let line = |title: &str, code, events| (title.to_owned(), code, events);
    assert_eq!(
        told,
        [
            line("customer.subscription.created", Fate::Asked, 0),
            // The beginning, and access.
            line("ANSWER / subscription", Fate::Told, 2),
            line("invoice.created", Fate::NoPurchase, 0),
            line("customer.created", Fate::NoPurchase, 0),
        ]
    );
}
