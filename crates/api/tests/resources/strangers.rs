//! Whoever has only the public key of an app: whom they make, and what they leave waiting, comes at a pace. Nobody who is there is slowed.

use crate::server;
use axum::middleware::from_fn;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;
use web::{
    App, Gate,
    paces::Paces,
    test::{Answer, Client, TestServer, Who},
};

/// As docs/security.md states them.
const CUSTOMERS_AT_ONCE: usize = 1000;
const RECEIPTS_AT_ONCE: usize = 500;

const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";

fn stranger<'a>(server: &'a TestServer, address: &str) -> Client<'a> {
    server.by(Who::PublicKey).at(address)
}

async fn receipt(client: &Client<'_>, who: &str, token: &str) -> Answer {
    let body = json!({ "app_user_id": who, "fetch_token": token });
    client.send("POST", "/v1/receipts", Some(body)).await
}

fn again_in(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn new_customers_of_one_address_come_at_a_pace() {
    let server = server().await;
    let here = stranger(&server, HERE);
    for number in 0..CUSTOMERS_AT_ONCE {
        let made = here.get(&format!("/v1/subscribers/new-{number}")).await;
        assert_eq!(made.status, 201, "{number}: {made}");
    }
    let refused = here.get("/v1/subscribers/one-more").await;
    assert_eq!(refused.status, 429, "{refused}");
    assert_eq!(
        (refused.json()["code"].as_u64(), again_in(&refused)),
        (Some(7110), 1)
    );
    // iOS finishes a transaction at any answer but 5xx, and Android takes attributes for written at any 4xx but 404.
    let attributes = json!({ "attributes": { "plan": { "value": "trial" } } });
    let device = json!({ "network": 0, "data": { "rc_idfa": "1" } });
    for (path, body) in [
        ("/v1/subscribers/one-more/attributes", attributes.clone()),
        ("/v1/subscribers/one-more/attribution", device),
        (
            "/v1/receipts",
            json!({ "app_user_id": "one-more", "fetch_token": "token" }),
        ),
    ] {
        let refused = here.send("POST", path, Some(body)).await;
        assert_eq!(refused.status, 503, "{path}: {refused}");
        assert_eq!(again_in(&refused), 1);
    }
    for old in ["new-1", "$RCAnonymousID:1"] {
        let names = json!({ "app_user_id": old, "new_app_user_id": "one-more" });
        let path = "/v1/subscribers/identify";
        let refused = here.send("POST", path, Some(names)).await;
        assert_eq!(refused.status, 429, "{old}: {refused}");
    }
    // Whoever is there is not slowed, nor is anybody elsewhere, nor a server.
    assert_eq!(here.get("/v1/subscribers/new-7").await.status, 200);
    let path = "/v1/subscribers/new-7/attributes";
    let written = here.send("POST", path, Some(attributes)).await;
    assert_eq!(written.status, 200, "{written}");
    let elsewhere = stranger(&server, ELSEWHERE);
    assert_eq!(elsewhere.get("/v1/subscribers/other").await.status, 201);
    let secret = server.by(Who::BoundWriteKey).at(HERE);
    assert_eq!(secret.get("/v1/subscribers/by-secret").await.status, 201);
    // Nothing was made of what was refused; and they come one after the other from then on.
    let known = server.get("/api/v1/projects/acme/customers/one-more").await;
    assert_eq!(known.status, 404, "{known}");
    server.pass(SignedDuration::from_secs(1)).await;
    let mut made = 0;
    for number in 0..5 {
        let answer = here.get(&format!("/v1/subscribers/late-{number}")).await;
        made += usize::from(answer.status == 201);
    }
    assert_eq!(made, 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_new_customer_wait_for_the_difference() {
    let server = server().await;
    let here = stranger(&server, HERE);
    for number in 0..CUSTOMERS_AT_ONCE {
        here.get(&format!("/v1/subscribers/new-{number}")).await;
    }
    server.pass(-SignedDuration::from_hours(24)).await;
    let refused = here.get("/v1/subscribers/one-more").await;
    assert_eq!((refused.status.as_u16(), again_in(&refused)), (429, 1));
    server.pass(SignedDuration::from_secs(1)).await;
    let made = here.get("/v1/subscribers/one-more").await;
    assert_eq!(made.status, 201, "{made}");
}

/// There are as many addresses as somebody rents.
#[tokio::test]
async fn new_customers_of_all_addresses_together_come_at_a_pace() {
    let one_a_second = |app: App| App {
        gate: Arc::new(Gate {
            paces: Paces::of(1),
            ..Gate::default()
        }),
        ..app
    };
    let routes = move |app| api::router(&one_a_second(app)).layer(from_fn(api::for_clients));
    let server = TestServer::start(routes).await;
    let address = |number: usize| format!("203.0.113.{}", number % 250);
    // A thousand at once of one app.
    for number in 0..1000 {
        let client = stranger(&server, &address(number));
        let made = client.get(&format!("/v1/subscribers/new-{number}")).await;
        assert_eq!(made.status, 201, "{number}: {made}");
    }
    let elsewhere = stranger(&server, ELSEWHERE);
    let refused = elsewhere.get("/v1/subscribers/one-more").await;
    assert_eq!(refused.status, 429, "{refused}");
    assert!((1..=3).contains(&again_in(&refused)), "{refused}");
    let attributes = json!({ "plan": { "value": "trial" } });
    let path = "/v1/subscribers/one-more/attributes";
    let body = json!({ "attributes": attributes });
    let refused = elsewhere.send("POST", path, Some(body)).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert!((1..=3).contains(&again_in(&refused)), "{refused}");
    assert_eq!(elsewhere.get("/v1/subscribers/new-7").await.status, 200);
    // A purchase is let in, and waits for its store; what is said beside it is not written before it is proved.
    let body = json!({ "app_user_id": "eve", "fetch_token": "token", "attributes": attributes });
    let kept = elsewhere.send("POST", "/v1/receipts", Some(body)).await;
    assert_eq!(kept.status, 503, "{kept}");
    assert_ne!(kept.json()["code"], 7110, "{kept}");
    let known = server.get("/api/v1/projects/acme/customers/eve").await;
    assert_eq!(known.json()["customer"]["attributes"], json!({}), "{known}");
    // One that is not to be told of waits for nothing, and is sent again.
    let body = json!({ "app_user_id": "zoe", "fetch_token": "token", "create_events": false });
    let refused = elsewhere.send("POST", "/v1/receipts", Some(body)).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert_eq!(refused.json()["code"], 7110);
    let known = server.get("/api/v1/projects/acme/customers/zoe").await;
    assert_eq!(known.status, 404, "{known}");
}

#[tokio::test]
async fn receipts_that_wait_come_at_a_pace() {
    let server = server().await;
    server.buys("ann").await;
    let here = stranger(&server, HERE);
    // The store cannot be asked.
    for number in 0..RECEIPTS_AT_ONCE {
        let kept = receipt(&here, "eve", &format!("token-{number}")).await;
        assert_eq!(kept.status, 503, "{kept}");
        assert_ne!(kept.json()["code"], 7110, "{kept}");
    }
    let waiting = async || {
        let (app, ledger) = (server.app_id("android"), server.ledger());
        let counted = ledger.count_waiting_receipts(app, Timestamp::MAX, 10_000);
        counted.await.unwrap()
    };
    assert_eq!(waiting().await, RECEIPTS_AT_ONCE as u64);
    let refused = receipt(&here, "eve", "one-more").await;
    assert_eq!(refused.status, 503, "{refused}");
    assert_eq!(
        (refused.json()["code"].as_u64(), again_in(&refused)),
        (Some(7110), 6)
    );
    assert_eq!(waiting().await, RECEIPTS_AT_ONCE as u64);
    // Whoever has a purchase counts alone, and so does anybody elsewhere.
    for (client, who) in [(&here, "ann"), (&stranger(&server, ELSEWHERE), "bob")] {
        let kept = receipt(client, who, "theirs").await;
        assert_ne!(kept.json()["code"], 7110, "{who}: {kept}");
    }
    // What is refused at once leaves nothing waiting.
    for _ in 0..=RECEIPTS_AT_ONCE {
        let refused = receipt(&stranger(&server, "192.0.2.1"), "zoe", "a\u{1}b").await;
        assert_eq!(refused.status, 400, "{refused}");
    }
}

/// Otherwise whoever may only read would make customers by asking for them.
#[tokio::test]
async fn who_may_only_read_is_told_of_a_new_customer_and_makes_none() {
    let server = server().await;
    let reader = server.by(Who::BoundReadKey);
    let asked = reader.get("/v1/subscribers/nobody").await;
    assert_eq!(asked.status, 200, "{asked}");
    let shown = asked.json();
    assert_eq!(shown["subscriber"]["original_app_user_id"], "nobody");
    assert_eq!(shown["subscriber"]["subscriptions"], json!({}));
    let known = server.get("/api/v1/projects/acme/customers/nobody").await;
    assert_eq!(known.status, 404, "{known}");
    let made = server
        .by(Who::PublicKey)
        .get("/v1/subscribers/nobody")
        .await;
    assert_eq!(made.status, 201, "{made}");
    // But for the time, it was told as it is.
    assert_eq!(made.json()["subscriber"], shown["subscriber"]);
}
