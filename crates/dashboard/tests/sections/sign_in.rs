//! Signing in and out, the first account, and joining by invitation.

use crate::{browser::main_of, cookie, first_day, fresh, lived, told};
use insta::assert_snapshot;
use ledger::{ConfigurationChange, Role, Scope};
use web::{
    access::new_api_key,
    test::{TestServer, Who},
};

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
    for link in [
        nobody.get("/signin/none").await,
        nobody.form("/signin/none", &[]).await,
    ] {
        assert_eq!(
            told(&link),
            "401 This link is no longer good: one opens once, within 15 minutes. `tidings sign-in-link` makes another."
        );
    }
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
        "422 \"nobody\" is not an e-mail address, which has at most 200 bytes and no blanks; the password has 10 to 200 characters"
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

/// A project from a file, and nobody who owns it.
#[tokio::test]
async fn the_operators_link_leads_to_the_owners_account_while_there_is_none() {
    let server = TestServer::empty(|app| dashboard::router(&app)).await;
    let project = serde_json::json!({ "project": { "key": "acme", "name": "Acme" } });
    server.apply(serde_json::from_value(project).unwrap()).await;
    let nobody = server.by(Who::Nobody);
    let link = async || {
        let token = server.app.operator_link("test").await.unwrap();
        format!("/signin/{token}")
    };
    let path = link().await;
    let page = nobody.get(&path).await.text();
    assert!(page.contains("Make the owner’s account"), "{page}");
    let entered = nobody.form(&path, &[]).await;
    assert_eq!(told(&entered), "303 /setup");
    // Whoever only looks makes no account, and may make it later.
    let looks = format!("{}?look=on", link().await);
    let entered = nobody.form(&looks, &[]).await;
    assert_eq!(told(&entered), "303 /");
    let operator = server.with_session(&cookie(&entered, "session"));
    let account = [("email", "ann@a.example"), ("password", "long enough")];
    assert_eq!(told(&operator.form("/setup", &account).await), "303 /");
    // Then it is a way in like any other.
    let path = link().await;
    let page = nobody.get(&path).await.text();
    assert!(page.contains("Sign in as the operator"), "{page}");
    assert_eq!(told(&nobody.form(&path, &[]).await), "303 /");
}

/// Where the owner is gone, whoever runs the server makes another; an admin makes himself none.
#[tokio::test]
async fn only_the_operator_makes_an_owner_beside_other_members() {
    let server = fresh().await;
    let engine = &server.app.engine;
    let setup = engine.setup();
    let owners = setup.configuration.users.iter();
    let owners = owners.filter(|user| user.role == Role::Owner && user.project.is_none());
    let gone = owners.map(|user| ConfigurationChange::RemoveUser(user.id));
    assert!(
        engine
            .configure(&setup, gone.collect(), "test")
            .await
            .unwrap()
    );
    let account = [("email", "new@a.example"), ("password", "long enough")];
    let admin = server.by(Who::Admin);
    assert_eq!(told(&admin.get("/setup").await), "303 /");
    assert_eq!(admin.form("/setup", &account).await.status, 403);
    let link = server.app.operator_link("test").await.unwrap();
    let nobody = server.by(Who::Nobody);
    let entered = nobody.form(&format!("/signin/{link}"), &[]).await;
    assert_eq!(told(&entered), "303 /setup");
    let operator = server.with_session(&cookie(&entered, "session"));
    assert_eq!(told(&operator.form("/setup", &account).await), "303 /");
}

#[tokio::test]
async fn an_invitation_makes_one_account_for_its_address() {
    let server = lived().await;
    let fields = [("email", "new@acme.example"), ("role", "viewer")];
    let invited = server.form("/projects/acme/members/invite", &fields).await;
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

/// Programs open links that are sent about before anybody does.
#[tokio::test]
async fn looking_at_the_operators_link_does_not_spend_it() {
    let server = lived().await;
    let link = server.app.operator_link("test").await.unwrap();
    let path = format!("/signin/{link}");
    let nobody = server.by(Who::Nobody);
    for _ in 0..3 {
        let page = nobody.get(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.headers.get("set-cookie").is_none());
        assert_snapshot!("link", main_of(&page.text()).replace(&link, "TOKEN"));
    }
    let elsewhere = nobody.clone().from_another_site().form(&path, &[]).await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(elsewhere.code(), "foreign_page");
    assert_eq!(told(&nobody.form(&path, &[]).await), "303 /");
    assert_eq!(nobody.form(&path, &[]).await.status, 401);
}

/// A form of another site signs nobody in, so that nobody works in an account that is not theirs, and signs nobody out.
#[tokio::test]
async fn no_other_site_signs_anybody_in_or_out() {
    let server = lived().await;
    let key = new_key(&server).await;
    let fields = [("key", key.as_str())];
    let nobody = server.by(Who::Nobody);
    let there = nobody.clone().from_another_site();
    let answer = there.form("/signin", &fields).await;
    assert_eq!(answer.status, 403);
    assert!(answer.headers.get("set-cookie").is_none());
    assert_eq!(told(&nobody.form("/signin", &fields).await), "303 /");
    let owner = server.by(Who::Owner);
    let there = owner.clone().from_another_site();
    assert_eq!(there.form("/signout", &[]).await.status, 403);
    assert_eq!(owner.get("/projects/acme").await.status, 200);
    assert_eq!(told(&owner.form("/signout", &[]).await), "303 /signin");
    assert_eq!(owner.get("/projects/acme").await.status, 303);
}

async fn new_key(server: &TestServer) -> String {
    let (text, key) = new_api_key(server.app.engine.system(), None, "ci", Scope::Read).unwrap();
    let engine = &server.app.engine;
    let change = vec![ConfigurationChange::PutApiKey(key)];
    let done = engine.configure(&engine.setup(), change, "test").await;
    assert!(done.unwrap());
    text
}

/// Whoever manages one project learns nothing of accounts elsewhere: not from the page, not from an invitation, not from the link.
#[tokio::test]
async fn an_invitation_does_not_tell_who_has_an_account_elsewhere() {
    let mut told_each = Vec::new();
    let mut servers = Vec::new();
    for email in ["viewer@acme.example", "nobody@acme.example"] {
        let server = fresh().await;
        let theirs = server.by(Who::OtherOwner);
        let people = theirs.get("/projects/other/members").await.text();
        assert!(people.contains("otherowner@acme.example"));
        assert!(!people.contains("viewer@acme.example"), "{people}");
        let fields = [("email", email), ("role", "viewer")];
        let invited = theirs.form("/projects/other/members/invite", &fields).await;
        let page = invited.text();
        let (_, token) = page.split_once("/invite/").unwrap();
        let path = format!("/invite/{}", token.get(..64).unwrap());
        let nobody = server.by(Who::Nobody);
        let form = nobody.get(&path).await;
        let joined = nobody.form(&path, &[("password", "long enough")]).await;
        let seen = [invited, form].map(|answer| {
            let text = main_of(&answer.text()).replace(email, "EMAIL");
            (answer.status, without_tokens(&text))
        });
        told_each.push((seen, told(&joined)));
        servers.push(server);
    }
    let server = &servers[0];
    assert_eq!(told_each[0], told_each[1]);
    // Who is let in is let into the one project.
    let setup = server.app.engine.setup();
    let accounts = setup.configuration.users.iter();
    let accounts = accounts.filter(|user| user.email == "viewer@acme.example");
    let reaches: Vec<_> = accounts.map(|user| user.project).collect();
    assert_eq!(reaches.len(), 2);
    assert!(reaches.contains(&None) && reaches.contains(&Some(server.project("other"))));
    // And whoever reaches everything is told, as before.
    let fields = [("email", "otherowner@acme.example"), ("role", "viewer")];
    let known = server.form("/projects/acme/members/invite", &fields).await;
    assert_eq!(
        told(&known),
        "422 otherowner@acme.example has an account already"
    );
}

/// A page without what is random in it, and what is counted.
fn without_tokens(page: &str) -> String {
    let words = page.split(|sign: char| !sign.is_ascii_alphanumeric());
    let words = words.filter(|word| word.len() < 32 && *word != "nobody");
    words.collect::<Vec<_>>().join(" ")
}

/// Two accounts of one address, in two projects: the password says which one is meant.
#[tokio::test]
async fn the_password_says_which_account_of_an_address_is_meant() {
    let server = lived().await;
    let mut paths = Vec::new();
    for (who, project) in [(Who::Owner, "acme"), (Who::OtherOwner, "other")] {
        let fields = [
            ("email", "eve@acme.example"),
            ("role", "viewer"),
            ("only", "on"),
        ];
        let fields = if who == Who::Owner {
            &fields[..]
        } else {
            &fields[..2]
        };
        let path = format!("/projects/{project}/members/invite");
        let page = server.by(who).form(&path, fields).await.text();
        let (_, token) = page.split_once("/invite/").unwrap();
        paths.push(format!("/invite/{}", token.get(..64).unwrap()));
    }
    let nobody = server.by(Who::Nobody);
    for (path, password) in paths.iter().zip(["the first of two", "the second of two"]) {
        let joined = nobody.form(path, &[("password", password)]).await;
        assert_eq!(told(&joined), "303 /");
    }
    for (password, sees, not) in [
        ("the first of two", "acme", "other"),
        ("the second of two", "other", "acme"),
    ] {
        let fields = [("email", "eve@acme.example"), ("password", password)];
        let answer = nobody.form("/signin", &fields).await;
        assert_eq!(told(&answer), "303 /");
        let eve = server.with_session(&cookie(&answer, "session"));
        assert_eq!(eve.get(&format!("/projects/{sees}")).await.status, 200);
        assert_eq!(eve.get(&format!("/projects/{not}")).await.status, 404);
    }
}
