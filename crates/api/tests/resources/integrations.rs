//! Integrations: settings with masked secrets, tests and handshakes.

use crate::{lived, server};
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

const INTEGRATIONS: &str = "/api/v1/projects/acme/integrations";

#[tokio::test]
async fn are_listed_and_shown_with_masked_secrets() {
    let server = server().await;
    let mut told = server.transcript();
    told.get(INTEGRATIONS).await;
    let hook = told.get(&format!("{INTEGRATIONS}/hook")).await;
    told.get(&format!("{INTEGRATIONS}/nothing")).await;
    assert_snapshot!(told);
    assert!(!hook.text().contains("hush"), "{hook}");
    let by_id = format!("{INTEGRATIONS}/{}", hook.json()["id"].as_str().unwrap());
    assert_eq!(server.get(&by_id).await.json(), hook.json());
}

#[tokio::test]
async fn are_made_and_changed() {
    let server = server().await;
    let mut told = server.transcript();
    let path = format!("{INTEGRATIONS}/chat");
    let settings =
        json!({ "webhook_url": "https://hooks.slack.com/services/T0/B0/y", "channel": "#money" });
    told.put(
        &path,
        json!({ "destination": "slack", "name": "Chat", "settings": settings }),
    )
    .await;
    let masked = told.get(&path).await.json()["settings"].clone();
    told.put(
        &path,
        json!({ "destination": "slack", "name": "Chat", "settings": masked }),
    )
    .await;
    told.put(
        &path,
        json!({ "destination": "slack", "name": "Chat", "paused": true, "settings": masked }),
    )
    .await;
    told.get(&path).await;
    told.put(&path, json!({ "destination": "webhook", "settings": { "production_url": "https://chat.example" } })).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_refused_with_what_is_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    let path = format!("{INTEGRATIONS}/new");
    for body in [
        json!({}),
        json!({ "destination": "pigeon" }),
        json!({ "destination": "webhook", "settings": { "colour": "red" } }),
        json!({ "destination": "webhook", "settings": { "production_url": "by mail" } }),
        json!({ "destination": "webhook", "settings": { "production_url": "https://x.example", "production_authorization": "***" } }),
        json!({ "destination": "webhook", "settings": { "production_url": "https://x.example", "max_per_second": "many" } }),
        json!({ "destination": "webhook", "settings": "none" }),
    ] {
        told.put(&path, body).await;
    }
    assert_snapshot!(told);
    assert_eq!(server.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_test_event_is_sent_to_one_of_them() {
    let server = server().await;
    let mut told = server.transcript();
    told.post(&format!("{INTEGRATIONS}/hook/test"), None).await;
    server.catch_up().await;
    let sent = server.endpoints.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].url.starts_with("https://hook.example"));
    told.get("/api/v1/projects/acme/deliveries?integration=hook")
        .await;
    told.post(&format!("{INTEGRATIONS}/nothing/test"), None)
        .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn working_is_what_accepted_something_within_a_day() {
    let server = server().await;
    let hook = format!("{INTEGRATIONS}/hook");
    let tested = async || {
        let mut told = server.transcript();
        told.post(&format!("{hook}/test"), None).await;
        server.catch_up().await;
        server.get(&hook).await.json()["health"].clone()
    };
    let health = server.get(&hook).await.json()["health"].clone();
    assert_eq!(health["condition"], "idle", "nothing was sent: {health:#}");
    assert_eq!(health["accepted_at"], json!(null));
    let health = tested().await;
    assert_eq!(health["condition"], "working");
    assert_eq!(health["accepted_at"], json!(server.now()));
    server.pass(SignedDuration::from_hours(25)).await;
    let health = server.get(&hook).await.json()["health"].clone();
    assert_eq!(health["condition"], "idle");
    server.endpoints.answer("https://hook.example", 404);
    tested().await;
    let health = tested().await;
    assert_eq!(health["condition"], "failing");
    assert_eq!(
        (&health["attempts"], &health["accepted"]),
        (&json!(2), &json!(0)),
        "what was heard a day ago counts no more"
    );
    let failure = &health["failure"];
    assert_eq!(failure["reason"], "rejected_by_destination");
    assert!(failure["detail"].as_str().unwrap().contains("404"));
}

/// Thirty that were accepted in the sandbox say nothing of production, and a sandbox that is gone says nothing of production either.
#[tokio::test]
async fn each_endpoint_has_a_health_of_its_own_and_the_worst_is_told() {
    let server = server().await;
    let at = "https://two.example";
    let settings =
        json!({ "production_url": format!("{at}/live"), "sandbox_url": format!("{at}/trial") });
    let body = json!({ "destination": "webhook", "settings": settings });
    let path = format!("{INTEGRATIONS}/two");
    server.put(&path, body).await;
    // Slack takes one a second.
    let paused = json!({ "destination": "slack", "paused": true });
    server.put(&format!("{INTEGRATIONS}/slack"), paused).await;
    server.catch_up().await;
    for (down, well, worst) in [
        ("live", "trial", "production"),
        ("trial", "live", "sandbox"),
    ] {
        server.endpoints.answer(&format!("{at}/{down}"), 404);
        server.endpoints.answer(&format!("{at}/{well}"), 200);
        for number in 0..30 {
            for environment in ["production", "sandbox"] {
                let id = format!("{down}-{environment}-{number}");
                let bought = json!({
                    "app": "shop", "app_user_id": id, "kind": "one_time_purchase", "environment": environment, "product_id": "silver",
                    "transaction_id": id, "original_transaction_id": id, "updated_at": server.now(), "purchased_at": server.now(),
                });
                server.states(bought).await;
            }
        }
        server.catch_up().await;
        let told = server.get(&path).await.json();
        assert_eq!(told["health"]["condition"], "failing", "{told:#}");
        assert_eq!(told["health"]["endpoint"], worst, "{told:#}");
        let of = |endpoint: &Value| {
            let health = &endpoint["health"];
            (endpoint["endpoint"].clone(), health["condition"].clone())
        };
        let endpoints: Vec<_> = told["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(of)
            .collect();
        let expected = ["production", "sandbox"].map(|endpoint| {
            let condition = if endpoint == worst {
                "failing"
            } else {
                "working"
            };
            (json!(endpoint), json!(condition))
        });
        assert_eq!(endpoints, expected);
        server.pass(SignedDuration::from_hours(25)).await;
    }
}

#[tokio::test]
async fn a_handshake_says_what_was_wrong() {
    let server = server().await;
    let mut told = server.transcript();
    told.post(&format!("{INTEGRATIONS}/hook/verify"), None)
        .await;
    server.endpoints.answer("https://hook.example", 500);
    told.post(&format!("{INTEGRATIONS}/hook/verify"), None)
        .await;
    told.get(&format!("{INTEGRATIONS}/hook")).await;
    server.endpoints.shut("https://hook.example");
    told.post(&format!("{INTEGRATIONS}/hook/verify"), None)
        .await;
    told.post(&format!("{INTEGRATIONS}/nothing/verify"), None)
        .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn what_one_that_is_removed_has_not_sent_fails() {
    let server = lived().await;
    let mut told = server.transcript();
    told.delete(&format!("{INTEGRATIONS}/idle")).await;
    told.delete(&format!("{INTEGRATIONS}/idle")).await;
    told.get("/api/v1/projects/acme/deliveries?limit=1").await;
    assert_snapshot!(told);
    let waiting = server
        .get("/api/v1/projects/acme/deliveries?state=pending")
        .await
        .json();
    let of_hook = waiting["data"].as_array().unwrap().len();
    assert_eq!(
        of_hook, 2,
        "only what waits for `hook` still waits: {waiting:#}"
    );
}

/// What waits was made for the destination there is.
#[tokio::test]
async fn a_destination_cannot_change_while_something_waits() {
    let server = lived().await;
    let path = format!("{INTEGRATIONS}/idle");
    let slack = json!({ "destination": "slack", "settings": { "webhook_url": "https://hooks.slack.com/services/T0/B0/z" } });
    let refused = server.put(&path, slack.clone()).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert_eq!(
        refused.json()["errors"][0]["field"],
        "integrations.idle.destination",
        "{refused}"
    );
    assert!(refused.text().contains("add another"), "{refused}");
    let kept = server.get(&path).await.json();
    assert_eq!(kept["destination"], "webhook", "{kept:#}");
    let same = json!({ "destination": "webhook", "name": "Still" });
    assert_eq!(server.put(&path, same).await.status, 200);
    let fresh = crate::server().await;
    let changed = fresh.put(&path, slack).await;
    assert_eq!(changed.status, 200, "nothing waits here: {changed}");
}
