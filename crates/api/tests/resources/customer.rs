//! One customer, with purchases and access.

use crate::lived;
use insta::assert_snapshot;

const CUSTOMERS: &str = "/api/v1/projects/acme/customers";

#[tokio::test]
async fn is_shown_with_purchases_and_access() {
    let server = lived().await;
    let mut told = server.transcript();
    let ann = told.get(&format!("{CUSTOMERS}/ann")).await.json();
    told.get(&format!("{CUSTOMERS}/cleo")).await;
    told.get(&format!("{CUSTOMERS}/nobody")).await;
    told.get("/api/v1/projects/other/customers/ann").await;
    assert_snapshot!(told);
    let id = ann["customer"]["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("{CUSTOMERS}/{id}")).await.json(), ann);
}
