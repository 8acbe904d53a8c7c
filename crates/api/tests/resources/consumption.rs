//! Answers to stores that ask about a refund, as far as no store has to be asked for it.

use crate::{ids, lived};
use domain::{
    EventId, EventKind, Store,
    event::{AppRef, Request},
};
use insta::assert_snapshot;
use jiff::SignedDuration;
use ledger::NewEvent;
use serde_json::json;
use web::test::TestServer;

const EVENTS: &str = "/api/v1/projects/acme/events";

/// An event that tells of a refund which a store asks about until then.
async fn asked(server: &TestServer, key: &str, store: Store, until: SignedDuration) -> String {
    let first = ids(server, EVENTS).await.remove(0);
    let project = server.project("acme");
    let row = server.ledger().event(project, first.parse().unwrap()).await;
    let mut event = row.unwrap().unwrap().event;
    event.key = format!("asked:{key}:{until}");
    event.id = EventId::derived(project.uuid(), &event.key, server.now());
    event.kind = EventKind::RefundRequested;
    let (id, key) = (server.app_id(key), key.to_owned());
    event.app = Some(AppRef {
        id,
        key,
        store,
        store_name: None,
    });
    event.request = Some(Request {
        reason: Some("OTHER".into()),
        respond_by: Some(server.now() + until),
        token: None,
        transaction: None,
    });
    let id = event.id.to_string();
    let new = NewEvent {
        event,
        not_sent: Vec::new(),
    };
    server.ledger().commit_test(new, Vec::new()).await.unwrap();
    id
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_why() {
    let server = lived().await;
    let told_before = ids(&server, EVENTS).await.remove(0);
    let day = SignedDuration::from_hours(24);
    let open = asked(&server, "android", Store::PlayStore, day).await;
    let over = asked(&server, "android", Store::PlayStore, -day).await;
    let shop = asked(&server, "shop", Store::External, day).await;
    let mut told = server.transcript();
    let answer = json!({ "sample_content_provided": false, "refund_preference": "decline" });
    for id in [
        told_before.as_str(),
        "evt_00000000000000000000000000",
        &open,
        &over,
        &shop,
    ] {
        let path = format!("{EVENTS}/{id}/consumption");
        told.post(&path, Some(answer.clone())).await;
    }
    for wrong in [
        json!({}),
        json!({ "sample_content_provided": false, "refund_preference": "maybe" }),
        json!({ "sample_content_provided": false, "account_tenure": 1 }),
    ] {
        told.post(&format!("{EVENTS}/{open}/consumption"), Some(wrong))
            .await;
    }
    assert_snapshot!(told);
}
