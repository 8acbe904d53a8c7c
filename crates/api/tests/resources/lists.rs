//! Lists: each refuses what it does not apply, and all have one shape.

use crate::{lived, server};
use serde_json::Value;

/// The last segments of paths that answer no list: the document, and what never ends.
const NO_LISTS: [&str; 2] = ["openapi.json", "stream"];

/// Every list of the API: its path, and what its query may say.
fn lists() -> Vec<(String, Vec<String>)> {
    let document = serde_json::to_value(api::document()).unwrap();
    let mut lists = Vec::new();
    for route in api::routes() {
        let last = route.path.rsplit('/').next().unwrap();
        let is_one = last.starts_with('{') || NO_LISTS.contains(&last);
        // `/api/v1/projects/{project}` is one thing, `/api/v1/projects` are many.
        if route.method.id() != "GET" || !route.path.starts_with("/api/v1/") || is_one {
            continue;
        }
        let described = &document["paths"][route.path]["get"];
        let schema = &described["responses"]["200"]["content"]["application/json"]["schema"];
        let schema = schema["$ref"].as_str().unwrap_or_default();
        assert!(schema.ends_with("List"), "{}: {schema}", route.path);
        let parameters = described["parameters"].as_array();
        let parameters = parameters.into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let names = query.map(|parameter| parameter["name"].as_str().unwrap().to_owned());
        lists.push((route.path.replace("{project}", "acme"), names.collect()));
    }
    lists
}

#[tokio::test]
async fn every_list_has_one_shape_and_applies_whatever_it_takes() {
    let server = lived().await;
    let lists = lists();
    assert!(lists.len() >= 12, "{lists:?}");
    for (path, names) in lists {
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {answer}");
        let list = answer.json();
        let members: Vec<_> = list.as_object().unwrap().keys().collect();
        assert_eq!(members, ["data", "next"], "{path}");
        assert!(list["data"].is_array(), "{path}");
        let answer = server.get(&format!("{path}?colour=red")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "malformed_query".into()),
            "{path}"
        );
        for name in names {
            // What nothing is called, and what is no number, no moment and no cursor, leaves nothing to show.
            let path = format!("{path}?{name}=nothing");
            let answer = server.get(&path).await;
            let shown = answer.json()["data"].as_array().map_or(0, Vec::len);
            assert_eq!(shown, 0, "{path} is not applied: {answer}");
            if answer.status == 200 {
                assert_ne!(
                    list["data"],
                    Value::Array(Vec::new()),
                    "{path} proves nothing"
                );
            }
        }
    }
}

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
