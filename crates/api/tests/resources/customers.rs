//! Customers: listed, changed, forgotten, and their purchases moved.

use crate::{ids, lived, server};
use insta::assert_snapshot;
use serde_json::json;

const CUSTOMERS: &str = "/api/v1/projects/acme/customers";

#[tokio::test]
async fn are_listed_page_by_page() {
    let server = lived().await;
    let mut told = server.transcript();
    let next = told.get(&format!("{CUSTOMERS}?limit=2")).await.json()["next"].clone();
    told.get(&format!(
        "{CUSTOMERS}?limit=3&before={}",
        next.as_str().unwrap()
    ))
    .await;
    told.get(&format!("{CUSTOMERS}?before=yesterday")).await;
    told.get(&format!("{CUSTOMERS}?colour=red")).await;
    assert_snapshot!(told);
    assert_eq!(ids(&server, CUSTOMERS).await.len(), 4);
}

#[tokio::test]
async fn are_changed_and_made_when_there_are_none() {
    let server = server().await;
    let mut told = server.transcript();
    let path = format!("{CUSTOMERS}/eve");
    told.patch(&path, json!({ "attributes": { "$email": "eve@example.com", "plan": "trial" }, "installed_at": "2025-12-24T18:00:00Z" })).await;
    told.patch(
        &path,
        json!({
            "attributes": { "plan": null },
            "analytics_disabled": true,
            "attribution": { "source": "search", "status": "non_organic", "campaign": "winter" },
        }),
    )
    .await;
    told.patch(
        &path,
        json!({ "attribution": { "source": "another", "status": "organic" } }),
    )
    .await;
    told.patch(&path, json!({})).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn changes_are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    let path = format!("{CUSTOMERS}/eve");
    for body in [
        json!({ "colour": "red" }),
        json!({ "attributes": { "": "x" } }),
        json!({ "attributes": { "$1st": "x" } }),
        json!({ "attributes": { "plan": 7 } }),
        json!({ "installed_at": "yesterday" }),
        json!({ "installed_at": "2026-01-01T12:06:00Z" }),
        json!({ "attribution": { "source": "", "status": "organic" } }),
        json!({ "attribution": { "source": "x", "status": "bought" } }),
        json!([]),
    ] {
        told.patch(&path, body).await;
    }
    told.patch(&format!("{CUSTOMERS}/%20"), json!({})).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn purchases_are_moved() {
    let server = lived().await;
    let mut told = server.transcript();
    told.post(&format!("{CUSTOMERS}/ann/transfer"), json!({ "to": "eve" }))
        .await;
    told.post(&format!("{CUSTOMERS}/ann/transfer"), json!({ "to": "eve" }))
        .await;
    told.post(
        &format!("{CUSTOMERS}/nobody/transfer"),
        json!({ "to": "eve" }),
    )
    .await;
    told.post(&format!("{CUSTOMERS}/eve/transfer"), json!({ "to": "" }))
        .await;
    told.post(
        &format!("{CUSTOMERS}/eve/transfer"),
        json!({ "whom": "ann" }),
    )
    .await;
    assert_snapshot!(told);
    let eve = server.get(&format!("{CUSTOMERS}/eve")).await.json();
    assert_eq!(eve["purchases"].as_array().unwrap().len(), 1, "{eve:#}");
}

#[tokio::test]
async fn are_forgotten() {
    let server = lived().await;
    server
        .patch(
            &format!("{CUSTOMERS}/ann"),
            json!({ "attributes": { "$email": "ann@example.com" } }),
        )
        .await;
    let mut told = server.transcript();
    told.delete(&format!("{CUSTOMERS}/ann")).await;
    told.get(&format!("{CUSTOMERS}/ann")).await;
    told.delete(&format!("{CUSTOMERS}/ann")).await;
    told.delete(&format!("{CUSTOMERS}/nobody")).await;
    assert_snapshot!(told);
    let all = server.get(CUSTOMERS).await.text();
    assert!(
        !all.contains("ann@example.com") && !all.contains(r#""ann""#),
        "{all}"
    );
}

#[tokio::test]
async fn a_refused_change_makes_nobody_and_changes_nothing() {
    let server = server().await;
    let path = format!("{CUSTOMERS}/eve");
    let half = json!({ "attributes": { "plan": "year", "$1st": "x" }, "analytics_disabled": true });
    let refused = server.patch(&path, half.clone()).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert_eq!(server.get(&path).await.status, 404, "nobody was made");
    let made = server
        .patch(&path, json!({ "attributes": { "plan": "month" } }))
        .await;
    assert_eq!(made.status, 200, "{made}");
    let refused = server.patch(&path, half).await;
    assert_eq!(refused.status, 422, "{refused}");
    let kept = server.get(&path).await.json();
    assert_eq!(kept["customer"], made.json(), "{kept:#}");
}

#[tokio::test]
async fn a_forgotten_name_can_be_used_again_at_once() {
    let server = server().await;
    let path = format!("{CUSTOMERS}/eve");
    let written = json!({ "attributes": { "plan": "year" } });
    let first = server.patch(&path, written.clone()).await.json();
    assert_eq!(server.delete(&path).await.status, 204);
    let again = server.patch(&path, written).await;
    assert_eq!(again.status, 200, "{again}");
    let again = again.json();
    assert_ne!(again["id"], first["id"], "somebody else");
    assert_eq!(again["first_seen"], first["first_seen"]);
}
