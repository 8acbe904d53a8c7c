//! What an app asks before somebody buys.

use super::client;
use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn are_signed_by_apps_of_the_app_store_only() {
    let server = server().await;
    let mut told = client(&server);
    let offer = json!({ "offer_id": "half", "product_id": "gold", "subscription_group": "1" });
    let body = json!({ "app_user_id": "eve", "fetch_token": "t", "generate_offers": [offer] });
    told.post("/v1/offers", body.clone()).await;
    told.post(
        "/v1/offers",
        json!({ "app_user_id": "eve", "generate_offers": null }),
    )
    .await;
    told.note("of the App Store, without a key")
        .go_on_as(server.by(Who::BoundWriteKey).with("x-platform", "iOS"));
    told.post("/v1/offers", body).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_open_as_far_as_nobody_knows_otherwise() {
    let server = server().await;
    let mut told = client(&server);
    let body = json!({ "product_identifiers": ["gold", 7, null, "silver"], "fetch_token": "t" });
    told.post("/v1/subscribers/eve/intro_eligibility", body)
        .await;
    told.post("/v1/subscribers/eve/intro_eligibility", json!({}))
        .await;
    told.note("a token of Google Play says nothing by itself");
    let body = json!({ "fetch_token": "t" });
    told.post("/v1/subscribers/eve/restore/eligibility", body)
        .await;
    told.post("/v1/subscribers/eve/restore/eligibility", json!({}))
        .await;
    assert_snapshot!(told);
}
