//! Lists: each refuses what it does not apply, and all have one shape.

use crate::server;

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
async fn a_list_that_is_whole_takes_no_filter_at_all() {
    let server = server().await;
    for list in [
        "projects",
        "destinations",
        "projects/acme/apps",
        "projects/acme/entitlements",
        "projects/acme/integrations",
        "projects/acme/products",
        "projects/acme/replays",
    ] {
        let path = format!("/api/v1/{list}");
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {answer}");
        for name in ["limit", "app", "colour"] {
            let answer = server.get(&format!("{path}?{name}=x")).await;
            assert_eq!(answer.status, 400, "{path}: {answer}");
            assert_eq!(answer.code(), "malformed_query", "{path}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(&format!("`{name}`")), "{path}: {detail}");
        }
    }
}
