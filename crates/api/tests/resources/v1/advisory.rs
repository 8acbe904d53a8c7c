//! What stands beside what matters refuses nothing. Receipts are sent by `crates/tidings/tests/e2e/receipts.rs`; these are the other bodies that native
//! SDKs send, by the rules of their encoders: purchases-ios, `LogInOperation`, `PostSubscriberAttributesOperation`, `SubscriberAttribute`,
//! `PostAttributionDataOperation`, `GetIntroEligibilityOperation`; purchases-android, `Backend.logIn`, `Backend.aliasUsers`, `SubscriberAttribute`.

use axum::middleware::from_fn;
use serde_json::Value;
use web::test::{TestServer, Who};

/// Values that no member is meant to have, as they would be written.
const ODD: [&str; 13] = [
    "null",
    "true",
    "-1",
    "1e999",
    "0.1",
    "\"\"",
    "\"-1\"",
    "\"NaN\"",
    "\"\\ud800\"",
    "[]",
    "[null, 7, {}]",
    "{}",
    "{\"a\": {\"value\": [], \"updated_at_ms\": \"soon\"}}",
];

/// Each call with a body that has `ODD` where an encoder may leave something out or write it otherwise.
const BODIES: [(&str, &str); 9] = [
    (
        "subscribers/identify",
        r#"{"app_user_id": "$RCAnonymousID:1", "new_app_user_id": "eve", "of_next_year": ODD}"#,
    ),
    (
        "subscribers/eve/alias",
        r#"{"app_user_id": ODD, "new_app_user_id": "eva", "of_next_year": ODD}"#,
    ),
    (
        "subscribers/eve/attributes",
        r#"{"attributes": {"color": {"value": "red", "updated_at_ms": ODD, "of_next_year": ODD}}, "of_next_year": ODD}"#,
    ),
    (
        "subscribers/eve/attributes",
        r#"{"attributes": {"color": {"value": null, "updated_at_ms": ODD}}}"#,
    ),
    (
        "subscribers/eve/attribution",
        r#"{"network": ODD, "data": {"rc_idfa": "1", "rc_gps_adid": null, "of_a_network": ODD}}"#,
    ),
    (
        "subscribers/eve/adservices_attribution",
        r#"{"aad_attribution_token": ODD}"#,
    ),
    (
        "subscribers/eve/intro_eligibility",
        r#"{"product_identifiers": ODD, "fetch_token": ODD}"#,
    ),
    ("events", r#"{"events": ODD}"#),
    ("diagnostics", r#"{"entries": ODD}"#),
];

#[tokio::test]
async fn members_refuse_no_call_of_a_native_sdk() {
    // Not held to the document, which names what is read and not what is passed over.
    let server = TestServer::start(|app| api::router(&app).layer(from_fn(api::for_clients))).await;
    let client = server.by(Who::PublicKey);
    for (path, body) in BODIES {
        for odd in ODD {
            let body = body.replace("ODD", odd);
            let request = client.request("POST", &format!("/v1/{path}"), body.clone().into());
            let answer = server.call(request).await;
            assert!(answer.status.is_success(), "{path}: {body}: {answer}");
            assert!(answer.json().is_object(), "{path}: {body}: {answer}");
        }
    }
    let eve = server
        .by(Who::BoundWriteKey)
        .get("/v1/subscribers/eve")
        .await;
    let eve: Value = eve.json();
    let attributes = &eve["subscriber"]["subscriber_attributes"];
    assert_eq!(
        attributes["$idfa"]["value"], "1",
        "what makes sense is kept: {eve}"
    );
}
