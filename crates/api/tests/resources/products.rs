//! Products, and which entitlements they unlock.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

const PRODUCTS: &str = "/api/v1/projects/acme/products";
const GOLD: &str = "/api/v1/projects/acme/products/gold";
const NEW: &str = "/api/v1/projects/acme/products/bronze";

#[tokio::test]
async fn are_made_changed_and_kept() {
    let server = server().await;
    let mut told = server.transcript();
    let bronze = json!({ "name": "Bronze", "entitlements": ["premium"] });
    told.get(PRODUCTS).await;
    told.put(NEW, bronze.clone()).await;
    told.put(NEW, bronze).await;
    told.put(NEW, json!({ "name": "Copper" })).await;
    told.get(PRODUCTS).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    let of_nothing = json!({ "entitlements": ["nothing", "premium"] });
    told.put(NEW, of_nothing).await;
    told.put(NEW, json!({ "colour": "red" })).await;
    told.put(NEW, json!("bronze")).await;
    let before = server.get(PRODUCTS).await.text();
    assert!(!before.contains("bronze"), "{before}");
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_removed_once() {
    let server = server().await;
    let mut told = server.transcript();
    told.delete(GOLD).await;
    told.delete(GOLD).await;
    told.get(PRODUCTS).await;
    assert_snapshot!(told);
}
