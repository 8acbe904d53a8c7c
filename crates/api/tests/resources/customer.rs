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

/// What a product unlocks, its project says; the app that sold it may be unknown by now.
#[tokio::test]
async fn has_the_access_that_the_project_gives_whatever_is_known_of_the_app() {
    let server = lived().await;
    let path = format!("{CUSTOMERS}/ann");
    let before = server.get(&path).await.json()["access"].clone();
    assert_ne!(before["production"], serde_json::json!({}), "{before:#}");
    let connection = rusqlite::Connection::open(server.database()).unwrap();
    for table in ["purchases", "transactions"] {
        let unknown = format!("UPDATE {table} SET app = zeroblob(16)");
        connection.execute(&unknown, []).unwrap();
    }
    let after = server.get(&path).await.json()["access"].clone();
    assert_eq!(after, before);
}
