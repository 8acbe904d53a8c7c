//! Names that nobody may have, at every door that a name comes in by.

use crate::server;
use serde_json::{Value, json};
use web::test::{TestServer, Who};

/// As RevenueCat's documentation lists them ("Identifying Customers"), and what would break a path or a page.
const NOBODY: [&str; 23] = [
    "",
    " ",
    "no_user",
    "null",
    "none",
    "nil",
    "(null)",
    "NaN",
    "\\x00",
    "unidentified",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "-1",
    "0",
    "[]",
    "{}",
    "[object Object]",
    " null ",
    "a\nb",
    "a\u{0}b",
    "\u{9f}",
];

/// As one segment of a path.
fn segment(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Calls that name somebody: by whom, method, path, body.
fn doors(name: &str) -> Vec<(Who, &'static str, String, Value)> {
    use Who::{BoundWriteKey, PublicKey};
    let statement = json!({
        "app_user_id": name, "kind": "one_time_purchase", "product_id": "gold", "transaction_id": "order-1",
        "original_transaction_id": "order-1", "updated_at": "2026-01-01T10:00:00Z", "purchased_at": "2026-01-01T10:00:00Z",
    });
    let of_customer = "/api/v1/projects/acme/customers";
    let purchases = "/api/v1/projects/acme/purchases".to_owned();
    let receipt = json!({ "app_user_id": name, "fetch_token": "token" });
    let named = |old: &str, new: &str| json!({ "app_user_id": old, "new_app_user_id": new });
    let identify = "/v1/subscribers/identify".to_owned();
    let anonymous = "$RCAnonymousID:0f0e0d0c0b0a49088706050403020100";
    let mut doors = vec![
        (BoundWriteKey, "POST", purchases, statement),
        (
            BoundWriteKey,
            "POST",
            format!("{of_customer}/ann/transfer"),
            json!({ "to": name }),
        ),
        (PublicKey, "POST", "/v1/receipts".into(), receipt),
        (PublicKey, "POST", identify.clone(), named(anonymous, name)),
        (PublicKey, "POST", identify, named(name, "ann")),
        (
            PublicKey,
            "POST",
            "/v1/subscribers/ann/alias".into(),
            json!({ "new_app_user_id": name }),
        ),
    ];
    if name.is_empty() {
        return doors;
    }
    let (v1, ours) = (
        format!("/v1/subscribers/{}", segment(name)),
        format!("{of_customer}/{}", segment(name)),
    );
    let attributes = json!({ "attributes": { "plan": { "value": "year" } } });
    doors.extend([
        (PublicKey, "GET", v1.clone(), Value::Null),
        (PublicKey, "POST", format!("{v1}/attributes"), attributes),
        (
            PublicKey,
            "POST",
            format!("{v1}/attribution"),
            json!({ "network": 0, "data": { "rc_idfa": "1" } }),
        ),
        (
            PublicKey,
            "POST",
            format!("{v1}/alias"),
            json!({ "new_app_user_id": "ann" }),
        ),
        (
            BoundWriteKey,
            "POST",
            format!("{v1}/entitlements/premium/promotional"),
            json!({ "duration": "monthly" }),
        ),
        (
            BoundWriteKey,
            "PATCH",
            ours.clone(),
            json!({ "attributes": { "plan": "year" } }),
        ),
        (
            BoundWriteKey,
            "POST",
            format!("{ours}/grants"),
            json!({ "entitlement": "premium" }),
        ),
    ]);
    doors
}

async fn customers(server: &TestServer) -> String {
    let all = server.get("/api/v1/projects/acme/customers?limit=100");
    all.await.text()
}

#[tokio::test]
async fn no_door_lets_in_a_name_that_is_nobodys() {
    let server = server().await;
    server.buys("ann").await;
    let before = customers(&server).await;
    let long = "a".repeat(256);
    for name in NOBODY.into_iter().chain([long.as_str()]) {
        for (who, method, path, body) in doors(name) {
            let body = Some(body).filter(|body| !body.is_null());
            let answer = server.by(who).send(method, &path, body).await;
            let status = answer.status.as_u16();
            let is_refused = matches!(status, 400 | 422);
            assert!(is_refused, "{name:?} by {method} {path}: {answer}");
        }
    }
    assert_eq!(customers(&server).await, before, "nobody was made");
}

/// A slash ends a segment of the paths that clients ask, so no client and no store names anybody so. A server knows its own ids, and some have one.
#[tokio::test]
async fn a_name_with_a_slash_is_one_by_a_secret_key_of_ours_and_nobodys_for_clients() {
    let server = server().await;
    server.buys("ann").await;
    let before = customers(&server).await;
    for (who, method, path, body) in doors("user/13") {
        if !path.starts_with("/v1/") {
            continue;
        }
        let body = Some(body).filter(|body| !body.is_null());
        // Nor by a secret key: what is asked there is asked as clients do.
        for who in [who, Who::BoundWriteKey] {
            let answer = server.by(who).send(method, &path, body.clone()).await;
            assert_eq!(answer.status, 400, "{who:?} {method} {path}: {answer}");
        }
    }
    assert_eq!(customers(&server).await, before, "nobody was made");
    for (who, method, path, body) in doors("user/13") {
        if path.starts_with("/v1/") {
            continue;
        }
        let answer = server.by(who).send(method, &path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer}");
    }
    let found = server.get("/api/v1/projects/acme/customers/user%2F13");
    let found = found.await;
    assert_eq!(found.status, 200, "{found}");
    let named = found.text().replace(' ', "");
    assert!(named.contains(r#""app_user_id":"user/13""#), "{found}");
}

#[tokio::test]
async fn no_door_makes_a_customer_of_a_name_that_only_we_give() {
    let server = server().await;
    server.buys("ann").await;
    let before = customers(&server).await;
    let ours = ["$deleted:cus_00000080000000000000000001", "$anonymous:x"];
    for name in ours {
        for (who, method, path, body) in doors(name) {
            // Whoever was called so and is Ann now is Ann: nobody else is made.
            let becomes_ann = body["new_app_user_id"] == "ann";
            let body = Some(body).filter(|body| !body.is_null());
            let answer = server.by(who).send(method, &path, body).await;
            let status = answer.status.as_u16();
            let is_right = matches!(status, 400 | 403 | 422) || becomes_ann && status == 200;
            assert!(is_right, "{name:?} by {method} {path}: {answer}");
        }
    }
    assert_eq!(customers(&server).await, before, "nobody was made");
}

#[tokio::test]
async fn no_purchase_is_stated_for_a_name_that_only_we_gave() {
    let server = server().await;
    server.buys("ann").await;
    let gone = "/api/v1/projects/acme/customers/ann";
    assert_eq!(server.delete(gone).await.status, 204);
    let all = server.get("/api/v1/projects/acme/customers?limit=100");
    let all = all.await.json();
    let name = all["data"][0]["app_user_id"].as_str().unwrap().to_owned();
    assert!(name.starts_with("$deleted:"), "{name}");
    let (_, _, path, statement) = doors(&name).swap_remove(0);
    let answer = server.post(&path, statement).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.json()["errors"],
        json!([{ "field": "app_user_id", "message": "does not begin with `$anonymous:` or `$deleted:`, as names do that only Tidings gives" }])
    );
    let (who, method, path, receipt) = doors(&name).swap_remove(2);
    let answer = server.by(who).send(method, &path, Some(receipt)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("$deleted:"), "{answer}");
}

#[tokio::test]
async fn ids_of_a_statement_are_bounded_in_bytes() {
    let server = server().await;
    let (_, _, path, statement) = doors("ann").swap_remove(0);
    // Two bytes each.
    for (letters, status) in [(127, 200), (128, 422)] {
        let mut statement = statement.clone();
        statement["product_id"] = "\u{e9}".repeat(letters).into();
        let answer = server.post(&path, statement).await;
        assert_eq!(answer.status.as_u16(), status, "{answer}");
        assert_eq!(answer.text().contains("has 1 to 255 bytes"), status == 422);
    }
}

#[tokio::test]
async fn a_statement_says_which_field_names_nobody() {
    let server = server().await;
    let (_, _, path, statement) = doors("undefined").swap_remove(0);
    let answer = server.post(&path, statement).await.json();
    assert_eq!(answer["code"], "invalid_purchase");
    assert_eq!(
        answer["errors"],
        json!([{ "field": "app_user_id", "message": "has 1 to 255 bytes, no control character, and is none of the words programs use for nobody" }])
    );
}
