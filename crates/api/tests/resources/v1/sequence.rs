//! Reading what one wrote.

use crate::server;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use web::test::Who;

#[tokio::test]
async fn an_answer_says_where_the_customer_stands_and_may_be_asked_for_no_older_one() {
    let server = server().await;
    server.buys("ann").await;
    let client = server.by(Who::PublicKey);
    let seq = client.get("/v1/subscribers/ann").await.json()["customer_seq"].clone();
    let seq = seq.as_u64().unwrap();
    assert!(seq > 0);
    let detail = "/api/v1/projects/acme/customers/ann";
    assert_eq!(server.get(detail).await.json()["customer_seq"], seq);
    for (wanted, status) in [(0, 200), (seq, 200), (seq + 1, 503)] {
        let path = format!("/v1/subscribers/ann?at_least={wanted}");
        let answer = client.get(&path).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
        assert_eq!(answer.header("content-type"), "application/json");
        let path = format!("{detail}?at_least={wanted}");
        let answer = server.get(&path).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
    }
    let wrong = client.get("/v1/subscribers/ann?at_least=soon").await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.json()["code"]),
        (400, &json!(7226))
    );
}

/// Whoever sees access finds the event that gave it: both are one commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_sees_access_before_its_event_is_there() {
    let server = server().await;
    let bought = AtomicBool::new(false);
    let buyer = async {
        for number in 0..40 {
            server.buys(&format!("c{number}")).await;
        }
        bought.store(true, Ordering::SeqCst);
    };
    let reader = async {
        let client = server.by(Who::PublicKey);
        let mut seen = 0;
        while !bought.load(Ordering::SeqCst) {
            // Reading never waits, and the buyer is to come to it.
            tokio::task::yield_now().await;
            let path = format!("/v1/subscribers/c{seen}");
            let told = client.get(&path).await.json();
            if !told["subscriber"]["entitlements"]["premium"].is_object() {
                continue;
            }
            let path = format!("/api/v1/projects/acme/events?customer=c{seen}");
            let events = server.get(&path).await.json();
            let events = events["data"].as_array().unwrap();
            let told = told["customer_seq"].as_u64().unwrap();
            let newest = events
                .iter()
                .filter_map(|event| event["customer_seq"].as_u64());
            assert!(newest.max() >= Some(told), "c{seen}: {events:#?}");
            seen += 1;
        }
        seen
    };
    let ((), seen) = futures_util::future::join(buyer, reader).await;
    assert!(seen > 0, "nothing was seen while it happened");
}
