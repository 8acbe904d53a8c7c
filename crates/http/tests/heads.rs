//! Whoever only reads changes nothing: no `HEAD`, whoever sends it, and no `GET` with a key that only reads.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod names;

use axum::body::Body;
use ledger::AuditFilter;
use names::{Names, server, table};
use web::test::{TestServer, Who};

/// What is kept, as far as anybody is shown it.
async fn kept(server: &TestServer) -> Vec<String> {
    let mut kept = Vec::new();
    for list in ["customers", "events", "deliveries", "parked", "replays"] {
        let path = format!("/api/v1/projects/acme/{list}?limit=100");
        kept.push(server.get(&path).await.text());
    }
    let ledger = server.ledger();
    let filter = AuditFilter {
        project: server.project("acme"),
        with_common: true,
    };
    let log = ledger.audit(filter, None, 1_000).await.unwrap();
    kept.push(format!("{log:?}"));
    let revision = ledger.configuration_revision().await.unwrap();
    kept.push(revision.to_string());
    kept
}

#[tokio::test]
async fn whoever_only_reads_changes_nothing() {
    let server = server().await;
    server.live().await;
    let names = Names::of(&server).await;
    let before = kept(&server).await;
    let gets = table().into_iter().filter(|row| row.0.id() == "GET");
    let mut called = 0;
    for (_, path, _) in gets {
        // Somebody who is not there yet.
        let path = path.replace("subscribers/{id}", "subscribers/stranger");
        let path = names.fill(&path.replace("{who}", "stranger"), Some("acme"));
        let callers = [
            (Who::PublicKey, "HEAD"),
            (Who::BoundWriteKey, "HEAD"),
            (Who::Owner, "HEAD"),
            (Who::BoundReadKey, "HEAD"),
            (Who::BoundReadKey, "GET"),
        ];
        for (who, method) in callers {
            let request = server.by(who).request(method, &path, Body::empty());
            let answer = server.call(request).await;
            assert!(
                !answer.status.is_server_error() || answer.status == 503,
                "{method} {path} by {who:?}: {answer}"
            );
            called += 1;
        }
    }
    assert!(called > 200, "{called}");
    assert_eq!(kept(&server).await, before);
    for (who, method, status) in [
        (Who::PublicKey, "HEAD", 200),
        (Who::BoundReadKey, "HEAD", 200),
        (Who::BoundReadKey, "GET", 200),
        (Who::PublicKey, "GET", 201),
    ] {
        let path = "/v1/subscribers/stranger";
        let request = server.by(who).request(method, path, Body::empty());
        let answer = server.call(request).await;
        assert_eq!(answer.status, status, "{method} by {who:?}: {answer}");
    }
}
