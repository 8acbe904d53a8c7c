//! The document that describes the API, where programs read it. What is in it, `tests/openapi.rs` holds.

use crate::server;
use web::test::Who;

#[tokio::test]
async fn is_read_by_anyone() {
    let server = server().await;
    let answer = server.by(Who::Nobody).get("/api/v1/openapi.json").await;
    let document = serde_json::to_value(api::document()).unwrap();
    assert_eq!(answer.json(), document);
}
