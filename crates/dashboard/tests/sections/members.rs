//! Who may sign in: the page, invitations, links, roles.

use crate::{lived, sent, shown, told, with_password};
use insta::assert_snapshot;
use ledger::{AuditFilter, User};
use web::{
    second_factor::Secret,
    signed::named,
    test::{TestServer, Who},
};

const OWNER: &str = "owner@acme.example";
const PASSWORD: &str = "correct horse";

/// The id of a member.
fn id(server: &TestServer, email: &str) -> String {
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users
        .find(|user| user.email == email)
        .unwrap()
        .id
        .to_string()
}

#[tokio::test]
async fn are_shown() {
    let server = lived().await;
    assert_snapshot!("members", shown(&server, "/members").await);
}

#[tokio::test]
async fn are_invited_by_a_link_that_is_shown_once() {
    let server = lived().await;
    let path = "/projects/acme/members/invite";
    let fields = [
        ("email", " New@acme.example "),
        ("role", "viewer"),
        ("only", "on"),
    ];
    let answer = server.form(path, &fields).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.text().contains("/invite/"));
    let page = shown(&server, "/members").await;
    assert!(page.contains("new@acme.example as viewer") && !page.contains("/invite/"));
    let digest = server.app.engine.setup().configuration.invitations[0]
        .digest
        .clone();
    assert_eq!(
        sent(&server, &format!("/members/withdraw/{digest}"), &[]).await,
        "303 /projects/acme/members?notice=removed"
    );
    for (fields, told) in [
        (
            [("email", "nobody"), ("role", "viewer")],
            "422 \"nobody\" is not an e-mail address, which has at most 200 bytes and no blanks",
        ),
        (
            [("email", "viewer@acme.example"), ("role", "viewer")],
            "422 viewer@acme.example has an account already",
        ),
        (
            [("email", "a@b.example"), ("role", "king")],
            "403 you may not make somebody \"king\"",
        ),
    ] {
        assert_eq!(sent(&server, "/members/invite", &fields).await, told);
    }
}

#[tokio::test]
async fn get_another_role_or_go() {
    let server = lived().await;
    let viewer = format!("/members/{}", id(&server, "viewer@acme.example"));
    assert_eq!(
        sent(&server, &viewer, &[("role", "developer")]).await,
        "303 /projects/acme/members?notice=saved"
    );
    assert_eq!(
        sent(&server, &viewer, &[("remove", "yes")]).await,
        "303 /projects/acme/members?notice=removed"
    );
    let owner = id(&server, "owner@acme.example");
    let by_admin = server.by(Who::Admin);
    let path = format!("/projects/acme/members/{owner}");
    let refused = by_admin.form(&path, &[("remove", "yes")]).await;
    assert_eq!(told(&refused), format!("404 there is no user {owner:?}"));
}

#[tokio::test]
async fn get_a_link_for_a_new_password() {
    let server = lived().await;
    let viewer = id(&server, "viewer@acme.example");
    let path = format!("/projects/acme/members/{viewer}/link");
    let answer = server.form(&path, &[]).await;
    assert!(answer.text().contains("/invite/"), "{answer}");
}

#[tokio::test]
async fn get_their_second_factor_reset_by_an_owner_and_it_is_told() {
    let server = lived().await;
    let owner = with_password(&server, OWNER, PASSWORD).await;
    let admin = with_password(&server, "admin@acme.example", PASSWORD).await;
    for user in [&owner, &admin] {
        let secret = Secret::new(server.app.engine.system());
        let given = server.app.give_second_factor(user.id, &secret, 0);
        assert!(given.await.unwrap().is_some());
    }
    let has = async |user: &User| {
        let found = server.ledger().second_factor(user.id).await;
        found.unwrap().is_some()
    };
    let path = |user: &User| format!("/projects/acme/members/{}/second-factor", user.id);
    for (who, user, status) in [
        (Who::Viewer, &admin, 403),
        (Who::Developer, &admin, 403),
        (Who::Admin, &admin, 403),
        (Who::Admin, &owner, 404),
        (Who::OtherOwner, &admin, 404),
        (Who::Owner, &owner, 409),
    ] {
        let answer = server.by(who).form(&path(user), &[]).await;
        assert_eq!(answer.status, status, "{who:?}: {answer}");
        assert!(has(user).await);
    }
    let people = server.page("/projects/acme/members").await.text();
    assert!(people.contains(&path(&admin)) && !people.contains(&path(&owner)));
    let reset = server.form(&path(&admin), &[]).await;
    assert_eq!(told(&reset), "303 /projects/acme/members?notice=saved");
    assert!(!has(&admin).await && has(&owner).await);
    let filter = AuditFilter {
        project: server.project("acme"),
        with_common: true,
    };
    let log = server.ledger().audit(filter, None, 1).await.unwrap();
    let told = (
        named(&log[0].who, [&owner, &admin]),
        log[0].what.as_str(),
        log[0].subject.as_str(),
    );
    assert_eq!(
        told,
        (
            OWNER.to_owned(),
            "reset the second factor of",
            "admin@acme.example"
        )
    );
}
