//! Messages: all of them with what became of each, and one as it came.

use crate::{lived, shown, shown_new, told};

#[tokio::test]
async fn are_shown_with_what_became_of_each() {
    let server = lived().await;
    let all = shown(&server, "/messages").await;
    assert!(all.contains("One event came of it."), "{all}");
    let none = shown_new(&server, "/messages").await;
    assert!(none.contains("Nothing has come in yet."), "{none}");
    let (_, first) = all.split_once("/projects/acme/messages/").unwrap();
    let id = first.split('"').next().unwrap();
    let one = shown(&server, &format!("/messages/{id}")).await;
    for said in [
        "PURCHASE STATED",
        "2 events came of it.",
        "/projects/acme/events/evt_",
        "A key of the project vouches for it.",
    ] {
        assert!(one.contains(said), "{said}: {one}");
    }
    let missing = "inb_00000000000000000000000000";
    let answer = server
        .page(&format!("/projects/acme/messages/{missing}"))
        .await;
    assert_eq!(
        told(&answer),
        format!("404 there is no message {missing:?}")
    );
    let other = server.page(&format!("/projects/other/messages/{id}")).await;
    assert_eq!(other.status, 404, "another project's message is none");
}
