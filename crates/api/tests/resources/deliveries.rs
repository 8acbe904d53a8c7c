//! Deliveries: what was sent, how it went, and sending it again.

use crate::{lived, server};
use insta::assert_snapshot;
use serde_json::Value;
use web::test::{TestServer, Who};

const DELIVERIES: &str = "/api/v1/projects/acme/deliveries";

/// Ids of deliveries, newest first.
async fn ids(server: &TestServer, query: &str) -> Vec<String> {
    crate::ids(server, &format!("{DELIVERIES}?{query}")).await
}

#[tokio::test]
async fn are_listed_page_by_page() {
    let server = lived().await;
    let mut told = server.transcript();
    let next = told.get(&format!("{DELIVERIES}?limit=3")).await.json()["next"].clone();
    let next = next.as_str().unwrap();
    told.get(&format!("{DELIVERIES}?limit=2&before={next}"))
        .await;
    assert_snapshot!(told);
    let (all, mut paged) = (ids(&server, "limit=200").await, Vec::new());
    let mut page = ids(&server, "limit=4").await;
    while let Some(last) = page.last().cloned() {
        paged.append(&mut page);
        page = ids(&server, &format!("limit=4&before={last}")).await;
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn are_filtered_by_integration_and_state() {
    let server = lived().await;
    let mut told = server.transcript();
    told.get(&format!("{DELIVERIES}?integration=hook&state=failed"))
        .await;
    assert_snapshot!(told);
    let of = async |query: &str| ids(&server, query).await.len();
    let (all, hook) = (
        of("limit=200").await,
        of("integration=hook&limit=200").await,
    );
    let (slack, idle) = (of("integration=slack").await, of("integration=idle").await);
    assert_eq!(hook + slack + idle, all);
    let (waiting, failed) = (
        of("state=pending&limit=200").await,
        of("state=failed").await,
    );
    assert_eq!(
        waiting + failed + of("state=delivered&limit=200").await,
        all
    );
    assert_eq!(
        of("integration=&state=&limit=200").await,
        all,
        "fields left alone filter nothing"
    );
}

#[tokio::test]
async fn queries_are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    for query in [
        "state=sent",
        "integration=nothing",
        "before=yesterday",
        "limit=many",
        "colour=red",
    ] {
        told.get(&format!("{DELIVERIES}?{query}")).await;
    }
    assert_snapshot!(told);
}

#[tokio::test]
async fn one_is_shown_with_its_attempts() {
    let server = lived().await;
    let mut told = server.transcript();
    let waiting = &ids(&server, "integration=hook&state=pending").await;
    let tried_again = &waiting[1];
    server.pass(jiff::SignedDuration::from_hours(1)).await;
    server.catch_up().await;
    let answer = told
        .get(&format!("{DELIVERIES}/{tried_again}"))
        .await
        .json();
    assert_eq!(answer["attempts"].as_array().unwrap().len(), 2);
    told.get(&format!("{DELIVERIES}/dlv_00000000000000000000000000"))
        .await;
    told.get(&format!("{DELIVERIES}/none")).await;
    told.get(&format!("/api/v1/projects/other/deliveries/{tried_again}"))
        .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn one_is_sent_again_with_its_id() {
    let server = lived().await;
    let failed = ids(&server, "integration=hook&state=failed").await;
    let path = format!("{DELIVERIES}/{}", failed[0]);
    server.endpoints.answer("https://hook.example", 200);
    let mut told = server.transcript();
    told.post(&format!("{path}/resend"), None).await;
    let before = server.endpoints.sent().len();
    server.catch_up().await;
    let sent = server.endpoints.sent();
    let ids_sent: Vec<_> = sent[before..]
        .iter()
        .flat_map(|request| &request.headers)
        .filter(|header| header.name == "webhook-id")
        .map(|header| header.value.as_str())
        .collect();
    assert_eq!(ids_sent, [failed[0].as_str()]);
    let again: Value = server.get(&path).await.json();
    assert_eq!(again["delivery"]["state"], "delivered");
    told.post(
        &format!("{DELIVERIES}/dlv_00000000000000000000000000/resend"),
        None,
    )
    .await;
    told.post(&format!("{DELIVERIES}/none/resend"), None).await;
    told.go_on_as(server.by(Who::ReadKey))
        .post(&format!("{path}/resend"), None)
        .await;
    assert_snapshot!(told);
}
