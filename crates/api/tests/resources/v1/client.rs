//! Who calls, and what the others are told.

use super::client;
use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

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
