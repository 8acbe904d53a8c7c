//! What a customer bought.

use crate::server;
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test]
async fn is_listed_by_subscriptions_and_purchases() {
    let server = server().await;
    server.buys("ann").await;
    let now = server.now();
    server
        .states(json!({
            "app": "shop", "app_user_id": "ann", "kind": "one_time_purchase", "product_id": "silver", "transaction_id": "ann-2",
            "original_transaction_id": "ann-2", "updated_at": now, "purchased_at": now, "environment": "sandbox",
        }))
        .await;
    let mut told = server.transcript();
    told.get("/v2/projects/acme/customers/ann/subscriptions")
        .await;
    told.get("/v2/projects/acme/customers/ann/purchases").await;
    told.get("/v2/projects/acme/customers/nobody/purchases")
        .await;
    assert_snapshot!(told);
}
