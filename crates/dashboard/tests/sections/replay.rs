//! Past events sent again: the form, what it would do, beginning and cancelling.

use crate::{lived, sent, shown, shown_new, told};
use insta::assert_snapshot;

const FIELDS: [(&str, &str); 4] = [
    ("integration", "hook"),
    ("since", "2026-01-01"),
    ("standings", "delivered"),
    ("per_second", "5"),
];

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("replay", shown(&server, "/replay").await);
    assert_snapshot!("new_replay", shown_new(&server, "/replay").await);
    let done = shown(&server, "/replay?notice=replaying").await;
    assert!(done.contains("It has begun."));
    let mailed = server.page("/projects/acme/replay?integration=hook&utm_source=mail");
    assert_eq!(mailed.await.status, 200, "others add to addresses");
    let sent = sent(&server, "/replay", &[("utm_source", "mail")]).await;
    assert!(sent.starts_with("422 utm_source: "), "{sent}");
}

#[tokio::test]
async fn says_what_it_would_do() {
    let server = lived().await;
    let query = FIELDS.map(|(name, value)| format!("{name}={value}"));
    let path = format!("/replay?{}", query.join("&"));
    assert_snapshot!("replay_foreseen", shown(&server, &path).await);
}

#[tokio::test]
async fn refuses_what_cannot_be() {
    let server = lived().await;
    for (asked, problem) in [
        ("per_second=many", "422 per_second: \"many\" is no number"),
        (
            "integration=none&since=2026-01-01",
            "422 integration: \"none\" is none of: hook, idle, slack",
        ),
        ("integration=hook&since=soon", "422 since: \"soon\""),
        (
            "per_second=1&per_second=2",
            "400 per_second: unsupported value",
        ),
    ] {
        let answer = server.page(&format!("/projects/acme/replay?{asked}")).await;
        let said = told(&answer);
        assert!(said.starts_with(problem), "{asked}: {said}");
    }
}

#[tokio::test]
async fn begins_and_is_cancelled() {
    let server = lived().await;
    assert_eq!(
        sent(&server, "/replay", &FIELDS).await,
        "303 /projects/acme/replay?notice=replaying#replays"
    );
    let project = server.project("acme");
    let replays = server.ledger().replays(project, None, 1).await.unwrap();
    let path = format!("/replay/{}/cancel", replays[0].id);
    assert_eq!(
        sent(&server, &path, &[]).await,
        "303 /projects/acme/replay?notice=cancelled#replays"
    );
    let page = shown(&server, "/replay").await;
    assert!(page.contains("cancelled"), "{page}");
}

/// As the API has them: the newest first, and older ones behind a link.
#[tokio::test]
async fn are_listed_by_page() {
    let server = lived().await;
    for _ in 0..21 {
        sent(&server, "/replay", &FIELDS).await;
    }
    let project = server.project("acme");
    let all = server.ledger().replays(project, None, 30).await.unwrap();
    let newest = shown(&server, "/replay").await;
    let older = format!("/replay?before={}", all[19].id);
    assert!(
        newest.contains(&format!("/projects/acme{older}#replays")),
        "{newest}"
    );
    let (first, last) = (all[0].id.to_string(), all[20].id.to_string());
    assert!(newest.contains(&first) && !newest.contains(&last));
    let page = shown(&server, &older).await;
    assert!(page.contains(&last) && !page.contains(&first), "{page}");
    assert!(!page.contains("Older"));
    let over = shown(&server, &format!("/replay?before={last}")).await;
    assert!(over.contains("None are older."), "{over}");
    let answer = server.page("/projects/acme/replay?before=first").await;
    assert_eq!(answer.status, 400);
}
