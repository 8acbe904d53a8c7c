//! One's own account: the page, the password, the sessions.

use crate::{lived, sent, shown, told};
use insta::assert_snapshot;
use web::test::Who;

#[tokio::test]
async fn is_shown() {
    let server = lived().await;
    assert_snapshot!("account", shown(&server, "/account").await);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let server = lived().await;
    let wrong = [("current", "wrong"), ("password", "short")];
    assert_eq!(
        sent(&server, "/account/password", &wrong).await,
        "422 The current password is another one.; The new password has 10 to 200 characters."
    );
}

#[tokio::test]
async fn sessions_are_ended_but_this_one() {
    let server = lived().await;
    let ended = sent(&server, "/account/sessions", &[]).await;
    assert_eq!(ended, "303 /projects/acme/account?notice=ended");
    let by_link = server.by(Who::Operator);
    let answer = by_link.form("/projects/acme/account/sessions", &[]).await;
    assert!(told(&answer).starts_with("409 you are signed in by a key or a link"));
}
