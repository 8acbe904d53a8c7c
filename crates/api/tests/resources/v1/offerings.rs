//! What clients ask for and this server has none of.

use super::client;
use crate::server;
use insta::assert_snapshot;

#[tokio::test]
async fn are_there_and_empty() {
    let server = server().await;
    let mut told = client(&server);
    for what in ["offerings", "virtual_currencies", "workflows"] {
        told.get(&format!("/v1/subscribers/eve/{what}")).await;
    }
    assert_snapshot!(told);
}
