//! Messages that wait, each with its reason.

use crate::{lived, server};
use insta::assert_snapshot;

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
