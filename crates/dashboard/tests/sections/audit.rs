//! The audit log, as those see it who reach everything, and those who reach one project.

use crate::{edited, fresh, lived, shown};
use insta::assert_snapshot;
use std::time::Duration;
use web::test::Who;

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("audit", shown(&server, "/audit").await);
}

#[tokio::test]
async fn a_change_is_told_with_what_was_before_and_after() {
    let server = fresh().await;
    let saved = edited(&server, "/settings", &[("name", "Acme & Sons")]).await;
    assert_eq!(saved.status, 303, "{saved}");
    let log = shown(&server, "/audit").await;
    let change = "<dt>name</dt><dd><del>Acme</del> <ins>Acme &#38; Sons</ins></dd>";
    assert!(log.contains(change), "{log}");
}

#[tokio::test]
async fn signing_in_is_shown_to_whom_it_concerns() {
    let server = fresh().await;
    let (owner, of_other) = ("owner@acme.example", "otherowner@acme.example");
    for email in [owner, of_other] {
        let fields = [("email", email), ("password", "wrong")];
        let failed = server.by(Who::Nobody).form("/signin", &fields).await;
        assert_eq!(failed.status, 401, "{failed}");
    }
    // Nobody waits for these entries.
    let patience = Duration::from_secs(20);
    assert!(server.app.engine.deeds_done(patience).await);
    let left = server.by(Who::Owner).form("/signout", &[]).await;
    assert_eq!(left.status, 303, "{left}");
    let seen_by = async |who: Who, project: &str| {
        let path = format!("/projects/{project}/audit");
        let page = server.by(who).get(&path).await;
        assert_eq!(page.status, 200, "{path}: {page}");
        page.text()
    };
    let line = |who: &str, what: &str, subject: &str| {
        format!("<td>{who}</td><td>{what} <strong>{subject}</strong></td>")
    };
    let failed = |member: &str| line("somebody", "fail to sign in", member);
    let everything = seen_by(Who::Admin, "acme").await;
    assert!(everything.contains(&failed(owner)), "{everything}");
    assert!(
        everything.contains(&line(owner, "sign out", "")),
        "{everything}"
    );
    assert!(
        !everything.contains(&failed(of_other)),
        "that is of another project"
    );
    let theirs = seen_by(Who::OtherOwner, "other").await;
    assert!(theirs.contains(&failed(of_other)), "{theirs}");
    let by_owner = format!("<td>{owner}</td>");
    assert!(!theirs.contains(&by_owner), "{theirs}");
}
