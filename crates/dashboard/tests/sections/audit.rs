//! The audit log, as those see it who reach everything, and those who reach one project.

use crate::fresh;
use web::test::Who;

#[tokio::test]
async fn signing_in_is_shown_to_whom_it_concerns() {
    let server = fresh().await;
    let (owner, of_other) = ("owner@acme.example", "otherowner@acme.example");
    for email in [owner, of_other] {
        let fields = [("email", email), ("password", "wrong")];
        let failed = server.by(Who::Nobody).form("/signin", &fields).await;
        assert_eq!(failed.status, 401, "{failed}");
    }
    let left = server.by(Who::Owner).form("/signout", &[]).await;
    assert_eq!(left.status, 303, "{left}");
    let shown = async |who: Who, project: &str| {
        let path = format!("/projects/{project}/audit");
        let page = server.by(who).get(&path).await;
        assert_eq!(page.status, 200, "{path}: {page}");
        page.text()
    };
    let line = |who: &str, what: &str, subject: &str| {
        format!("<td>{who}</td><td>{what} <strong>{subject}</strong></td>")
    };
    let failed = |who: &str| line(who, "fail to sign in", "with a password");
    let everything = shown(Who::Admin, "acme").await;
    assert!(everything.contains(&failed(owner)), "{everything}");
    assert!(
        everything.contains(&line(owner, "sign out", "")),
        "{everything}"
    );
    assert!(
        !everything.contains(&failed(of_other)),
        "that is of another project"
    );
    let theirs = shown(Who::OtherOwner, "other").await;
    assert!(theirs.contains(&failed(of_other)), "{theirs}");
    let by_owner = format!("<td>{owner}</td>");
    assert!(!theirs.contains(&by_owner), "{theirs}");
}
