//! Purchases that are stated.

use crate::server;
use insta::assert_snapshot;
use serde_json::{Value, json};

const PURCHASES: &str = "/api/v1/projects/acme/purchases";

/// The example of docs/stores.md, at the time of the server.
fn example() -> Value {
    json!({
        "app_user_id": "ann", "kind": "subscription", "product_id": "gold", "transaction_id": "order-2", "original_transaction_id": "order-1",
        "updated_at": "2026-01-01T10:00:00Z", "purchased_at": "2026-01-01T10:00:00Z", "expires_at": "2026-02-01T10:00:00Z",
        "price": { "amount": "9.99", "currency": "EUR" },
    })
}

#[tokio::test]
async fn are_taken_in_once() {
    let server = server().await;
    let mut told = server.transcript();
    told.post(PURCHASES, example()).await;
    told.post(PURCHASES, example()).await;
    let mut cancelled = example();
    cancelled["app"] = json!("shop");
    cancelled["updated_at"] = json!("2026-01-01T11:00:00Z");
    cancelled["will_renew"] = json!(false);
    told.post(PURCHASES, cancelled).await;
    assert_snapshot!(told);
    let events = server.get("/api/v1/projects/acme/events").await.json();
    let kinds: Vec<_> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[0], "access_level_updated", "{kinds:?}");
    assert!(
        kinds.contains(&"subscription_renewal_cancelled"),
        "{kinds:?}"
    );
}

/// A sale of less than nothing would count against what was earned.
#[tokio::test]
async fn cost_nothing_or_more() {
    let server = server().await;
    for (amount, is_taken) in [("0", true), ("-0.01", false), ("-9223372036854", false)] {
        let mut body = example();
        body["price"] = json!({ "amount": amount, "currency": "EUR" });
        let answer = server.post(PURCHASES, body).await;
        assert_eq!(answer.status.is_success(), is_taken, "{answer}");
        if !is_taken {
            let wrong = &answer.json()["errors"][0];
            assert_eq!(wrong["field"], "price.amount", "{answer}");
        }
    }
}

#[tokio::test]
async fn are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    let with = |name: &str, value: Value| {
        let mut body = example();
        body[name] = value;
        body
    };
    for body in [
        json!([]),
        json!({}),
        with("app", json!("nothing")),
        with("app", json!("ios")),
        with("expires_at", Value::Null),
        with("expires_at", json!("2025-01-01T00:00:00Z")),
        with("updated_at", json!("2026-01-01T12:06:00Z")),
        with("purchased_at", json!("2099-01-01T00:00:00Z")),
        with("price", json!({ "amount": "ten", "currency": "EUR" })),
        with("price", json!({ "amount": "1", "currency": "EURO" })),
        with("app_user_id", json!(" ")),
        with("kind", json!("gift")),
        with("colour", json!("red")),
    ] {
        told.post(PURCHASES, body).await;
    }
    assert_snapshot!(told);
}
