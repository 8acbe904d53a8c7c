//! Lists: each refuses what it does not apply, and all have one shape.

use crate::server;

#[tokio::test]
async fn a_filter_that_a_list_does_not_apply_is_refused_by_name() {
    let server = server().await;
    for (list, filter, known) in [
        ("deliveries", "customer", "integration"),
        ("deliveries", "kind", "state"),
        ("deliveries/stream", "since", "integration"),
        ("deliveries/stream", "before", "state"),
        ("deliveries/stream", "limit", "state"),
        ("events/stream", "before", "after"),
        ("events/stream", "limit", "after"),
        ("events/stream", "wait", "after"),
        ("events/stream", "hours", "since"),
        ("customers", "state", "before"),
        ("customers", "app", "limit"),
        ("parked", "app", "before"),
        ("replays", "state", "before"),
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
async fn events_are_asked_for_from_one_moment_on() {
    let server = server().await;
    let both = "/api/v1/projects/acme/events?since=2026-01-01T00:00:00Z&hours=3";
    let answer = server.get(both).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (400, "malformed_query".into())
    );
    assert_eq!(answer.json()["detail"], "give `since` or `hours`, not both");
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
