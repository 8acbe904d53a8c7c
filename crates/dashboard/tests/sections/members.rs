//! Who may sign in: the page, invitations, links, roles.

use crate::{lived, sent, shown, told};
use insta::assert_snapshot;
use web::test::{TestServer, Who};

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
    assert_snapshot!("people", shown(&server, "/people").await);
}

#[tokio::test]
async fn are_invited_by_a_link_that_is_shown_once() {
    let server = lived().await;
    let path = "/projects/acme/people/invite";
    let fields = [
        ("email", " New@acme.example "),
        ("role", "viewer"),
        ("only", "on"),
    ];
    let answer = server.form(path, &fields).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.text().contains("/invite/"));
    let page = shown(&server, "/people").await;
    assert!(page.contains("new@acme.example as viewer") && !page.contains("/invite/"));
    let digest = server.app.engine.setup().configuration.invitations[0]
        .digest
        .clone();
    assert_eq!(
        sent(&server, &format!("/people/withdraw/{digest}"), &[]).await,
        "303 /projects/acme/people?notice=removed"
    );
    for (fields, told) in [
        (
            [("email", "nobody"), ("role", "viewer")],
            "422 \"nobody\" is not an e-mail address",
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
        assert_eq!(sent(&server, "/people/invite", &fields).await, told);
    }
}

#[tokio::test]
async fn get_another_role_or_go() {
    let server = lived().await;
    let viewer = format!("/people/{}", id(&server, "viewer@acme.example"));
    assert_eq!(
        sent(&server, &viewer, &[("role", "developer")]).await,
        "303 /projects/acme/people?notice=saved"
    );
    assert_eq!(
        sent(&server, &viewer, &[("remove", "yes")]).await,
        "303 /projects/acme/people?notice=removed"
    );
    let owner = id(&server, "owner@acme.example");
    let by_admin = server.by(Who::Admin);
    let path = format!("/projects/acme/people/{owner}");
    let refused = by_admin.form(&path, &[("remove", "yes")]).await;
    assert_eq!(told(&refused), format!("404 there is no user {owner:?}"));
}

#[tokio::test]
async fn get_a_link_for_a_new_password() {
    let server = lived().await;
    let viewer = id(&server, "viewer@acme.example");
    let path = format!("/projects/acme/people/{viewer}/link");
    let answer = server.form(&path, &[]).await;
    assert!(answer.text().contains("/invite/"), "{answer}");
}
