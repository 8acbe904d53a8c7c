//! Whether the server runs and can work, and answers where nothing is.

use crate::server;
use insta::assert_snapshot;
use std::time::Duration;
use web::test::Who;

#[tokio::test]
async fn is_told_to_anyone_until_the_server_stops() {
    let server = server().await;
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::Nobody));
    told.get("/healthz").await;
    told.get("/readyz").await;
    server.app.engine.stop(Duration::ZERO).await;
    told.get("/healthz").await;
    told.get("/readyz").await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn the_document_is_read_by_anyone() {
    let server = server().await;
    let answer = server.by(Who::Nobody).get("/api/v1/openapi.json").await;
    let document = serde_json::to_value(api::document()).unwrap();
    assert_eq!(answer.json(), document);
}

#[tokio::test]
async fn whoever_may_not_call_is_told_why() {
    let server = server().await;
    let mut told = server.transcript();
    for who in [Who::Nobody, Who::WrongKey, Who::RevokedKey, Who::PublicKey] {
        told.note(&format!("{who:?}")).go_on_as(server.by(who));
        told.get("/api/v1/projects/acme/events").await;
    }
    assert_snapshot!(told);
}
