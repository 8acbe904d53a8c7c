//! Keys: where they are looked up, and where nobody asks for one.

use ledger::{ConfigurationChange, Scope};
use serde_json::json;
use web::{
    access::new_api_key,
    test::{TestServer, Who},
};

/// A key that another process has just made: this one has not read it.
async fn made_elsewhere(server: &TestServer) -> String {
    let system = server.app.engine.system();
    let (text, key) = new_api_key(system, None, "made elsewhere", Scope::Write)
        .expect("the name is one that a key may have");
    let revision = server.app.engine.setup().revision();
    let made = vec![ConfigurationChange::PutApiKey(key)];
    let now = system.now();
    let applied = server.ledger().configure(revision, made, "test", now).await;
    assert!(applied.expect("a ledger of its own takes it"));
    text
}

#[tokio::test]
async fn a_key_that_another_process_made_is_good_at_once() {
    let server = TestServer::start(tidings_http::router).await;
    let key = made_elsewhere(&server).await;
    let answer = server.with_key(&key).get("/api/v1/projects").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_bearer_token_on_a_store_s_callback_costs_no_ledger_read() {
    let server = TestServer::start(tidings_http::router).await;
    let key = made_elsewhere(&server).await;
    let known = server.app.engine.setup().revision();
    let path = format!("/callbacks/google/{}", server.app_id("android"));
    let push = json!({ "message": { "messageId": "1", "data": "e30=" } });
    server.with_key(&key).send("POST", &path, Some(push)).await;
    let health = server.with_key(&key).get("/healthz").await;
    assert_eq!(health.status, 200);
    // Whoever looks a key up that it does not know reads the configuration again.
    assert_eq!(server.app.engine.setup().revision(), known);
    server.with_key(&key).get("/api/v1/projects").await;
    assert!(server.app.engine.setup().revision() > known);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_hides_nothing_from_whoever_brings_a_key() {
    let server = TestServer::start(tidings_http::router).await;
    let client = server
        .by(Who::ReadKey)
        .with("cookie", "=; tidings_session=nonsense");
    assert_eq!(client.get("/api/v1/projects").await.status, 200);
}
