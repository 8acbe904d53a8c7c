//! Access given by hand.

use super::client;
use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn are_given_with_a_secret_key_only() {
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
