//! A form that is pressed twice: what it does is done once, and whoever pressed is told so by the answer to the second press, which is the one that browsers show.

use crate::{lived, sent, shown, told};
use domain::EventKind;
use jiff::SignedDuration;
use ledger::{AuditFilter, DeliveryFilter, DeliveryState, EventFilter, Page};
use web::test::TestServer;

/// The value of the first hidden field of this name that a page has.
async fn hidden(server: &TestServer, path: &str, name: &str) -> String {
    let page = server.page(&format!("/projects/acme{path}")).await.text();
    let begins = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .split_once(&begins)
        .unwrap_or_else(|| panic!("{path}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// How often the audit log says that something was done.
async fn audited(server: &TestServer, what: &str) -> usize {
    let filter = AuditFilter {
        project: server.project("acme"),
        with_common: true,
    };
    let log = server.ledger().audit(filter, None, 500).await.unwrap();
    log.iter().filter(|entry| entry.what == what).count()
}

#[tokio::test]
async fn begins_one_replay_and_another_when_it_says_something_else() {
    let server = lived().await;
    let asked = "/replay?integration=hook&since=2026-01-01&standings=delivered&per_second=5";
    let form = hidden(&server, asked, "form").await;
    let press = async |per_second: &str| {
        let fields = [
            ("integration", "hook"),
            ("since", "2026-01-01"),
            ("standings", "delivered"),
            ("per_second", per_second),
            ("form", &form),
        ];
        let led = sent(&server, "/replay", &fields).await;
        assert_eq!(led, "303 /projects/acme/replay?notice=replaying#replays");
    };
    let project = server.project("acme");
    let begun = async || {
        let all = server.ledger().replays(project, None, 9).await.unwrap();
        (all.len(), audited(&server, "replay events to").await)
    };
    press("5").await;
    server.pass(SignedDuration::from_secs(2)).await;
    press("5").await;
    assert_eq!(begun().await, (1, 1));
    press("6").await;
    assert_eq!(begun().await, (2, 2));
}

#[tokio::test]
async fn gives_access_once_also_after_it_was_taken_back() {
    let server = lived().await;
    let form = hidden(&server, "/customers/ann", "form").await;
    let fields = [("entitlement", "premium"), ("days", "7"), ("form", &*form)];
    let project = server.project("acme");
    let grants = async || {
        let ann = server.ledger().customer(project, "ann").await.unwrap();
        let owned = ann.unwrap().purchases.into_iter();
        let given = owned.filter(|owned| owned.chain.store == domain::Store::Promotional);
        given.count()
    };
    let before = grants().await;
    for _ in 0..2 {
        let led = sent(&server, "/customers/ann/grant", &fields).await;
        assert!(led.starts_with("303 "), "{led}");
        server.pass(SignedDuration::from_mins(5)).await;
        let taken = [("entitlement", "premium")];
        sent(&server, "/customers/ann/revoke", &taken).await;
    }
    assert_eq!(grants().await, before + 1);
}

#[tokio::test]
async fn sends_one_test_event() {
    let server = lived().await;
    let filter = EventFilter {
        project: Some(server.project("acme")),
        kinds: vec![EventKind::Test],
        ..EventFilter::default()
    };
    let tests = async || {
        let page = Page::Before(None, 50);
        server.ledger().events(&filter, page).await.unwrap().len()
    };
    let before = tests().await;
    let form = hidden(&server, "/integrations/hook", "form").await;
    let mut led = Vec::new();
    for _ in 0..2 {
        led.push(sent(&server, "/integrations/hook/test", &[("form", &form)]).await);
    }
    assert_eq!(tests().await, before + 1);
    assert_eq!(led[0], led[1], "both lead to what came of it");
    let next = hidden(&server, "/integrations/hook", "form").await;
    sent(&server, "/integrations/hook/test", &[("form", &next)]).await;
    assert_eq!(tests().await, before + 2);
    let wrong = sent(&server, "/integrations/hook/test", &[("form", "1")]).await;
    assert!(wrong.starts_with("422 form: is of no page"), "{wrong}");
}

#[tokio::test]
async fn sends_a_delivery_again_once() {
    let server = lived().await;
    let filter = DeliveryFilter {
        project: Some(server.project("acme")),
        integration: None,
        state: Some(DeliveryState::Delivered),
    };
    let record = async || {
        let all = server.ledger().deliveries(&filter, None, 50).await.unwrap();
        let mut all = all.into_iter();
        all.find(|row| row.kind != EventKind::Test).unwrap()
    };
    let delivered = record().await;
    let event = format!("/events/{}", delivered.event);
    let path = format!("/deliveries/{}/resend", delivered.id);
    // The page of the event has a form for each integration.
    let as_shown = async || {
        let page = server.page(&format!("/projects/acme{event}")).await.text();
        let (_, rest) = page.split_once(&path).unwrap();
        let (_, rest) = rest.split_once("name=\"shown\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let before = audited(&server, "resend delivery").await;
    server.pass(SignedDuration::from_secs(1)).await;
    let was = as_shown().await;
    for _ in 0..2 {
        let led = sent(&server, &path, &[("shown", &was)]).await;
        assert!(led.ends_with("?notice=resent"), "{led}");
        server.catch_up().await;
    }
    assert_eq!(audited(&server, "resend delivery").await, before + 1);
    let now = as_shown().await;
    assert_ne!(
        now, was,
        "whoever sees what came of it may send it once more"
    );
    sent(&server, &path, &[("shown", &now)]).await;
    assert_eq!(audited(&server, "resend delivery").await, before + 2);
}

/// What is shown once is shown by the answer to the second press, and what nobody saw opens nothing.
#[tokio::test]
async fn makes_one_key_and_one_invitation_and_shows_those_that_count() {
    let server = lived().await;
    let form = hidden(&server, "/settings", "form").await;
    let path = "/projects/acme/settings/keys";
    let fields = [("name", "nightly"), ("form", &*form)];
    let mut made = Vec::new();
    for _ in 0..2 {
        let page = server.form(path, &fields).await.text();
        let (_, rest) = page.split_once("tid_sk_").unwrap();
        made.push(format!("tid_sk_{}", rest.split('<').next().unwrap()));
    }
    let setup = server.app.engine.setup();
    let digest = |key: &String| web::access::digest(key);
    let is_good = |key: &String| setup.api_key(&digest(key)).is_some();
    assert_eq!([is_good(&made[0]), is_good(&made[1])], [false, true]);

    let invited = |server: &TestServer| {
        let setup = server.app.engine.setup();
        let all = setup.configuration.invitations.iter();
        let new = all.filter(|invitation| invitation.email == "new@acme.example");
        new.map(|invitation| invitation.digest.clone())
            .collect::<Vec<_>>()
    };
    let path = "/projects/acme/members/invite";
    let fields = [("email", "new@acme.example"), ("role", "viewer")];
    server.form(path, &fields).await;
    let answer = server.form(path, &fields).await;
    assert_eq!(answer.status, 200, "{}", told(&answer));
    let page = answer.text();
    let (_, rest) = page.split_once("/invite/").unwrap();
    let token: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    assert_eq!(invited(&server), [web::access::digest(&token)]);
    assert!(!shown(&server, "/members").await.is_empty());
}
