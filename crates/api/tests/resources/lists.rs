//! Lists: each refuses what it does not apply, and all have one shape.

use crate::server;
use serde_json::Value;
use web::test::TestServer;

/// Ids of a page, and the cursor of the next.
async fn page(server: &TestServer, path: &str) -> (Vec<String>, Option<String>) {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {answer}");
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["data", "next"], "{path}");
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let ids = body["data"].as_array().unwrap().iter().map(id).collect();
    (ids, body["next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_filter_that_a_list_does_not_apply_is_refused_by_name() {
    let server = server().await;
    for (list, filter, known) in [
        ("deliveries", "customer", "integration"),
        ("deliveries", "kind", "state"),
        ("deliveries/stream", "since", "integration"),
        ("customers", "state", "before"),
        ("customers", "app", "limit"),
        ("parked", "app", "before"),
        ("events", "name", "kind"),
    ] {
        let path = format!("/api/v1/projects/acme/{list}?{filter}=x");
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.code(), "malformed_query", "{path}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        for name in [filter, known] {
            assert!(detail.contains(&format!("`{name}`")), "{path}: {detail}");
        }
    }
}

#[tokio::test]
async fn parked_messages_are_listed_page_by_page_the_last_first() {
    let server = server().await;
    for token in ["one", "two", "three"] {
        server.parks(token).await;
        server.pass(jiff::SignedDuration::from_secs(1));
    }
    let list = "/api/v1/projects/acme/parked";
    let (all, end) = page(&server, list).await;
    assert_eq!((all.len(), end), (3, None));
    let (first, next) = page(&server, &format!("{list}?limit=2")).await;
    assert_eq!(first, all[..2]);
    let next = next.unwrap();
    let (second, end) = page(&server, &format!("{list}?limit=2&before={next}")).await;
    assert_eq!((second, end), (all[2..].to_vec(), None));
}
