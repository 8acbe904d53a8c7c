//! What a receiver of format `revenuecat` hears, through a whole engine. Source: RevenueCat docs, "Common Webhook Flows".

use crate::world::{Chain, DAY, World};
use engine::Grant;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::Subscription;

const RECEIVER: &str = "https://rc.example/";

/// A world that tells a receiver of this format.
async fn telling() -> World {
    let world = World::with_stores().await;
    world
        .save(json!({ "rc": { "destination": "webhook", "settings": {
            "format": "revenuecat", "sandbox_url": RECEIVER, "production_url": RECEIVER,
        } } }))
        .await;
    world.answer_with(|_, _| crate::world::answer(200, ""));
    world
}

/// What it heard, in order.
async fn heard(world: &World) -> Vec<Value> {
    world.settled().await;
    let sent = world.endpoints.sent.lock().unwrap();
    let to_it = sent.iter().filter(|sent| sent.url == RECEIVER);
    to_it.map(|sent| sent.body["event"].clone()).collect()
}

async fn types(world: &World) -> Vec<String> {
    let heard = heard(world).await.into_iter();
    heard
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

async fn push(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

fn subscription(token: &str) -> Subscription {
    Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: format!("user-{token}"),
        is_trial: false,
        linked: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_play_is_asked_for_begins_and_is_over() {
    let world = telling().await;
    let play = &world.stores.play.api;
    let ends = after(world.now(), 30);
    play.subscribe(&subscription("p"), world.now(), ends);
    push(&world, 4, "p").await;
    push(&world, 11, "p").await;
    world.pass(30 * DAY).await;
    play.change("p", |it| {
        it["subscriptionState"] = "SUBSCRIPTION_STATE_PAUSED".into();
        it["pausedStateContext"] = json!({ "autoResumeTime": "2036-06-01T00:00:00Z" });
    });
    push(&world, 10, "p").await;
    play.renew("p", after(ends, 5), after(ends, 35));
    push(&world, 1, "p").await;
    let told = [
        "INITIAL_PURCHASE",
        "SUBSCRIPTION_PAUSED",
        "EXPIRATION",
        "RENEWAL",
    ];
    assert_eq!(types(&world).await, told);
    let ended = &heard(&world).await[2];
    assert_eq!(ended["expiration_reason"], "SUBSCRIPTION_PAUSED");
    assert_eq!(ended["auto_resume_at_ms"], 2_095_891_200_000_i64);
    world.rederives().await;
}

/// No grace period: all three at the moment of the failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_fails_without_grace_ends_access_at_once() {
    let world = telling().await;
    let play = &world.stores.play.api;
    play.subscribe(&subscription("p"), world.now(), after(world.now(), 30));
    push(&world, 4, "p").await;
    world.pass(30 * DAY).await;
    play.set_state("p", "ON_HOLD", None);
    push(&world, 5, "p").await;
    let told = [
        "INITIAL_PURCHASE",
        "BILLING_ISSUE",
        "CANCELLATION",
        "EXPIRATION",
    ];
    assert_eq!(types(&world).await, told);
    let ended = &heard(&world).await[3];
    assert_eq!(ended["expiration_reason"], "BILLING_ERROR");
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_begins_and_ends_and_another_is_taken_back() {
    let world = telling().await;
    let grant = |ends_at| Grant {
        entitlement: "premium".into(),
        ends_at,
        duration: "custom".into(),
        is_counted: false,
        asked_as: None,
    };
    let customers = world.engine.customers();
    let give = async |ends_at| {
        let given = grant(ends_at);
        customers.grant(world.project, "ann", &given).await.unwrap();
    };
    give(Some(after(world.now(), 3))).await;
    world.pass(3 * DAY + 1).await;
    world.catch_up().await;
    assert_eq!(types(&world).await, ["NON_RENEWING_PURCHASE", "EXPIRATION"]);
    give(None).await;
    world.pass(1).await;
    customers
        .revoke_grants(world.project, "ann", "premium")
        .await
        .unwrap();
    let told = [
        "NON_RENEWING_PURCHASE",
        "EXPIRATION",
        "NON_RENEWING_PURCHASE",
        "CANCELLATION",
        "EXPIRATION",
    ];
    assert_eq!(types(&world).await, told);
    for event in heard(&world).await {
        assert_eq!(event["store"], "PROMOTIONAL");
        assert_eq!(event["period_type"], "PROMOTIONAL");
        assert_eq!(event["entitlement_ids"], json!(["premium"]), "{event:#}");
        assert_eq!(event.get("app_id"), None);
    }
    world.rederives().await;
}

/// Apple, at once: the change tells what is given up, the renewal what begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_product_tells_the_old_period() {
    let world = telling().await;
    let mut chain = Chain::purchase(1000, "monthly", Some("ann"), world.now());
    let bought = chain.notify("SUBSCRIBED", world.now());
    world.tell(&bought).await.unwrap();
    let old = chain.transaction.clone();
    world.pass(10 * DAY).await;
    let now = world.now().as_millisecond();
    for (member, value) in [
        ("transactionId", json!("1001")),
        ("productId", json!("yearly")),
        ("purchaseDate", json!(now)),
        ("expiresDate", json!(now + 365 * DAY * 1000)),
    ] {
        chain.transaction[member] = value;
    }
    chain.renewal["productId"] = "yearly".into();
    chain.renewal["autoRenewProductId"] = "yearly".into();
    let changed = chain.notify("DID_CHANGE_RENEWAL_PREF", world.now());
    world.tell(&changed).await.unwrap();
    let told = ["INITIAL_PURCHASE", "PRODUCT_CHANGE", "RENEWAL"];
    assert_eq!(types(&world).await, told);
    let heard = heard(&world).await;
    let change = &heard[1];
    assert_eq!(
        (&change["product_id"], &change["new_product_id"]),
        (&json!("monthly"), &json!("yearly"))
    );
    assert_eq!(change["transaction_id"], heard[0]["transaction_id"]);
    assert_eq!(change["purchased_at_ms"], old["purchaseDate"]);
    assert_eq!(change["expiration_at_ms"], old["expiresDate"]);
    assert_ne!(heard[2]["transaction_id"], heard[0]["transaction_id"]);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepaid_plan_is_bought_order_by_order() {
    let world = telling().await;
    let play = &world.stores.play.api;
    let prepaid = |token: &str| {
        play.change(token, |it| {
            if let Some(line) = it["lineItems"][0].as_object_mut() {
                line.remove("autoRenewingPlan");
                line.insert("prepaidPlan".into(), json!({}));
            }
        });
    };
    play.subscribe(&subscription("p1"), world.now(), after(world.now(), 30));
    prepaid("p1");
    push(&world, 4, "p1").await;
    let topped_up = Subscription {
        linked: Some("p1".into()),
        account: "user-p1".into(),
        ..subscription("p2")
    };
    play.subscribe(&topped_up, world.now(), after(world.now(), 60));
    prepaid("p2");
    push(&world, 4, "p2").await;
    let told = ["INITIAL_PURCHASE", "EXPIRATION", "INITIAL_PURCHASE"];
    assert_eq!(types(&world).await, told);
    let heard = heard(&world).await;
    for event in &heard {
        assert_eq!(event["period_type"], "PREPAID");
    }
    assert_eq!(heard[1]["transaction_id"], heard[0]["transaction_id"]);
    assert_ne!(heard[2]["transaction_id"], heard[0]["transaction_id"]);
}
