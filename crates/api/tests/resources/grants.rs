//! Access given by hand.

use crate::server;
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::json;
use web::test::{Client, Who};

const GRANTS: &str = "/api/v1/projects/acme/customers/eve/grants";

#[tokio::test]
async fn are_given_and_taken_back() {
    let server = server().await;
    let mut told = server.transcript();
    told.post(
        GRANTS,
        json!({ "entitlement": "premium", "ends_at": "2026-02-01T00:00:00Z" }),
    )
    .await;
    told.get("/api/v1/projects/acme/customers/eve").await;
    told.delete(&format!("{GRANTS}/premium")).await;
    told.delete(&format!("{GRANTS}/premium")).await;
    assert_snapshot!(told);
    let eve = server
        .get("/api/v1/projects/acme/customers/eve")
        .await
        .json();
    assert_ne!(
        eve["access"]["production"]["premium"]["is_active_now"], true,
        "{eve:#}"
    );
}

/// Whoever was answered with an error does not know whether it was given.
#[tokio::test]
async fn that_are_asked_for_again_are_not_given_twice() {
    let server = server().await;
    let of_eve = "/api/v1/projects/acme/customers/eve";
    let purchases = async || {
        let eve = server.get(of_eve).await.json();
        eve["purchases"].as_array().unwrap().len()
    };
    for (body, given) in [
        (
            json!({ "entitlement": "premium", "ends_at": "2026-02-01T00:00:00Z" }),
            1,
        ),
        (
            json!({ "entitlement": "premium", "ends_at": "2026-02-01T00:00:00Z" }),
            1,
        ),
        (
            json!({ "entitlement": "premium", "ends_at": "2026-03-01T00:00:00Z" }),
            2,
        ),
        (json!({ "entitlement": "premium" }), 3),
        (json!({ "entitlement": "premium" }), 3),
    ] {
        let answer = server.post(GRANTS, body.clone()).await;
        assert_eq!(answer.status, 201, "{answer}");
        assert_eq!(purchases().await, given, "{body}");
    }
    // What was taken back is given anew.
    server.delete(&format!("{GRANTS}/premium")).await;
    let again = server
        .post(GRANTS, json!({ "entitlement": "premium" }))
        .await;
    assert_eq!((again.status.as_u16(), purchases().await), (201, 4));
}

/// The end is counted from now, so whoever asks again asks for a later one.
#[tokio::test]
async fn that_last_so_long_are_given_once_to_whoever_asks_again() {
    let server = server().await;
    let by_key = server.by(Who::BoundWriteKey);
    let purchases = async || {
        let eve = server.get("/api/v1/projects/acme/customers/eve").await;
        eve.json()["purchases"].as_array().unwrap().len()
    };
    let path = "/v1/subscribers/eve/entitlements/premium/promotional";
    let give = async |client: &Client<'_>, duration: &str| {
        let answer = client.send("POST", path, Some(json!({ "duration": duration })));
        let answer = answer.await;
        assert_eq!(answer.status, 201, "{answer}");
    };
    // At once, and a moment later; another length is another grant.
    for (waits, duration, given) in [
        (0, "monthly", 1),
        (30, "monthly", 1),
        (0, "weekly", 2),
        (120, "monthly", 3),
    ] {
        server.pass(SignedDuration::from_secs(waits)).await;
        give(&by_key, duration).await;
        assert_eq!(purchases().await, given, "{duration} after {waits} s");
    }
    // However late, where the request says which it is.
    let named = by_key.with("idempotency-key", "7f0c");
    for hours in [0, 1, 30] {
        server.pass(SignedDuration::from_hours(hours)).await;
        give(&named, "yearly").await;
        assert_eq!(purchases().await, 4, "after {hours} h");
    }
    let taken = format!("{GRANTS}/premium");
    server.delete(&taken).await;
    give(&named, "yearly").await;
    assert_eq!(purchases().await, 4, "it was given, and taken back since");
    let other = server.by(Who::BoundWriteKey);
    give(&other.with("idempotency-key", "7f0d"), "yearly").await;
    assert_eq!(purchases().await, 5);
}

/// Two that are made at once are one as well.
#[tokio::test]
async fn that_are_asked_for_twice_at_once_are_given_once() {
    let server = server().await;
    let client = server
        .by(Who::BoundWriteKey)
        .with("idempotency-key", "7f0c");
    let body = json!({ "entitlement": "premium", "ends_at": "2026-02-01T00:00:00Z" });
    let give = async || client.send("POST", GRANTS, Some(body.clone())).await.status;
    let (one, other) = tokio::join!(give(), give());
    assert_eq!((one.as_u16(), other.as_u16()), (201, 201));
    let eve = server.get("/api/v1/projects/acme/customers/eve").await;
    assert_eq!(eve.json()["purchases"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    for body in [
        json!({}),
        json!({ "entitlement": "nothing" }),
        json!({ "entitlement": "premium", "ends_at": "2025-12-31T00:00:00Z" }),
        json!({ "entitlement": "premium", "ends_at": "soon" }),
        json!({ "entitlement": "premium", "colour": "red" }),
    ] {
        told.post(GRANTS, body).await;
    }
    told.delete(&format!("{GRANTS}/nothing")).await;
    told.delete("/api/v1/projects/acme/customers/nobody/grants/premium")
        .await;
    assert_snapshot!(told);
}
