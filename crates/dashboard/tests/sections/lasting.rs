//! What lasts asks again: sessions of keys, streams, links.

use crate::{fresh, lived, told};
use jiff::SignedDuration;
use ledger::{ConfigurationChange as Change, Invitation, Opens, Role, Scope, User, UserPart};
use web::{
    access::{Caller, Lasting, digest, new_api_key},
    test::{Client, Opened, TestServer, Who},
};

async fn configure(server: &TestServer, changes: Vec<Change>) {
    let engine = &server.app.engine;
    let done = engine.configure(&engine.setup(), changes, "test").await;
    assert!(done.unwrap());
}

fn user(server: &TestServer, email: &str) -> User {
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users.find(|user| user.email == email).unwrap().clone()
}

#[tokio::test]
async fn a_session_made_from_a_key_ends_with_the_key_and_after_half_a_day() {
    let server = fresh().await;
    let (system, acme) = (server.app.engine.system(), server.project("acme"));
    let (_, key) = new_api_key(system, Some(acme), "ci", Scope::Write).unwrap();
    configure(&server, vec![Change::PutApiKey(key.clone())]).await;
    let open = || server.app.sessions.open(system, Caller::of_key(&key));
    let opens = async |token: &str| {
        let page = server.with_session(token).get("/projects/acme").await;
        page.status.as_u16()
    };
    let first = open();
    assert_eq!(opens(&first).await, 200);
    server.pass(SignedDuration::from_hours(11)).await;
    let second = open();
    assert_eq!(opens(&first).await, 200);
    server.pass(SignedDuration::from_hours(1)).await;
    assert_eq!((opens(&first).await, opens(&second).await), (303, 200));
    configure(&server, vec![Change::RemoveApiKey(key.id)]).await;
    assert_eq!(opens(&second).await, 303, "the key was revoked");
}

/// Somebody who opens pages stays; who does not, goes after three days, and a page that asks for more by itself does not count.
#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_after_a_fortnight_anyway() {
    let server = fresh().await;
    let owner = server.by(Who::Owner);
    let page = async |client: &Client<'_>| client.get("/projects/acme").await.status.as_u16();
    let by_itself = owner.clone().with("sec-fetch-dest", "empty");
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    assert_eq!(page(&owner).await, 200);
    for _ in 0..5 {
        server.pass(days(2)).await;
        assert_eq!(page(&owner).await, 200, "it is used");
    }
    for _ in 0..2 {
        server.pass(days(1)).await;
        assert_eq!(page(&by_itself).await, 200);
    }
    server.pass(days(1)).await;
    assert_eq!(
        page(&by_itself).await,
        303,
        "nobody was there for three days"
    );
    assert_eq!(page(&owner).await, 303, "and so it has ended");

    let server = fresh().await;
    let admin = server.by(Who::Admin);
    for _ in 0..13 {
        assert_eq!(page(&admin).await, 200);
        server.pass(days(1)).await;
    }
    assert_eq!(page(&admin).await, 200);
    server.pass(days(1)).await;
    assert_eq!(page(&admin).await, 303, "however much it was used");
}

/// The server may be told that sessions end sooner; those that there are then do so too.
#[tokio::test]
async fn sessions_end_as_the_server_was_told() {
    let mut server = fresh().await;
    let lasting = Lasting {
        idle: SignedDuration::from_hours(1),
        longest: SignedDuration::from_hours(3),
    };
    server.lasting(lasting);
    let system = server.app.engine.system();
    let (_, key) = new_api_key(system, None, "ci", Scope::Read).unwrap();
    configure(&server, vec![Change::PutApiKey(key.clone())]).await;
    let token = server.app.sessions.open(system, Caller::of_key(&key));
    let by_key = server.with_session(&token);
    let owner = server.by(Who::Owner);
    let page = async |client: &Client<'_>| client.get("/projects/acme").await.status.as_u16();
    for _ in 0..5 {
        assert_eq!((page(&owner).await, page(&by_key).await), (200, 200));
        server.pass(SignedDuration::from_mins(30)).await;
    }
    assert_eq!((page(&owner).await, page(&by_key).await), (200, 200));
    server.pass(SignedDuration::from_mins(30)).await;
    assert_eq!((page(&owner).await, page(&by_key).await), (303, 303));
    let token = server.app.sessions.open(system, Caller::of_key(&key));
    server.pass(SignedDuration::from_mins(60)).await;
    let idle = page(&server.with_session(&token)).await;
    assert_eq!(idle, 303);
}

#[tokio::test]
async fn sessions_of_a_key_are_bounded_and_the_oldest_goes() {
    let server = fresh().await;
    let system = server.app.engine.system();
    let (_, key) = new_api_key(system, None, "ci", Scope::Read).unwrap();
    let (_, other) = new_api_key(system, None, "other", Scope::Read).unwrap();
    let keys = vec![
        Change::PutApiKey(key.clone()),
        Change::PutApiKey(other.clone()),
    ];
    configure(&server, keys).await;
    let sessions = &server.app.sessions;
    let others = sessions.open(system, Caller::of_key(&other));
    let mut open = Vec::new();
    for _ in 0..21 {
        server.pass(SignedDuration::from_secs(1)).await;
        open.push(sessions.open(system, Caller::of_key(&key)));
    }
    let mut good = Vec::new();
    for token in [&others, &open[0], &open[1], &open[20]] {
        let page = server.with_session(token).get("/projects/acme").await;
        good.push(page.status.as_u16());
    }
    assert_eq!(good, [200, 303, 200, 200]);
}

/// Longer than anything here takes: where a stream does not end, the test says so instead of hanging.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// A stream of somebody who has been shown something.
async fn follows(server: &TestServer, who: Who) -> Opened {
    let path = "/projects/acme/live?after=0";
    let nothing = axum::body::Body::empty();
    let request = server.by(who).request("GET", path, nothing);
    let mut stream = server.open(request).await;
    assert_eq!(stream.status, 200, "{who:?}");
    assert!(stream.next().await.is_some(), "{who:?}");
    stream
}

#[tokio::test]
async fn a_stream_ends_when_the_right_to_it_does() {
    let server = lived().await;
    let mut owners = follows(&server, Who::Owner).await;
    let mut streams = Vec::new();
    for who in [Who::Viewer, Who::Developer, Who::Admin] {
        streams.push(follows(&server, who).await);
    }
    let viewer = user(&server, "viewer@acme.example");
    configure(&server, vec![Change::RemoveUser(viewer.id)]).await;
    let bound = User {
        project: Some(server.project("other")),
        ..user(&server, "developer@acme.example")
    };
    configure(&server, vec![Change::PutUser(bound)]).await;
    let admin = user(&server, "admin@acme.example");
    let closed = server.ledger().close_sessions(None, Some(admin.id)).await;
    closed.unwrap();
    for mut stream in streams {
        let ended = tokio::time::timeout(PATIENCE, stream.to_its_end()).await;
        assert!(ended.is_ok(), "still shown what happens");
    }
    server.buys("somebody new").await;
    while let Some(shown) = owners.next().await {
        if shown.contains("somebody new") {
            return;
        }
    }
    panic!("the owner's stream ended, too");
}

/// Makes a link for somebody's password; answers with its path.
async fn link(server: &TestServer, by: Who, email: &str) -> Result<String, String> {
    let path = format!("/projects/acme/members/{}/link", user(server, email).id);
    let answer = server.by(by).form(&path, &[]).await;
    match answer.text().split_once("/invite/") {
        Some((_, rest)) => Ok(format!("/invite/{}", rest.get(..64).unwrap())),
        None => Err(told(&answer)),
    }
}

#[tokio::test]
async fn a_password_link_is_made_for_equals_by_owners_only() {
    let server = fresh().await;
    let refused = "403 only owners make a link that opens the account of an equal";
    for (by, of, expected) in [
        (Who::Admin, "admin@acme.example", Err(refused)),
        (Who::Admin, "developer@acme.example", Ok(())),
        (Who::Owner, "admin@acme.example", Ok(())),
        (Who::Owner, "expired@acme.example", Ok(())),
    ] {
        let made = link(&server, by, of).await;
        assert_eq!(
            made.as_ref().map(|_| ()).map_err(String::as_str),
            expected,
            "{by:?} {of}"
        );
    }
    let page = server
        .by(Who::Admin)
        .get("/projects/acme/members")
        .await
        .text();
    assert_eq!(
        page.matches("Password link").count(),
        2,
        "of the viewer and the developer"
    );
}

#[tokio::test]
async fn a_password_link_dies_with_its_user_the_role_and_its_maker() {
    let new = [("password", "a new password")];
    let gone = "404 this invitation was used, withdrawn, or is too old; ask for another";
    let (viewer, admin) = ("viewer@acme.example", "admin@acme.example");
    for what in [
        "nothing",
        "promoted",
        "removed",
        "made again",
        "maker removed",
    ] {
        let server = fresh().await;
        let path = link(&server, Who::Admin, viewer).await.unwrap();
        let page = |email| format!("/projects/acme/members/{}", user(&server, email).id);
        let owner = server.by(Who::Owner);
        let changed = match what {
            "nothing" => None,
            "promoted" => Some(owner.form(&page(viewer), &[("role", "admin")]).await),
            "removed" => Some(owner.form(&page(viewer), &[("remove", "on")]).await),
            "maker removed" => Some(owner.form(&page(admin), &[("remove", "on")]).await),
            _ => {
                link(&server, Who::Owner, viewer).await.unwrap();
                None
            }
        };
        assert!(changed.is_none_or(|answer| answer.status == 303), "{what}");
        let used = told(&server.by(Who::Nobody).form(&path, &new).await);
        let expected = if what == "nothing" { "303 /" } else { gone };
        assert_eq!(used, expected, "{what}");
        let left = &server.app.engine.setup().configuration.invitations;
        let of_path = digest(path.trim_start_matches("/invite/"));
        let of_first = left.iter().any(|link| link.digest == of_path);
        assert!(!of_first, "{what}");
    }
    // By another way than the page: it is looked at again when it is used.
    let server = fresh().await;
    let path = link(&server, Who::Admin, viewer).await.unwrap();
    let of = user(&server, viewer);
    let role = UserPart::Role(Role::Admin);
    configure(&server, vec![Change::ChangeUser(of.id, of.email, role)]).await;
    assert_eq!(told(&server.by(Who::Nobody).form(&path, &new).await), gone);
}

#[tokio::test]
async fn the_log_says_by_whose_link_a_password_was_set() {
    let server = fresh().await;
    let path = link(&server, Who::Owner, "viewer@acme.example")
        .await
        .unwrap();
    let new = [("password", "a new password")];
    assert_eq!(
        told(&server.by(Who::Nobody).form(&path, &new).await),
        "303 /"
    );
    let page = server.page("/projects/acme/audit").await.text();
    for told in [
        "viewer@acme.example, by a link of owner@acme.example",
        "by a password link of owner@acme.example",
    ] {
        assert!(page.contains(told), "{told}");
    }
}

#[tokio::test]
async fn links_are_bounded_and_old_ones_make_room() {
    let server = fresh().await;
    let until = |hours| server.now().checked_add(SignedDuration::from_hours(hours));
    let links = |hours| {
        (0..100).map(move |number| Invitation {
            digest: digest(&format!("{hours} {number}")),
            email: format!("user-{number}@a.example"),
            role: Role::Viewer,
            project: None,
            opens: Opens::Account,
            made_by: "test".into(),
            expires_at: until(hours).unwrap(),
        })
    };
    configure(&server, links(1).map(Change::PutInvitation).collect()).await;
    let fields = [("email", "new@a.example"), ("role", "viewer")];
    let invite = async || server.form("/projects/acme/members/invite", &fields).await;
    let refused = "409 100 links are open already; withdraw some first";
    assert_eq!(told(&invite().await), refused);
    // To this project only is another reach.
    let only = [
        ("email", "only@a.example"),
        ("role", "viewer"),
        ("only", "on"),
    ];
    let made = server.form("/projects/acme/members/invite", &only).await;
    assert_eq!(made.status, 200, "{made}");
    server.pass(SignedDuration::from_hours(2)).await;
    assert_eq!(invite().await.status, 200);
    assert_eq!(server.app.engine.setup().configuration.invitations.len(), 2);
}

#[tokio::test]
async fn the_operator_s_link_opens_once_and_for_a_quarter_of_an_hour() {
    let server = fresh().await;
    let nobody = server.by(Who::Nobody);
    let enter = async |token: &str| {
        let path = format!("/signin/{token}");
        nobody.form(&path, &[]).await.status.as_u16()
    };
    let once = server.app.operator_link("test").await.unwrap();
    let (one, other) = tokio::join!(enter(&once), enter(&once));
    assert_eq!(one.min(other), 303);
    assert_eq!(one.max(other), 401, "of two at once one is let in");
    assert_eq!(enter(&once).await, 401);
    let (late, in_time) = (
        server.app.operator_link("test").await.unwrap(),
        server.app.operator_link("test").await.unwrap(),
    );
    server.pass(SignedDuration::from_mins(14)).await;
    assert_eq!(enter(&in_time).await, 303);
    server.pass(SignedDuration::from_mins(1)).await;
    assert_eq!(enter(&late).await, 401);
    // It makes no account and sets no password.
    let token = server.app.operator_link("test").await.unwrap();
    let joined = nobody
        .form(
            &format!("/invite/{token}"),
            &[("password", "a new password")],
        )
        .await;
    assert_eq!(joined.status, 404);
}

#[tokio::test]
async fn the_first_owner_ends_the_links_that_were_made_before() {
    let (server, session) = crate::first_day().await;
    let token = server.app.operator_link("test").await.unwrap();
    let account = [("email", "ann@a.example"), ("password", "correct horse")];
    let made = server.with_session(&session).form("/setup", &account).await;
    assert_eq!(told(&made), "303 /");
    let path = format!("/signin/{token}");
    let late = server.by(Who::Nobody).form(&path, &[]).await;
    assert_eq!(late.status, 401);
    let many: Vec<String> = {
        let mut many = Vec::new();
        for _ in 0..12 {
            server.pass(SignedDuration::from_secs(1)).await;
            many.push(server.app.operator_link("test").await.unwrap());
        }
        many
    };
    let open = &server.app.engine.setup().configuration.invitations;
    assert_eq!(open.len(), 10);
    assert!(open.iter().all(|link| link.digest != digest(&many[0])));
}
