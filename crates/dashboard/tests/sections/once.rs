//! What is durable is answered as done, whatever fails after it: what is shown once is shown, and who changed how they sign in may sign in so.

use crate::{
    cookie, lived,
    second_factor::{first_step, hidden, offered, second_step, switched_on},
    told, with_password,
};
use jiff::SignedDuration;
use rusqlite::Connection;
use web::test::{Answer, TestServer, Who};

const OWNER: &str = "owner@acme.example";
const PASSWORD: &str = "correct horse";
const NEW: &str = "another horse";

/// Does something to the database that the server is not told of.
fn breaks(server: &TestServer, sql: &str) {
    let connection = Connection::open(server.database()).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// What no page of a project is made without.
const NO_INBOX: &str = "ALTER TABLE inbox RENAME TO gone";
const NO_SESSION: &str =
    "CREATE TRIGGER broken BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'broken'); END";
const NO_END: &str =
    "CREATE TRIGGER endless BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'broken'); END";

const NO_FACTOR_GOES: &str = "CREATE TRIGGER lasting BEFORE DELETE ON second_factors BEGIN SELECT RAISE(ABORT, 'broken'); END";

/// The secret of a page, whichever page it is.
fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer}");
    let page = answer.text();
    let (_, rest) = page.split_once("<pre").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split("</pre>").next().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_shown_once_is_shown_when_its_page_cannot_be() {
    let server = lived().await;
    breaks(&server, NO_INBOX);
    let settings = server.page("/projects/acme/settings").await;
    assert_eq!(settings.status, 503, "{settings}");

    let path = "/projects/acme/settings/keys";
    let key = secret(&server.form(path, &[("name", "ci")]).await);
    assert!(key.starts_with("tid_sk_"), "{key}");

    let path = "/projects/acme/members/invite";
    let fields = [("email", "new@acme.example"), ("role", "viewer")];
    let link = secret(&server.form(path, &fields).await);
    let (_, token) = link.split_once("/invite/").unwrap();
    let join = server
        .by(Who::Nobody)
        .get(&format!("/invite/{token}"))
        .await;
    assert_eq!(join.status, 200, "{join}");

    let path = "/projects/acme/integrations/new/webhook";
    let url = "https://another.example/";
    let fields = [
        ("integration.key", "another"),
        ("format", "standard"),
        ("production_url", url),
    ];
    let signs_with = secret(&server.form(path, &fields).await);
    assert!(signs_with.starts_with("whsec_"), "{signs_with}");
}

#[tokio::test]
async fn recovery_codes_are_shown_whatever_fails_after_the_second_factor_is_on() {
    for broken in [NO_INBOX, NO_SESSION, NO_END] {
        let server = lived().await;
        with_password(&server, OWNER, PASSWORD).await;
        let owner = server.by(Who::Owner);
        let (offer, secret_of_phone) = offered(&server, &owner).await;
        breaks(&server, broken);
        let code = server.code(&secret_of_phone);
        let fields = [("offer", offer.as_str()), ("code", &code)];
        let path = "/projects/acme/account/second-factor";
        let codes = secret(&owner.form(path, &fields).await);
        assert_eq!(codes.trim().lines().count(), 10, "{broken}: {codes}");
    }
}

#[tokio::test]
async fn a_password_that_was_changed_is_not_answered_as_failed() {
    let server = lived().await;
    with_password(&server, OWNER, PASSWORD).await;
    breaks(&server, NO_SESSION);
    let fields = [("current", PASSWORD), ("password", NEW)];
    let path = "/projects/acme/account/password";
    let changed = server.by(Who::Owner).form(path, &fields).await;
    assert_eq!(told(&changed), "303 /projects/acme/account?notice=saved");
    signs_in(&server, OWNER).await;
}

#[tokio::test]
async fn an_account_that_was_made_is_not_answered_as_failed() {
    let server = lived().await;
    let email = "new@acme.example";
    let path = "/projects/acme/members/invite";
    let fields = [("email", email), ("role", "viewer")];
    let link = secret(&server.form(path, &fields).await);
    let (_, token) = link.split_once("/invite/").unwrap();
    breaks(&server, NO_SESSION);
    let nobody = server.by(Who::Nobody);
    let path = format!("/invite/{token}");
    let joined = nobody.form(&path, &[("password", NEW)]).await;
    assert_eq!(told(&joined), "303 /signin");
    signs_in(&server, email).await;
}

/// Neither what the phone made nor what stands on paper is spent on nothing.
#[tokio::test]
async fn a_code_is_good_still_where_what_it_was_for_failed() {
    let server = lived().await;
    let (secret, codes, session) = switched_on(&server).await;
    server.pass(SignedDuration::from_secs(30)).await;
    let nobody = server.by(Who::Nobody);
    let ticket = hidden(&first_step(&nobody).await.text(), "ticket");
    for code in [server.code(&secret), codes[0].clone()] {
        breaks(&server, NO_SESSION);
        let failed = second_step(&nobody, &ticket, &code).await;
        assert!(failed.status.is_server_error(), "{failed}");
        breaks(&server, "DROP TRIGGER broken");
        let entered = second_step(&nobody, &ticket, &code).await;
        assert_eq!(told(&entered), "303 /");
    }
    breaks(&server, NO_FACTOR_GOES);
    let member = server.with_session(&session);
    let off = async || {
        let fields = [("current", PASSWORD), ("code", codes[1].as_str())];
        let path = "/projects/acme/account/second-factor/off";
        member.form(path, &fields).await
    };
    assert!(off().await.status.is_server_error());
    breaks(&server, "DROP TRIGGER lasting");
    assert_eq!(
        told(&off().await),
        "303 /projects/acme/account?notice=saved"
    );
}

/// Once sessions can be opened again.
async fn signs_in(server: &TestServer, email: &str) {
    breaks(server, "DROP TRIGGER broken");
    let fields = [("email", email), ("password", NEW)];
    let entered = server.by(Who::Nobody).form("/signin", &fields).await;
    assert_eq!(told(&entered), "303 /");
    assert!(!cookie(&entered, "session").is_empty());
}
