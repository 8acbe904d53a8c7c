//! Raw messages, as stores sent them.

use crate::{ids, lived};
use insta::assert_snapshot;

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
