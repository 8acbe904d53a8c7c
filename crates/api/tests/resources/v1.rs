//! The shapes of client SDKs.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::{TestServer, Transcript, Who};

fn client(server: &TestServer) -> Transcript<'_> {
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::PublicKey));
    told
}

#[tokio::test]
async fn a_subscriber_is_made_shown_and_named() {
    let server = server().await;
    server.buys("ann").await;
    let mut told = client(&server);
    told.get("/v1/subscribers/ann").await;
    told.get("/v1/subscribers/$RCAnonymousID:1").await;
    told.post(
        "/v1/subscribers/identify",
        json!({ "app_user_id": "$RCAnonymousID:1", "new_app_user_id": "eve" }),
    )
    .await;
    told.post(
        "/v1/subscribers/eve/alias",
        json!({ "new_app_user_id": "eva" }),
    )
    .await;
    told.post("/v1/subscribers/identify", json!({ "app_user_id": "eve" }))
        .await;
    told.note("to names that somebody has");
    told.get("/v1/subscribers/$RCAnonymousID:2").await;
    told.post(
        "/v1/subscribers/identify",
        json!({ "app_user_id": "$RCAnonymousID:2", "new_app_user_id": "eve" }),
    )
    .await;
    told.post(
        "/v1/subscribers/eve/alias",
        json!({ "new_app_user_id": "ann" }),
    )
    .await;
    told.get("/v1/subscribers/%20").await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn attributes_are_written_each_by_itself() {
    let server = server().await;
    let mut told = client(&server);
    let written = json!({ "attributes": {
        "$email": { "value": "eve@example.com", "updated_at_ms": 1_767_268_800_000_i64 },
        "plan": { "value": "trial" },
    } });
    told.post("/v1/subscribers/eve/attributes", written).await;
    told.post(
        "/v1/subscribers/eve/attributes",
        json!({ "attributes": { "$nonsense": { "value": "x" }, "plan": { "value": "year" } } }),
    )
    .await;
    told.post(
        "/v1/subscribers/eve/attributes",
        json!({ "attributes": "none" }),
    )
    .await;
    told.post(
        "/v1/subscribers/eve/attribution",
        json!({ "network": 0, "data": { "rc_idfa": "1" } }),
    )
    .await;
    told.note("only a secret key reads them")
        .go_on_as(server.by(Who::BoundWriteKey));
    told.get("/v1/subscribers/eve").await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn access_is_given_and_a_subscriber_forgotten_with_a_secret_key_only() {
    let server = server().await;
    let mut told = client(&server);
    let (grant, revoke) = (
        "/v1/subscribers/eve/entitlements/premium/promotional",
        "/v1/subscribers/eve/entitlements/premium/revoke_promotionals",
    );
    told.post(grant, json!({ "duration": "monthly" })).await;
    told.post(revoke, None).await;
    told.delete("/v1/subscribers/eve").await;
    told.note("with a secret key")
        .go_on_as(server.by(Who::BoundWriteKey));
    told.post(grant, json!({ "duration": "monthly" })).await;
    told.post(revoke, None).await;
    told.post(grant, json!({ "duration": "eternal" })).await;
    told.post(
        "/v1/subscribers/eve/entitlements/nothing/promotional",
        json!({ "duration": "monthly" }),
    )
    .await;
    told.delete("/v1/subscribers/eve").await;
    told.delete("/v1/subscribers/nobody").await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn a_receipt_is_refused_or_kept_until_the_store_can_be_asked() {
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

#[tokio::test]
async fn offerings_are_there_and_empty() {
    let server = server().await;
    let mut told = client(&server);
    for what in ["offerings", "virtual_currencies", "workflows"] {
        told.get(&format!("/v1/subscribers/eve/{what}")).await;
    }
    assert_snapshot!(told);
}

#[tokio::test]
async fn errors_have_the_shape_that_sdks_read() {
    let server = server().await;
    let mut told = client(&server);
    for who in [
        Who::Nobody,
        Who::WrongKey,
        Who::RevokedKey,
        Who::Owner,
        Who::OtherKey,
    ] {
        told.note(&format!("{who:?}")).go_on_as(server.by(who));
        told.get("/v1/subscribers/ann").await;
    }
    assert_snapshot!(told);
}

#[tokio::test]
async fn a_secret_key_that_only_reads_changes_nothing() {
    let server = server().await;
    let reader = server.by(Who::BoundReadKey);
    for (path, body) in [
        (
            "/v1/receipts",
            json!({ "app_user_id": "eve", "fetch_token": "token-1" }),
        ),
        (
            "/v1/subscribers/eve/attributes",
            json!({ "attributes": { "plan": { "value": "x" } } }),
        ),
        (
            "/v1/subscribers/identify",
            json!({ "app_user_id": "eve", "new_app_user_id": "eva" }),
        ),
    ] {
        let answer = reader.send("POST", path, Some(body)).await;
        assert_eq!(answer.status, 403, "{path}: {answer}");
        assert_eq!(answer.json()["code"], 7225, "{answer}");
    }
    let customers = server.get("/api/v1/projects/acme/customers").await;
    assert_eq!(customers.json()["data"], json!([]), "{customers}");
}

#[tokio::test]
async fn attribution_takes_no_data_and_refuses_what_is_none() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let path = "/v1/subscribers/eve/attribution";
    for data in [json!("rc_idfa"), json!(["1"]), json!(7)] {
        let body = json!({ "network": "1", "data": data });
        let refused = client.send("POST", path, Some(body)).await;
        assert_eq!(refused.status, 400, "{data}: {refused}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("data:"), "{data}: {message}");
    }
    for body in [
        json!({ "network": "1", "data": {} }),
        json!({ "network": "1", "data": null }),
        json!({ "network": "1" }),
    ] {
        let taken = client.send("POST", path, Some(body.clone())).await;
        let said = (taken.status.as_u16(), taken.json());
        assert_eq!(said, (200, json!({})), "{body}");
    }
}

/// iOS finishes a transaction whose receipt is answered with anything but 5xx; Android marks one as synced at 4xx but 404.
#[tokio::test]
async fn a_receipt_of_any_size_is_taken_in_or_sent_again() {
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
