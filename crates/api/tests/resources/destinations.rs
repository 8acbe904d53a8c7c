//! Kinds of integrations and their settings.

use crate::server;

#[tokio::test]
async fn are_all_there_is_sorted_and_with_their_settings() {
    let server = server().await;
    let list = server.get("/api/v1/destinations").await.json();
    let told: Vec<_> = list["data"].as_array().unwrap().iter().collect();
    assert_eq!(list["next"], serde_json::Value::Null);
    let keys: Vec<_> = told
        .iter()
        .map(|spec| spec["key"].as_str().unwrap())
        .collect();
    assert!(
        keys.is_sorted() && keys.contains(&"webhook") && keys.contains(&"slack"),
        "{keys:?}"
    );
    for spec in told {
        for member in ["title", "summary", "fields", "events"] {
            assert!(!spec[member].is_null(), "{spec:#} says nothing of {member}");
        }
        for field in spec["fields"].as_array().unwrap() {
            for member in ["name", "kind", "help"] {
                assert!(
                    !field[member].is_null(),
                    "{field:#} says nothing of {member}"
                );
            }
        }
    }
}
