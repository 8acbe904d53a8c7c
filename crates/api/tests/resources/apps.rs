//! Apps, their callback URLs and which secrets they have.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

const APPS: &str = "/api/v1/projects/acme/apps";

#[tokio::test]
async fn are_listed_with_callback_urls_and_names_of_secrets() {
    let server = server().await;
    let mut told = server.transcript();
    told.get(APPS).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_made_and_changed() {
    let server = server().await;
    let mut told = server.transcript();
    let path = format!("{APPS}/market");
    told.put(
        &path,
        json!({ "store": "external", "store_name": "market", "commission": "15" }),
    )
    .await;
    told.put(
        &path,
        json!({ "store": "external", "store_name": "market", "name": "Market" }),
    )
    .await;
    told.put(&path, json!({ "store": "stripe" })).await;
    let web = format!("{APPS}/web");
    told.put(
        &web,
        json!({ "store": "stripe", "name": "Web", "signing_secrets": "***" }),
    )
    .await;
    let listed = server.get(APPS).await.json();
    assert_eq!(
        listed["data"][4]["secrets"],
        json!(["signing_secrets"]),
        "{listed:#}"
    );
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    for body in [
        json!({}),
        json!({ "store": "corner_shop" }),
        json!({ "store": "external" }),
        json!({ "store": "external", "store_name": "x", "bundle_id": "y" }),
        json!({ "store": "external", "store_name": "x", "commission": "a lot" }),
        json!({ "store": "app_store", "bundle_id": "", "environments": [] }),
    ] {
        told.put(&format!("{APPS}/market"), body).await;
    }
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_checked_by_asking_their_store() {
    let server = server().await;
    let mut told = server.transcript();
    for app in ["ios", "android", "web", "shop", "nothing"] {
        told.post(&format!("{APPS}/{app}/check"), None).await;
    }
    assert_snapshot!(told);
}
