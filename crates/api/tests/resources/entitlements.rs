//! Entitlements.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

const ENTITLEMENTS: &str = "/api/v1/projects/acme/entitlements";

#[tokio::test]
async fn are_made_changed_and_removed() {
    let server = server().await;
    let mut told = server.transcript();
    let path = format!("{ENTITLEMENTS}/archive");
    told.get(ENTITLEMENTS).await;
    told.put(&path, json!({ "name": "Archive" })).await;
    told.put(&path, json!({})).await;
    told.get(ENTITLEMENTS).await;
    told.put(&path, json!({ "colour": "red" })).await;
    told.delete(&path).await;
    told.delete(&path).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn stay_while_a_product_unlocks_them() {
    let server = server().await;
    let mut told = server.transcript();
    told.delete(&format!("{ENTITLEMENTS}/premium")).await;
    told.put(
        "/api/v1/projects/acme/products/gold",
        json!({ "entitlements": [] }),
    )
    .await;
    told.delete(&format!("{ENTITLEMENTS}/premium")).await;
    assert_snapshot!(told);
}
