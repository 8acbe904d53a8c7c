//! Purchases that clients send in.

use super::client;
use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn are_refused_or_kept_until_the_store_can_be_asked() {
    let server = server().await;
    let mut told = client(&server);
    told.post("/v1/receipts", json!({})).await;
    told.post(
        "/v1/receipts",
        json!({ "app_user_id": "eve", "fetch_token": "token-1" }),
    )
    .await;
    assert_snapshot!(told);
}

/// iOS finishes a transaction whose receipt is answered with anything but 5xx; Android marks one as synced at 4xx but 404.
#[tokio::test]
async fn of_any_size_are_taken_in_or_sent_again() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    for (size, is_read) in [(2 << 20, true), (5 << 20, false)] {
        let body = json!({ "app_user_id": "ann", "fetch_token": "x".repeat(size) });
        let answer = client.send("POST", "/v1/receipts", Some(body)).await;
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!(!said.contains("a body has at most"), is_read, "{said}");
        assert!(is_read || answer.status.is_server_error(), "{said}");
    }
}
