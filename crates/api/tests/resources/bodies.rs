//! Bodies that no resource takes, whatever they say.

use crate::lived;
use serde_json::json;
use web::test::Who;

const ACME: &str = "/api/v1/projects/acme";

/// Members have names, and their order says nothing.
#[tokio::test]
async fn a_list_is_no_object() {
    let server = lived().await;
    let told = ["search", "organic"].map(|word| json!(word));
    let attribution = [&told[..], &vec![json!(null); 6]].concat();
    for (method, path, body) in [
        ("PUT", "/products/gold", json!(["Golden", ["premium"]])),
        ("PUT", "/entitlements/premium", json!(["Better"])),
        (
            "PUT",
            "/integrations/idle",
            json!(["Busy", "webhook", true, {}]),
        ),
        ("POST", "/customers/ann/transfer", json!(["eve"])),
        ("POST", "/customers/eve/grants", json!(["premium", null])),
        (
            "PATCH",
            "/customers/eve",
            json!([{ "plan": "year" }, null, true, null]),
        ),
        (
            "PATCH",
            "/customers/eve",
            json!({ "attribution": attribution }),
        ),
        ("POST", "/purchases", json!(["ann"])),
    ] {
        let path = format!("{ACME}{path}");
        let client = server.by(Who::WriteKey);
        let answer = client.send(method, &path, Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{method} {path} {body}: {answer}");
        assert_eq!(answer.code(), "malformed_body", "{method} {path} {body}");
    }
    let eve = server.get(&format!("{ACME}/customers/eve")).await;
    assert_eq!(eve.status, 404, "nothing was done: {eve}");
}

#[tokio::test]
async fn nor_is_it_one_for_client_sdks() {
    let server = lived().await;
    for (path, body) in [
        ("/v1/subscribers/identify", json!(["ann", "eve"])),
        ("/v1/subscribers/ann/alias", json!(["eve"])),
        (
            "/v1/subscribers/ann/entitlements/premium/promotional",
            json!([null, "monthly", null]),
        ),
    ] {
        let client = server.by(Who::BoundWriteKey);
        let answer = client.send("POST", path, Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{path} {body}: {answer}");
    }
}
