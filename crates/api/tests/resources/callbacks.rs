//! What stores call.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;
use web::test::Who;

#[tokio::test]
async fn what_is_not_genuine_is_refused_and_what_is_ours_to_mend_is_asked_for_again() {
    let server = server().await;
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::Nobody));
    let path = |store: &str, app: &str| format!("/callbacks/{store}/{}", server.app_id(app));
    told.post(&path("apple", "ios"), json!({ "signedPayload": "a.b.c" }))
        .await;
    told.post(&path("apple", "ios"), json!({})).await;
    told.post(&path("stripe", "web"), json!({ "id": "evt_1" }))
        .await;
    told.post(&path("google", "android"), json!({ "message": {} }))
        .await;
    told.note("another store's app, none, and no id at all");
    told.post(&path("apple", "android"), json!({})).await;
    told.post("/callbacks/apple/app_00000000000000000000000000", json!({}))
        .await;
    told.post("/callbacks/apple/ios", json!({})).await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn what_is_understood_is_kept_before_the_answer() {
    let server = server().await;
    let mut told = server.transcript();
    told.go_on_as(server.by(Who::Nobody));
    // {"version":"1.0","packageName":"com.example.app","eventTimeMillis":"1767268800000","testNotification":{"version":"1.0"}}
    let data = "eyJ2ZXJzaW9uIjoiMS4wIiwicGFja2FnZU5hbWUiOiJjb20uZXhhbXBsZS5hcHAiLCJldmVudFRpbWVNaWxsaXMiOiIxNzY3MjY4ODAwMDAwIiwidGVzdE5vdGlmaWNhdGlvbiI6eyJ2ZXJzaW9uIjoiMS4wIn19";
    let path = format!("/callbacks/google/{}", server.app_id("android"));
    told.post(
        &path,
        json!({ "message": { "messageId": "1", "data": data }, "subscription": "s" }),
    )
    .await;
    assert_snapshot!(told);
}
