//! Whether the server runs and can work, and answers where nothing is.

use crate::server;
use axum::Router;
use insta::assert_snapshot;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::time::Duration;
use web::{
    App,
    test::{TestServer, Who},
};

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
async fn operators_are_told_on_a_listener_of_their_own() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let with = move |routes: fn(&App) -> Router| {
        let metrics = Some(metrics.clone());
        move |app| {
            routes(&App {
                metrics: metrics.clone(),
                has_operations: true,
                ..app
            })
        }
    };
    let server = TestServer::start(with(api::operations)).await;
    server.parks("one").await;
    let nobody = server.by(Who::Nobody);
    for (path, told) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = nobody.get(path).await;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (200, told));
    }
    let told = nobody.get("/metrics").await.text();
    let counted = "tidings_messages_received_total{source=\"play_store\",outcome=\"pending\"} 1";
    assert!(told.lines().any(|line| line == counted), "{told}");
    for (method, path, status) in [("GET", "/api/v1/projects", 404), ("POST", "/metrics", 405)] {
        let answer = nobody.send(method, path, None).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
    }
    let for_all = TestServer::start(with(api::router)).await;
    for (path, status) in [("/healthz", 200), ("/readyz", 404), ("/metrics", 404)] {
        let answer = for_all.by(Who::Nobody).get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer}");
    }
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
