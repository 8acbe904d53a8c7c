//! What SDKs send and ask at every start.

use super::{
    client,
    decoders::{
        android,
        ios::{self, decoded},
    },
};
use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn is_answered_so_that_it_is_not_repeated() {
    let server = server().await;
    let mut told = client(&server);
    told.get("/v1/product_entitlement_mapping").await;
    told.post("/v1/events", json!({ "events": [] })).await;
    told.post("/v1/diagnostics", json!({ "entries": [] })).await;
    let token = json!({ "aad_attribution_token": "t" });
    told.post("/v1/subscribers/eve/adservices_attribution", token)
        .await;
    told.post("/v1/config/app", json!({ "fetch_context": "app_start" }))
        .await;
    told.note("without a key").go_on_as(server.by(Who::Nobody));
    told.get("/v1/health").await;
    told.get("/v1/subscribers/eve/health_report_availability")
        .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn is_decoded_by_both_native_sdks() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let mapping = client.get("/v1/product_entitlement_mapping").await.json();
    let on_ios: ios::Mapping = decoded(&mapping);
    let gold = &on_ios.product_entitlement_mapping["gold"];
    assert_eq!(gold.entitlements, ["premium"]);
    let on_android = android::mapping(&mapping);
    assert_eq!(on_android["gold"], (None, vec!["premium".into()]));
    assert_eq!(on_android["silver"], (None, vec![]));
    let nobody = server.by(Who::Nobody);
    let _: ios::Empty = decoded(&nobody.get("/v1/health").await.json());
    let path = "/v1/subscribers/eve/health_report_availability";
    let reports: ios::Reports = decoded(&nobody.get(path).await.json());
    assert!(!reports.report_logs);
    let path = "/v1/subscribers/eve/virtual_currencies";
    let none: ios::VirtualCurrencies = decoded(&client.get(path).await.json());
    assert!(none.virtual_currencies.is_empty());
}

/// iOS and Android send again what is answered 404 or 5xx, and do without remote configuration after any 4xx.
#[tokio::test]
async fn that_is_no_json_or_too_long_is_taken_all_the_same() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    for body in ["", "no json", "[1]", &"x".repeat(2 << 20)] {
        let request = client.request("POST", "/v1/diagnostics", body.to_owned().into());
        let answer = server.call(request).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.json(), json!({}));
    }
}
