//! Offerings: made, changed, shown to everybody, removed.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

const OFFERINGS: &str = "/api/v1/projects/acme/offerings";
const NEW: &str = "/api/v1/projects/acme/offerings/winter";

#[tokio::test]
async fn are_made_changed_and_kept() {
    let server = server().await;
    let mut told = server.transcript();
    told.get(OFFERINGS).await;
    let winter = json!({
        "name": "Winter", "metadata": { "snow": true },
        "packages": [{ "id": "$rc_annual", "app_store": "com.example.year", "play_store": "gold:p1y" }],
        "audience": { "countries": ["se"], "platforms": ["iOS"], "from_version": "3", "to_version": "3.9", "rank": 2 },
    });
    told.put(NEW, winter.clone()).await;
    told.put(NEW, winter).await;
    told.get(NEW).await;
    told.note("what is not named stays");
    told.put(NEW, json!({ "audience": null })).await;
    told.get(NEW).await;
    told.note("everybody is shown it");
    told.put(
        "/api/v1/projects/acme",
        json!({ "current_offering": "winter" }),
    )
    .await;
    told.delete(NEW).await;
    told.put("/api/v1/projects/acme", json!({ "current_offering": null }))
        .await;
    told.delete(NEW).await;
    told.delete(NEW).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    let wrong = json!({
        "name": " ",
        "packages": [{ "id": "a" }, { "id": "a", "external": "gold" }, { "id": "", "stripe": "p\nq" }],
        "audience": { "countries": ["Sweden"], "platforms": ["toaster"], "from_version": "new" },
    });
    told.put(NEW, wrong).await;
    told.put(NEW, json!({ "packages": [{ "id": "a", "shop": "b" }] }))
        .await;
    told.put(NEW, json!({ "metadata": [1] })).await;
    told.put(
        "/api/v1/projects/acme",
        json!({ "current_offering": "winter" }),
    )
    .await;
    let long = json!({ "metadata": { "text": "x".repeat(40_000) } });
    let refused = server.put(NEW, long).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert_snapshot!(told);
}
