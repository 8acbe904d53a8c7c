//! Texts that are too long, or hold a sign that nobody types: refused with the name of their field, unless they only advise.

use crate::server;
use domain::InboxId;
use jiff::Timestamp;
use serde_json::{Value, json};
use web::test::{Answer, TestServer, Who};

/// A bell, and one of those that ended a line on terminals of old; the second is no ASCII.
const SIGNS: [&str; 3] = ["a\u{7}b", "a\u{85}b", "a\u{0}"];

fn too_long() -> String {
    "x".repeat(256)
}

fn bad() -> Vec<String> {
    let mut bad = SIGNS.map(str::to_owned).to_vec();
    bad.push(too_long());
    bad
}

fn names(answer: &Answer, field: &str) -> bool {
    let said = String::from_utf8_lossy(&answer.body);
    said.contains(field)
}

/// As it stands in a path.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn of_a_stated_purchase_are_refused_with_the_field() {
    let server = server().await;
    let stated = json!({
        "app_user_id": "ann", "kind": "subscription", "product_id": "gold", "transaction_id": "1", "original_transaction_id": "1",
        "updated_at": "2026-01-01T10:00:00Z", "purchased_at": "2026-01-01T10:00:00Z", "expires_at": "2026-02-01T10:00:00Z",
        "offer": { "category": "promotional", "type": "free_trial", "id": "half" },
    });
    let fields = [
        "/app_user_id",
        "/product_id",
        "/transaction_id",
        "/original_transaction_id",
        "/offer/id",
        "/country",
        "/entitlements",
    ];
    for field in fields {
        for bad in bad() {
            let mut body = stated.clone();
            body["country"] = json!("DE");
            *body.pointer_mut(field).unwrap_or(&mut Value::Null) = json!(bad);
            if field == "/entitlements" {
                body["entitlements"] = json!(["premium", bad]);
            }
            let path = "/api/v1/projects/acme/purchases";
            let refused = server.post(path, body).await;
            assert_eq!(refused.status, 422, "{field} {bad:?}: {refused}");
            let name = field.trim_start_matches('/').replace('/', ".");
            assert!(names(&refused, &name), "{field} {bad:?}: {refused}");
        }
    }
    let taken = server.post("/api/v1/projects/acme/purchases", stated).await;
    assert!(taken.status.is_success(), "{taken}");
}

#[tokio::test]
async fn of_products_and_entitlements_are_refused_with_the_field() {
    let server = server().await;
    for bad in bad() {
        for (kind, body) in [
            ("products", json!({ "entitlements": [] })),
            ("entitlements", json!({})),
        ] {
            let path = format!("/api/v1/projects/acme/{kind}/{}", encoded(&bad));
            let refused = server.put(&path, body).await;
            assert_eq!(refused.status, 422, "{kind} {bad:?}: {refused}");
            assert!(names(&refused, kind), "{kind} {bad:?}: {refused}");
        }
        let body = json!({ "entitlements": [bad] });
        let refused = server
            .put("/api/v1/projects/acme/products/gold", body)
            .await;
        assert_eq!(refused.status, 422, "{bad:?}: {refused}");
        assert!(names(&refused, "entitlements"), "{bad:?}: {refused}");
        let grant = json!({ "entitlement": bad });
        let path = "/api/v1/projects/acme/customers/eve/grants";
        let refused = server.post(path, grant).await;
        assert_eq!(refused.status, 404, "{bad:?}: {refused}");
        assert!(names(&refused, "entitlement"), "{bad:?}: {refused}");
    }
}

#[tokio::test]
async fn of_customers_are_refused_with_what_a_name_is() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    for bad in bad() {
        let path = format!("/api/v1/projects/acme/customers/{}", encoded(&bad));
        let body = json!({ "attributes": { "plan": "year" } });
        let refused = server.patch(&path, body).await;
        assert_eq!(refused.status, 422, "{bad:?}: {refused}");
        assert!(names(&refused, "app user id"), "{bad:?}: {refused}");
        let path = format!("/v1/subscribers/{}", encoded(&bad));
        let attributes = json!({ "attributes": { "plan": { "value": "year" } } });
        let calls = [
            ("GET", path.clone(), None),
            ("POST", format!("{path}/attributes"), Some(attributes)),
            (
                "POST",
                "/v1/subscribers/identify".into(),
                Some(json!({ "app_user_id": "ann", "new_app_user_id": bad })),
            ),
            (
                "POST",
                "/v1/subscribers/identify".into(),
                Some(json!({ "app_user_id": bad, "new_app_user_id": "ann" })),
            ),
            (
                "POST",
                "/v1/receipts".into(),
                Some(json!({ "app_user_id": bad, "fetch_token": "token" })),
            ),
        ];
        for (method, path, body) in calls {
            let refused = client.send(method, &path, body).await;
            assert_eq!(refused.status, 400, "{path} {bad:?}: {refused}");
            assert_eq!(refused.json()["code"], 7226, "{path}: {refused}");
            assert!(names(&refused, "app user id"), "{path}: {refused}");
        }
    }
    let customers = server.get("/api/v1/projects/acme/customers").await;
    assert_eq!(customers.json()["data"], json!([]), "{customers}");
}

async fn receipt(server: &TestServer, body: Value) -> Answer {
    let client = server.by(Who::PublicKey);
    client.send("POST", "/v1/receipts", Some(body)).await
}

/// The bodies of what waits.
async fn waiting(server: &TestServer) -> Vec<Value> {
    let (project, ledger) = (server.project("acme"), server.ledger());
    let parked = ledger.parked(project, None, None::<InboxId>, 100).await;
    let bodies = parked
        .unwrap()
        .into_iter()
        .map(|parked| parked.message.body);
    bodies
        .map(|body| serde_json::from_slice(&body).unwrap())
        .collect()
}

#[tokio::test]
async fn of_a_purchase_token_are_refused_as_far_as_google_makes_none_of_them() {
    let server = server().await;
    let sent = async |token: &str| {
        let body = json!({ "app_user_id": "ann", "fetch_token": token });
        receipt(&server, body).await
    };
    for bad in ["a\u{7}b".to_owned(), "x".repeat(4097)] {
        let refused = sent(&bad).await;
        assert_eq!(refused.status, 400, "{refused}");
        assert_eq!(refused.json()["code"], 7103, "{refused}");
        assert!(names(&refused, "purchase token"), "{refused}");
    }
    let longest = sent(&"x".repeat(4096)).await;
    assert_eq!(longest.status, 503, "its store is asked: {longest}");
    assert_eq!(waiting(&server).await.len(), 1);
}

/// A client that is refused finishes the transaction, and the purchase is lost.
#[tokio::test]
async fn of_what_a_receipt_says_besides_refuse_nothing_and_are_not_kept() {
    let server = server().await;
    let bad = ["a\u{7}b".to_owned(), "x".repeat(5000)];
    let fields = [
        "product_id",
        "currency",
        "price",
        "presented_offering_identifier",
        "store_country",
        "payment_mode",
    ];
    for (number, field) in fields.into_iter().enumerate() {
        for (which, bad) in bad.iter().enumerate() {
            let mut body =
                json!({ "app_user_id": "ann", "fetch_token": format!("token-{number}-{which}") });
            body[field] = json!(bad);
            let kept = receipt(&server, body).await;
            assert_eq!(kept.status, 503, "{field}: {kept}");
        }
    }
    let attributes = json!({ "plan": { "value": "x".repeat(5000) }, "a\u{7}": { "value": "1" } });
    let kept = receipt(
        &server,
        json!({ "app_user_id": "ann", "fetch_token": "token", "attributes": attributes }),
    )
    .await;
    assert_eq!(kept.status, 503, "{kept}");
    let waiting = waiting(&server).await;
    assert_eq!(waiting.len(), 2 * fields.len() + 1);
    for message in waiting {
        let message = message.to_string();
        assert!(
            message.len() < 300 && !message.contains("\\u0007"),
            "{message}"
        );
    }
    let known = server
        .ledger()
        .customer(server.project("acme"), "ann")
        .await;
    let known = known.unwrap().unwrap().customer;
    assert!(known.attributes.is_empty(), "{:?}", known.attributes);
    assert!(known.first_seen > Timestamp::UNIX_EPOCH);
}

/// A body full of members would take many times its length.
#[tokio::test]
async fn of_members_so_many_are_read_and_a_receipt_is_not_refused_for_more() {
    let server = server().await;
    let client = server.by(Who::PublicKey);
    let many = |count: usize| -> Value {
        let attribute = |number| (format!("a{number:04}"), json!({ "value": "1" }));
        (0..count).map(attribute).collect()
    };
    let path = "/v1/subscribers/ann/attributes";
    let refused = client
        .send("POST", path, Some(json!({ "attributes": many(1001) })))
        .await;
    assert_eq!(refused.status, 400, "{refused}");
    assert!(names(&refused, "at most 1000 at once"), "{refused}");
    let mut body = json!({ "app_user_id": "ann", "fetch_token": "token" });
    body["attributes"] = many(5000);
    let kept = receipt(&server, body).await;
    assert_eq!(kept.status, 503, "{kept}");
}
