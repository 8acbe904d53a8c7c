//! What native SDKs make of the answers, by their own decoders.

use super::decoders::{
    android,
    ios::{self, decoded},
};
use crate::server;
use serde_json::{Value, json};
use web::test::{Answer, TestServer, Who};

/// A customer as both decode it.
fn customer(answer: &Answer) -> (ios::CustomerInfo, android::CustomerInfo) {
    assert!(answer.status.is_success(), "{answer}");
    let body = answer.json();
    (decoded(&body), android::customer_info(&body))
}

/// An error as both decode it.
fn failure(answer: &Answer) -> i64 {
    assert!(answer.status.is_client_error(), "{answer}");
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let ios: ios::Failure = decoded(&body);
    assert_eq!((ios.code, ios.message), {
        let (code, message) = android::failure(&body);
        (code, Some(message))
    });
    ios.code
}

/// States a purchase of `eve` with these members beside the usual.
async fn states(server: &TestServer, beside: Value) {
    let now = server.now();
    let mut statement = json!({
        "app": "shop", "app_user_id": "eve", "kind": "subscription", "product_id": "gold", "transaction_id": "e1",
        "original_transaction_id": "e1", "updated_at": now, "purchased_at": now, "price": { "amount": "9.99", "currency": "EUR" },
    });
    let members = statement.as_object_mut().unwrap();
    members.extend(beside.as_object().unwrap().clone());
    server.states(statement).await;
}

const MONTH: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

#[tokio::test]
async fn decode_a_customer_whatever_was_bought() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let (new, on_android) = customer(&client.get("/v1/subscribers/eve").await);
    assert!(new.subscriber.subscriptions.is_empty() && on_android.entitlements.is_empty());
    let ends = server.now().checked_add(MONTH).unwrap();
    states(
        &server,
        json!({ "product_id": "gold:p1m", "expires_at": ends, "will_renew": true }),
    )
    .await;
    states(
        &server,
        json!({ "kind": "one_time_purchase", "product_id": "silver", "transaction_id": "e2", "original_transaction_id": "e2" }),
    )
    .await;
    let answer = client.get("/v1/subscribers/eve").await;
    let (info, on_android) = customer(&answer);
    let premium = &on_android.entitlements["premium"];
    assert!(premium.is_active && premium.will_renew, "{premium:?}");
    assert_eq!(premium.plan.as_deref(), Some("p1m"));
    assert_eq!(info.subscriber.non_subscriptions["silver"].len(), 1);
    let secret = server.by(Who::BoundWriteKey);
    let written = json!({ "attributes": { "color": { "value": "red", "updated_at_ms": 1000 } } });
    let path = "/v1/subscribers/eve/attributes";
    customer(&secret.send("POST", path, Some(written)).await);
    let path = "/v1/subscribers/eve/entitlements/premium/promotional";
    let body = json!({ "duration": "lifetime" });
    customer(&secret.send("POST", path, Some(body)).await);
    let (info, _) = customer(&secret.get("/v1/subscribers/eve").await);
    assert!(
        info.subscriber
            .subscriber_attributes
            .unwrap()
            .contains_key("color")
    );
}

/// Android reads the word `null` where a text is null: a product would be called `gold:null`.
#[tokio::test]
async fn read_no_plan_where_there_is_none() {
    let server = server().await;
    server.buys("eve").await;
    let answer = server.by(Who::PublicKey).get("/v1/subscribers/eve").await;
    let (_, on_android) = customer(&answer);
    let products: Vec<_> = on_android.expirations.keys().collect();
    assert_eq!(products, ["gold"]);
    assert_eq!(on_android.entitlements["premium"].plan, None);
}

#[tokio::test]
async fn decode_every_way_a_customer_is_named() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let anonymous = "$RCAnonymousID:0123456789abcdef0123456789abcdef";
    customer(&client.get(&format!("/v1/subscribers/{anonymous}")).await);
    let names = json!({ "app_user_id": anonymous, "new_app_user_id": "eve" });
    let path = "/v1/subscribers/identify";
    let (info, on_android) = customer(&client.send("POST", path, Some(names)).await);
    // The first name there ever was, in webhooks likewise.
    assert_eq!(info.subscriber.original_app_user_id, anonymous);
    assert_eq!(on_android.original_app_user_id, anonymous);
    let other = json!({ "new_app_user_id": "eva" });
    let path = "/v1/subscribers/eve/alias";
    customer(&client.send("POST", path, Some(other)).await);
}

#[tokio::test]
async fn decode_what_went_wrong() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let odd = json!({ "attributes": { "$1": { "value": "x" } } });
    for (method, path, body, code) in [
        ("POST", "/v1/receipts", Some(json!({})), 7226),
        (
            "POST",
            "/v1/receipts",
            Some(json!({ "app_user_id": "" })),
            7220,
        ),
        ("POST", "/v1/subscribers/eve/attributes", Some(odd), 7263),
        ("POST", "/v1/subscribers/eve/attributes", None, 7264),
        ("DELETE", "/v1/subscribers/eve", None, 7225),
        ("GET", "/v1/subscribers/null", None, 7226),
    ] {
        let answer = client.send(method, path, body).await;
        assert_eq!(failure(&answer), code, "{method} {path}: {answer}");
    }
    let answer = server.by(Who::WrongKey).get("/v1/subscribers/eve").await;
    assert_eq!(failure(&answer), 7225);
}

/// The charge that failed is not paid because the store gave up, and nobody unsubscribed.
#[tokio::test]
async fn know_an_involuntary_end_from_an_unsubscription() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let (bought, due) = (server.now(), server.now().checked_add(MONTH).unwrap());
    let of = async || {
        let (info, on_android) = customer(&client.get("/v1/subscribers/eve").await);
        let gold = &info.subscriber.subscriptions["gold"];
        (
            gold.billing_issues_detected_at.map(|at| at.0),
            gold.unsubscribe_detected_at.map(|at| at.0),
            on_android.entitlements["premium"].will_renew,
        )
    };
    let period = json!({ "purchased_at": bought, "expires_at": due });
    let with = |beside: Value| {
        let mut all = period.clone();
        let members = all.as_object_mut().unwrap();
        members.extend(beside.as_object().unwrap().clone());
        all
    };
    states(&server, with(json!({ "will_renew": true }))).await;
    assert_eq!(of().await, (None, None, true));
    server.pass(MONTH).await;
    server.pass(jiff::SignedDuration::from_hours(1)).await;
    let fails = json!({ "billing_issue_detected_at": due, "will_renew": true });
    states(&server, with(fails)).await;
    assert_eq!(of().await, (Some(due), None, false));
    server.pass(MONTH).await;
    let ended = json!({ "at": server.now(), "reason": "billing_error" });
    states(
        &server,
        with(json!({ "ended": ended, "will_renew": false })),
    )
    .await;
    assert_eq!(of().await, (Some(due), None, false));
}

/// Who unsubscribes has no issue.
#[tokio::test]
async fn know_an_unsubscription_too() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let (bought, due) = (server.now(), server.now().checked_add(MONTH).unwrap());
    let said = json!({ "expires_at": due, "will_renew": false, "renewal_cancelled_at": bought });
    states(&server, said).await;
    let (info, _) = customer(&client.get("/v1/subscribers/eve").await);
    let gold = &info.subscriber.subscriptions["gold"];
    assert_eq!(gold.unsubscribe_detected_at.map(|at| at.0), Some(bought));
    assert_eq!(gold.billing_issues_detected_at, None);
}

/// The name of a platform is the same in whatever letters.
#[tokio::test]
async fn are_shown_where_their_own_store_manages_what_was_bought() {
    let server = server().await;
    for platform in ["iOS", "macOS", "visionOS", "tvOS", "watchOS", "android"] {
        let client = server.by(Who::PublicKey).with("x-platform", platform);
        customer(&client.get("/v1/subscribers/eve").await);
    }
}
