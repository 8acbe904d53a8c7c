//! A customer: made, shown, named.

use super::client;
use crate::server;
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test]
async fn are_made_shown_and_named() {
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
