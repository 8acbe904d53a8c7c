//! Signing in and out, the first account, and joining by invitation.

use crate::{browser::main_of, first_day, lived, told};
use insta::assert_snapshot;
use web::test::Who;

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    let sign_in = server.by(Who::Nobody).get("/signin").await;
    assert_snapshot!("sign_in", main_of(&sign_in.text()));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_in_the_same_words() {
    let server = lived().await;
    let nobody = server.by(Who::Nobody);
    for (fields, said) in [
        (
            [("email", "owner@acme.example"), ("password", "wrong")],
            "401 The address or the password is wrong.",
        ),
        (
            [("email", "nobody@acme.example"), ("password", "wrong")],
            "401 The address or the password is wrong.",
        ),
        (
            [("key", "tid_sk_none"), ("email", "")],
            "401 This key is not known.",
        ),
    ] {
        assert_eq!(told(&nobody.form("/signin", &fields).await), said);
    }
    let link = nobody.get("/signin/none").await;
    assert_eq!(
        told(&link),
        "401 This link is no longer good: one opens once, within 15 minutes. `tidings sign-in-link` makes another."
    );
    assert_eq!(told(&nobody.form("/signout", &[]).await), "303 /signin");
}

#[tokio::test]
async fn there_is_one_first_account() {
    let server = lived().await;
    assert_eq!(told(&server.page("/setup").await), "303 /");
    assert_eq!(
        told(&server.form("/setup", &[]).await),
        "409 there is an owner already; sign in, or be invited"
    );
    let (new, session) = first_day().await;
    let operator = new.with_session(&session);
    let page = operator.get("/setup").await.text();
    assert!(page.contains("Make the owner&#39;s account"), "{page}");
    let wrong = [("email", "nobody"), ("password", "short")];
    assert_eq!(
        told(&operator.form("/setup", &wrong).await),
        "422 \"nobody\" is not an e-mail address; the password has 10 to 200 characters"
    );
    let right = [
        ("email", "Ann@a.example"),
        ("name", "Ann"),
        ("password", "long enough"),
    ];
    assert_eq!(told(&operator.form("/setup", &right).await), "303 /");
    let setup = new.app.engine.setup();
    assert_eq!(setup.configuration.users[0].email, "ann@a.example");
}

#[tokio::test]
async fn an_invitation_makes_one_account_for_its_address() {
    let server = lived().await;
    let fields = [("email", "new@acme.example"), ("role", "viewer")];
    let invited = server.form("/projects/acme/people/invite", &fields).await;
    let page = invited.text();
    let (_, token) = page.split_once("/invite/").unwrap();
    let path = format!("/invite/{}", token.split('<').next().unwrap());
    let nobody = server.by(Who::Nobody);
    assert_eq!(
        told(&nobody.form(&path, &[("password", "short")]).await),
        "422 the password has 10 to 200 characters"
    );
    let fields = [("email", "other@acme.example"), ("password", "long enough")];
    assert_eq!(told(&nobody.form(&path, &fields).await), "303 /");
    let setup = server.app.engine.setup();
    let has = |email: &str| {
        let mut users = setup.configuration.users.iter();
        users.any(|user| user.email == email)
    };
    assert!(has("new@acme.example") && !has("other@acme.example"));
    assert_eq!(
        told(&nobody.get(&path).await),
        "404 this invitation was used, withdrawn, or is too old; ask for another"
    );
}
