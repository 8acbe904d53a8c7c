//! Messages that wait, each with its reason.

use crate::{lived, server};
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::Value;
use web::test::TestServer;

const PARKED: &str = "/api/v1/projects/acme/parked";

#[tokio::test]
async fn are_listed_and_tried_again() {
    let server = lived().await;
    let mut told = server.transcript();
    let first = told.get(PARKED).await.json()["data"][0]["id"].clone();
    let first = first.as_str().unwrap();
    told.post(&format!("{PARKED}/{first}/retry"), None).await;
    told.post(&format!("{PARKED}/retry"), None).await;
    server.catch_up().await;
    told.get(PARKED).await;
    told.post(
        &format!("{PARKED}/inb_00000000000000000000000000/retry"),
        None,
    )
    .await;
    told.post(&format!("{PARKED}/none/retry"), None).await;
    told.post(
        &format!("/api/v1/projects/other/parked/{first}/retry"),
        None,
    )
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn there_may_be_none() {
    let server = server().await;
    let mut told = server.transcript();
    told.get(PARKED).await;
    told.post(&format!("{PARKED}/retry"), None).await;
    assert_snapshot!(told);
}

/// Ids of a page, and the cursor of the next.
async fn page(server: &TestServer, path: &str) -> (Vec<String>, Option<String>) {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {answer}");
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["data", "next"], "{path}");
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let ids = body["data"].as_array().unwrap().iter().map(id).collect();
    (ids, body["next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn are_listed_page_by_page_the_last_first() {
    let server = server().await;
    for token in ["one", "two", "three"] {
        server.parks(token).await;
        server.pass(SignedDuration::from_secs(1)).await;
    }
    let (all, end) = page(&server, PARKED).await;
    assert_eq!((all.len(), end), (3, None));
    let (first, next) = page(&server, &format!("{PARKED}?limit=2")).await;
    assert_eq!(first, all[..2]);
    let next = next.unwrap();
    let (second, end) = page(&server, &format!("{PARKED}?limit=2&before={next}")).await;
    assert_eq!((second, end), (all[2..].to_vec(), None));
}
