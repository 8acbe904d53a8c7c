//! Raw messages, as stores sent them.

use crate::{ids, lived};
use insta::assert_snapshot;

const INBOX: &str = "/api/v1/projects/acme/inbox";

#[tokio::test]
async fn are_listed_with_what_became_of_each_page_by_page() {
    let server = lived().await;
    let mut told = server.transcript();
    told.get(&format!("{INBOX}?limit=2")).await;
    told.get(&format!("{INBOX}?before=now")).await;
    assert_snapshot!(told);
    let (mut all, mut path) = (Vec::new(), format!("{INBOX}?limit=3"));
    loop {
        let page = server.get(&path).await.json();
        let shown = page["data"].as_array().unwrap().clone();
        all.extend(shown);
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("{INBOX}?limit=3&before={next}");
    }
    let listed = server.get(&format!("{INBOX}?limit=200")).await.json();
    assert_eq!(listed["data"].as_array().unwrap(), &all);
    assert!(!all.is_empty());
    for message in &all {
        let text = message["outcome"]["text"].as_str().unwrap();
        assert!(text.ends_with('.'), "a sentence of each: {message:#}");
        let has_events = message["outcome"]["events"] != serde_json::json!([]);
        assert_eq!(message["outcome"]["code"] == "told", has_events);
    }
}

#[tokio::test]
async fn one_is_shown_as_it_came() {
    let server = lived().await;
    let mut told = server.transcript();
    let waiting = server.get("/api/v1/projects/acme/parked").await.json();
    let waiting = waiting["data"][0]["id"].as_str().unwrap().to_owned();
    told.get(&format!("/api/v1/projects/acme/inbox/{waiting}"))
        .await;
    let events = ids(&server, "/api/v1/projects/acme/events").await;
    let event = server
        .get(&format!("/api/v1/projects/acme/events/{}", events[0]))
        .await
        .json();
    let cause = event["cause"]["inbox"]
        .as_str()
        .unwrap_or_else(|| panic!("{event:#}"));
    told.get(&format!("/api/v1/projects/acme/inbox/{cause}"))
        .await;
    told.get("/api/v1/projects/acme/inbox/inb_00000000000000000000000000")
        .await;
    told.get("/api/v1/projects/acme/inbox/none").await;
    told.get(&format!("/api/v1/projects/other/inbox/{cause}"))
        .await;
    assert_snapshot!(told);
}
