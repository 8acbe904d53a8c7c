//! Access given by hand.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

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
