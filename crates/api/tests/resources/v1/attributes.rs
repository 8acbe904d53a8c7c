//! What is known of a customer.

use super::client;
use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn are_written_each_by_itself() {
    let server = server().await;
    let mut told = client(&server);
    let written = json!({ "attributes": {
        "$email": { "value": "eve@example.com", "updated_at_ms": 1_767_268_800_000_i64 },
        "plan": { "value": "trial" },
    } });
    told.post("/v1/subscribers/eve/attributes", written).await;
    told.post(
        "/v1/subscribers/eve/attributes",
        json!({ "attributes": { "$1st": { "value": "x" }, "plan": { "value": "year" } } }),
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

/// RevenueCat's SDKs send `$ip` and `$deviceVersion` as "true" with the device's ids, and say what they run on in their headers.
#[tokio::test]
async fn what_an_sdk_leaves_to_the_server_is_what_its_request_shows() {
    let server = server().await;
    let left = json!({ "attributes": {
        "$ip": { "value": "true" }, "$deviceVersion": { "value": "true" }, "paid": { "value": "true" },
    } });
    let path = "/v1/subscribers/eve/attributes";
    let read = async || {
        let secret = server.by(Who::BoundWriteKey);
        let eve = secret.get("/v1/subscribers/eve").await.json();
        let of = |name: &str| {
            let value = &eve["subscriber"]["subscriber_attributes"][name]["value"];
            value.as_str().map(str::to_owned)
        };
        [of("$ip"), of("$deviceVersion"), of("paid")]
    };
    let paid = Some("true".to_owned());
    // A server is nobody's device.
    let secret = server.by(Who::BoundWriteKey).at("198.51.100.9");
    let taken = secret.send("POST", path, Some(left.clone())).await;
    assert_eq!(taken.status, 200, "{taken}");
    assert_eq!(read().await, [None, None, paid.clone()]);
    let sdk = server.by(Who::PublicKey).at("203.0.113.7");
    let sdk = sdk
        .with("x-platform", "android")
        .with("x-platform-version", "34");
    let taken = sdk.send("POST", path, Some(left)).await;
    assert_eq!(taken.status, 200, "{taken}");
    let shown = ["203.0.113.7", "android 34"].map(|shown| Some(shown.to_owned()));
    let [ip, device] = shown;
    assert_eq!(read().await, [ip, device, paid]);
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
