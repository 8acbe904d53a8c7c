//! Customers.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test]
async fn are_listed_shown_and_changed() {
    let server = server().await;
    server.buys("ann").await;
    let mut told = server.transcript();
    let ann = "/v2/projects/acme/customers/ann";
    told.get(ann).await;
    for what in ["aliases", "active_entitlements", "attributes"] {
        told.get(&format!("{ann}/{what}")).await;
    }
    let written = json!({ "attributes": [{ "name": "plan", "value": "year" }, { "name": "old", "value": null }] });
    told.post(&format!("{ann}/attributes"), written).await;
    told.get(&format!("{ann}/attributes")).await;
    told.post(
        &format!("{ann}/attributes"),
        json!({ "attributes": [{ "name": "1st", "value": "x" }] }),
    )
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_given_access_and_lose_it() {
    let server = server().await;
    let mut told = server.transcript();
    let actions = "/v2/projects/acme/customers/eve/actions";
    let premium = json!({ "entitlement_id": "premium" });
    told.post(&format!("{actions}/grant_entitlement"), premium.clone())
        .await;
    told.post(
        &format!("{actions}/grant_entitlement"),
        json!({ "entitlement_id": "premium", "expires_at": 1 }),
    )
    .await;
    told.post(
        &format!("{actions}/grant_entitlement"),
        json!({ "entitlement_id": "nothing" }),
    )
    .await;
    told.post(&format!("{actions}/revoke_granted_entitlement"), premium)
        .await;
    let to = json!({ "target_customer_id": "eva" });
    told.post(&format!("{actions}/transfer"), to).await;
    told.delete("/v2/projects/acme/customers/eva").await;
    told.delete("/v2/projects/acme/customers/eva").await;
    assert_snapshot!(told);
}

/// A page leads to the next, and the last to none.
#[tokio::test]
async fn are_listed_page_by_page() {
    let server = server().await;
    for who in ["a", "b", "c"] {
        server.buys(who).await;
    }
    let mut path = "/v2/projects/acme/customers?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_page"].as_str() else {
            break;
        };
        next.clone_into(&mut path);
    }
    assert_eq!(seen, ["c", "b", "a"]);
}
