//! The audit log, as those see it who reach everything, and those who reach one project.

use crate::{edited, fresh, lived, shown};
use domain::UserId;
use insta::assert_snapshot;
use ledger::{ConfigurationChange, SecondStep, User};
use std::time::Duration;
use web::{access::SignedIn, test::Who};

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

/// Whoever has an address now did not do what another did who had it before.
#[tokio::test]
async fn two_accounts_of_one_address_are_told_apart() {
    let server = fresh().await;
    let named = async |name: &str| {
        let fields = [("name", name)];
        edited(&server, "/settings", &fields).await;
    };
    let owner = "owner@acme.example";
    let find = || {
        let setup = server.app.engine.setup();
        let mut users = setup.configuration.users.iter();
        users.find(|user| user.email == owner).unwrap().clone()
    };
    let change = async |changes: Vec<ConfigurationChange>| {
        let setup = server.app.engine.setup();
        assert!(
            server
                .app
                .engine
                .configure(&setup, changes, "test")
                .await
                .unwrap()
        );
    };
    let line = |who: &str| format!("<td>{who}</td><td>put project <strong>acme</strong></td>");
    named("Before").await;
    let before = find();
    let log = server
        .by(Who::Admin)
        .get("/projects/acme/audit")
        .await
        .text();
    assert!(log.contains(&line(owner)), "{log}");
    // Another gets the address, and the one that had it is gone.
    let after = User {
        id: UserId::new(server.app.engine.system().uuid()),
        ..before.clone()
    };
    change(vec![
        ConfigurationChange::RemoveUser(before.id),
        ConfigurationChange::PutUser(after.clone()),
    ])
    .await;
    let log = server
        .by(Who::Admin)
        .get("/projects/acme/audit")
        .await
        .text();
    let gone = line(&format!("{owner} ({})", before.id));
    assert!(log.contains(&gone) && !log.contains(&line(owner)), "{log}");
    // What it does itself is told of it by its address, and by its id once there are two.
    let second = SecondStep::NotAsked;
    let signed_in = server.app.sign_in(&after, second, "a browser").await;
    let SignedIn::As(token) = signed_in.unwrap() else {
        panic!("nobody changed the account");
    };
    let client = server.with_session(&token);
    let left = client.form("/signout", &[]).await;
    assert_eq!(left.status, 303, "{left}");
    let signs_out = |who: &str| format!("<td>{who}</td><td>sign out <strong></strong></td>");
    let log = server
        .by(Who::Admin)
        .get("/projects/acme/audit")
        .await
        .text();
    assert!(log.contains(&signs_out(owner)), "{log}");
    let beside = User {
        id: UserId::new(server.app.engine.system().uuid()),
        project: Some(server.project("other")),
        ..after.clone()
    };
    change(vec![ConfigurationChange::PutUser(beside)]).await;
    let log = server
        .by(Who::Admin)
        .get("/projects/acme/audit")
        .await
        .text();
    let with_id = signs_out(&format!("{owner} ({})", after.id));
    assert!(log.contains(&with_id), "{log}");
}
