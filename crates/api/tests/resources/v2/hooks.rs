//! Webhook integrations.

use crate::server;
use insta::assert_snapshot;

#[tokio::test]
async fn are_listed_without_their_secrets() {
    let server = server().await;
    let mut told = server.transcript();
    told.get("/v2/projects/acme/integrations/webhooks").await;
    told.get("/v2/projects/acme/integrations/webhooks/hook")
        .await;
    told.get("/v2/projects/acme/integrations/webhooks/slack")
        .await;
    let said = told.to_string();
    assert!(!said.contains("hush"), "{said}");
    assert_snapshot!(told);
}
