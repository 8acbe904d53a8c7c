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

/// Sixteen at once, in two projects: what each decides has nothing to do with the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn are_made_at_once_by_many_without_a_conflict() {
    let server = server().await;
    let puts = (0..16).map(|number| {
        let project = ["acme", "other"][number % 2];
        let path = format!("/api/v1/projects/{project}/products/p{number}");
        let server = &server;
        async move {
            server
                .put(&path, json!({ "name": "made" }))
                .await
                .status
                .as_u16()
        }
    });
    let answers = futures_util::future::join_all(puts).await;
    assert_eq!(answers, [201; 16]);
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
