//! Projects, and what a key that is bound to one sees of others.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn are_listed_and_shown() {
    let server = server().await;
    let mut told = server.transcript();
    told.get("/api/v1/projects").await;
    let acme = told.get("/api/v1/projects/acme").await.json();
    told.get("/api/v1/projects/nothing").await;
    assert_snapshot!(told);
    let by_id = server
        .get(&format!(
            "/api/v1/projects/{}",
            acme["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(by_id.json(), acme);
}

#[tokio::test]
async fn of_others_are_not_even_known() {
    let server = server().await;
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::OtherKey));
    told.get("/api/v1/projects").await;
    told.get("/api/v1/projects/acme").await;
    told.put("/api/v1/projects/acme", json!({ "name": "Mine" }))
        .await;
    told.put("/api/v1/projects/third", json!({})).await;
    told.put("/api/v1/projects/other", json!({ "name": "Mine" }))
        .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn are_made_and_changed() {
    let server = server().await;
    let mut told = server.transcript();
    told.put("/api/v1/projects/third", json!({})).await;
    told.put(
        "/api/v1/projects/third",
        json!({ "historical_window_hours": 48, "transfer_behaviour": "keep" }),
    )
    .await;
    told.get("/api/v1/projects/third").await;
    told.put(
        "/api/v1/projects/third",
        json!({ "transfer_behaviour": "lend" }),
    )
    .await;
    told.put("/api/v1/projects/third", json!({ "colour": "red" }))
        .await;
    told.put("/api/v1/projects/Third!", json!({})).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_a_problem() {
    let server = server().await;
    for body in [json!([]), json!("acme"), json!(7), json!(null), json!(true)] {
        let answer = server.put("/api/v1/projects/acme", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.code(), "malformed_body", "{body}");
    }
}
