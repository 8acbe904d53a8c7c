//! Every route that changes something, called so that it goes well, leaves the entry it states in the audit log, and no
//! other. The routes come from their tables; what is sent to them stands here.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod names;

use axum::body::Body;
use jiff::{SignedDuration, Timestamp};
use ledger::{
    AuditEntry, AuditFilter, ConfigurationChange as Change, Invitation, KeptSince, Opens, Role,
    Scope, User,
};
use names::{Names, server, table};
use std::{collections::BTreeSet, time::Duration};
use tokio::sync::OnceCell;
use web::{
    access::{Access, digest, new_api_key},
    audit::{Effect, Subject},
    passwords,
    second_factor::Secret,
    signed::named,
    test::{Answer, Client, TestServer, Who},
};

/// Whose names stand in paths and bodies.
const CUSTOMERS: [&str; 4] = ["ann", "bob", "eve", "nobody-yet"];
const PASSWORD: &str = "correct horse";
/// Takes a noticeable time, and is made once.
static HASH: OnceCell<String> = OnceCell::const_new();

/// What goes well only with a body of its own.
const BODIES: &[(&str, &str)] = &[
    ("PUT /api/v1/projects/{project}", r#"{"name":"New"}"#),
    (
        "PUT /api/v1/projects/{project}/apps/{key}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/entitlements/{key}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/products/{id}",
        r#"{"name":"New"}"#,
    ),
    (
        "PUT /api/v1/projects/{project}/integrations/{key}",
        r#"{"name":"New"}"#,
    ),
    (
        "PATCH /api/v1/projects/{project}/customers/{who}",
        r#"{"attributes":{"plan":"year"}}"#,
    ),
    (
        "POST /api/v1/projects/{project}/customers/{who}/transfer",
        r#"{"to":"bob"}"#,
    ),
    (
        "POST /api/v1/projects/{project}/customers/{who}/grants",
        r#"{"entitlement":"premium"}"#,
    ),
    (
        "POST /api/v1/projects/{project}/purchases",
        r#"{"app":"shop","app_user_id":"eve","kind":"one_time_purchase","product_id":"gold","transaction_id":"e1",
            "original_transaction_id":"e1","updated_at":"2026-01-01T12:00:00Z","purchased_at":"2026-01-01T12:00:00Z"}"#,
    ),
    (
        "POST /api/v1/projects/{project}/replays",
        r#"{"integration":"hook","since":"2026-01-01"}"#,
    ),
    (
        "POST /v1/subscribers/identify",
        r#"{"app_user_id":"ann","new_app_user_id":"bob"}"#,
    ),
    (
        "POST /v1/subscribers/{id}/alias",
        r#"{"new_app_user_id":"bob"}"#,
    ),
    (
        "POST /v1/subscribers/{id}/attributes",
        r#"{"attributes":{"plan":{"value":"year"}}}"#,
    ),
    (
        "POST /v1/subscribers/{id}/attribution",
        r#"{"network":0,"data":{"rc_idfa":"1"}}"#,
    ),
    (
        "POST /v1/subscribers/{id}/entitlements/{entitlement}/promotional",
        r#"{"duration":"monthly"}"#,
    ),
    (
        "POST /callbacks/google/{app}",
        r#"{"message":{"messageId":"1","data":"eyJ2ZXJzaW9uIjoiMS4wIiwicGFja2FnZU5hbWUiOiJjb20uZXhhbXBsZS5hcHAiLCJ0ZXN0Tm90aWZpY2F0aW9uIjp7InZlcnNpb24iOiIxLjAifX0="}}"#,
    ),
    ("POST /invite/{token}", "name=New&password=correct+horse"),
    ("POST /projects", "name=Third&key=third"),
    (
        "POST /projects/{project}/account/password",
        "current=correct+horse&password=another+horse",
    ),
    (
        "POST /projects/{project}/apps/new/{store}",
        "app.key=second&app.name=Second&store_name=second",
    ),
    ("POST /projects/{project}/apps/{key}", "app.name=New"),
    (
        "POST /projects/{project}/catalog/bulk",
        "do=give&entitlement=premium&products=silver",
    ),
    ("POST /projects/{project}/catalog/list", "lines=bronze"),
    (
        "POST /projects/{project}/catalog/products",
        "id=gold&name=New&entitlements=premium",
    ),
    (
        "POST /projects/{project}/catalog/entitlements",
        "key=premium&name=New",
    ),
    (
        "POST /projects/{project}/integrations/new/{destination}",
        "integration.key=second&integration.name=Second&webhook_url=https%3A%2F%2Fhooks.slack.com%2Fservices%2FT%2FB%2Fx",
    ),
    (
        "POST /projects/{project}/integrations/{key}",
        "integration.name=New",
    ),
    (
        "POST /projects/{project}/integrations/{key}/remove",
        "sure=on",
    ),
    ("POST /projects/{project}/settings", "name=New"),
    ("POST /projects/{project}/settings/keys", "name=new"),
    (
        "POST /projects/{project}/people/invite",
        "email=new%40acme.example&role=viewer",
    ),
    ("POST /projects/{project}/people/{user}", "role=developer"),
    (
        "POST /projects/{project}/rates",
        "csv=Date%2C+USD%2C%0A01+January+2026%2C+1.1000%2C%0A",
    ),
    (
        "POST /projects/{project}/customers/{who}/forget",
        "sure=ann",
    ),
    (
        "POST /projects/{project}/customers/{who}/grant",
        "entitlement=premium&days=",
    ),
    (
        "POST /projects/{project}/customers/{who}/revoke",
        "entitlement=premium",
    ),
    (
        "POST /projects/{project}/customers/{who}/transfer",
        "to=bob",
    ),
    (
        "POST /projects/{project}/replay",
        "integration=hook&since=2026-01-01",
    ),
    (
        "POST /projects/{project}/simulator",
        "script=converts&product=gold&price=9.99&currency=USD&month=30",
    ),
];

/// To what it was done, where the route leaves that to its handler.
const SAID: &[(&str, &str)] = &[
    ("POST /api/v1/projects/{project}/purchases", "eve"),
    ("POST /api/v1/projects/{project}/replays", "hook"),
    ("POST /v1/subscribers/identify", "ann"),
    ("POST /signin", "with a password"),
    ("POST /signin/code", "with a password and a code"),
    (
        "POST /projects/{project}/people/{user}/second-factor",
        "viewer@acme.example",
    ),
    ("POST /projects/{project}/rates", "1"),
    ("POST /projects/{project}/replay", "hook"),
    ("POST /projects/{project}/simulator", "converts"),
];

/// What no call can make go well here, and why.
const NOT_CALLED: &[(&str, &str)] = &[
    ("POST /v1/receipts", "no store can be asked"),
    (
        "POST /api/v1/projects/{project}/events/{id}/consumption",
        "no store asks about a refund, and none could be answered",
    ),
    (
        "POST /projects/{project}/events/{id}/consumption",
        "no store asks about a refund, and none could be answered",
    ),
    ("POST /callbacks/apple/{app}", "Apple signs"),
    ("POST /callbacks/stripe/{app}", "Stripe signs"),
    (
        "POST /setup",
        "somebody has an account already; see the first one below",
    ),
];

/// An entry, and the project it is of.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    project: Option<String>,
    who: String,
    what: String,
    subject: String,
}

impl Told {
    fn new(project: Option<&str>, (who, what, subject): (&str, &str, &str)) -> Self {
        Self {
            project: project.map(str::to_owned),
            who: who.into(),
            what: what.into(),
            subject: subject.into(),
        }
    }

    /// An account by its address, which it alone has here.
    fn of(server: &TestServer, entry: &AuditEntry, project: Option<&str>) -> Self {
        let setup = server.app.engine.setup();
        let named = |who: &str| named(who, &setup.configuration.users);
        let (who, subject) = (named(&entry.who), named(&entry.subject));
        Self::new(project, (&who, &entry.what, &subject))
    }
}

/// Everything in the log, each entry with the project it is of.
async fn log(server: &TestServer) -> Vec<(AuditEntry, Option<String>)> {
    let (setup, ledger) = (server.app.engine.setup(), server.ledger());
    let mut log = Vec::new();
    let mut common = Vec::new();
    for project in setup.projects() {
        let mut filter = AuditFilter {
            project: project.row.id,
            with_common: false,
        };
        let own = ledger.audit(filter, None, 1000).await.unwrap();
        filter.with_common = true;
        common = ledger.audit(filter, None, 1000).await.unwrap();
        common.retain(|entry| !own.contains(entry));
        let key = &project.row.key;
        log.extend(own.into_iter().map(|entry| (entry, Some(key.clone()))));
    }
    log.extend(common.into_iter().map(|entry| (entry, None)));
    log
}

/// What a call left in the log: entries of configuration, which tell what was before and after, and others.
async fn left(server: &TestServer, before: &[(AuditEntry, Option<String>)]) -> (usize, Vec<Told>) {
    let known: BTreeSet<u64> = before.iter().map(|(entry, _)| entry.position).collect();
    let new = log(server).await.into_iter();
    let new = new.filter(|(entry, _)| !known.contains(&entry.position));
    let (configured, done): (Vec<_>, Vec<_>) =
        new.partition(|(entry, _)| !entry.before.is_empty() || !entry.after.is_empty());
    let done = done
        .iter()
        .map(|(entry, project)| Told::of(server, entry, project.as_deref()));
    (configured.len(), done.collect())
}

/// Lets go what programs wrote of customers, which is kept for a shorter time; answers how much of it there was.
async fn let_go(server: &TestServer) -> u64 {
    let since = KeptSince {
        attempts: Timestamp::MIN,
        audit: Timestamp::MIN,
        audit_of_programs: Timestamp::MAX,
    };
    server.ledger().retain(since, 1000).await.unwrap()
}

/// Whether the log names somebody once more when forgotten.
async fn names_when_forgotten(server: &TestServer, customer: &str) -> bool {
    let customers = server.app.engine.customers();
    let forgotten = customers.forget(server.project("acme"), customer);
    forgotten.await.unwrap();
    log(server)
        .await
        .iter()
        .any(|(entry, _)| entry.subject == customer)
}

/// A server on which every call can go well.
async fn prepared() -> (TestServer, Names) {
    let server = server().await;
    server.live().await;
    let names = Names::of(&server).await;
    server.endpoints.answer("https://hook.example", 200);
    let (hashing, system) = (&server.app.gate.hashing, server.app.engine.system());
    let hash = HASH.get_or_init(async || {
        let hash = passwords::hash(hashing, system, PASSWORD.into(), &[]).await;
        hash.unwrap()
    });
    let hash = hash.await.clone();
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    let owner = users
        .find(|user| user.email == "owner@acme.example")
        .unwrap();
    let with_password = User {
        password: hash,
        ..owner.clone()
    };
    let invitation = Invitation {
        digest: digest("invited"),
        email: "invited@acme.example".into(),
        role: Role::Viewer,
        project: None,
        opens: Opens::Account,
        made_by: "test".into(),
        expires_at: server
            .now()
            .checked_add(SignedDuration::from_hours(1))
            .unwrap(),
    };
    let changes = vec![
        Change::PutUser(with_password),
        Change::PutInvitation(invitation),
    ];
    assert!(
        server
            .app
            .engine
            .configure(&server.app.engine.setup(), changes, "test")
            .await
            .unwrap()
    );
    (server, names)
}

fn user(server: &TestServer, email: &str) -> String {
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users
        .find(|user| user.email == email)
        .unwrap()
        .id
        .to_string()
}

/// The path with what this server has for it, where it is not what others have.
async fn filled(server: &TestServer, names: &Names, route: &str, path: &str) -> String {
    let path = match route {
        "GET /v1/subscribers/{id}" => path.replace("{id}", "nobody-yet"),
        "DELETE /api/v1/projects/{project}/entitlements/{key}" => {
            let extra = serde_json::json!({ "name": "Extra" });
            let made = server
                .put("/api/v1/projects/acme/entitlements/extra", extra)
                .await;
            assert_eq!(made.status, 201, "{made}");
            path.replace("{key}", "extra")
        }
        "POST /signin/{token}" => {
            let link = server.app.operator_link("test").await.unwrap();
            path.replace("{token}", &link)
        }
        "POST /invite/{token}" => path.replace("{token}", "invited"),
        "POST /projects/{project}/people/{user}/second-factor" => {
            let user = user(server, "viewer@acme.example");
            second_factor(server, &user).await;
            path.replace("{user}", &user)
        }
        "POST /projects/{project}/people/withdraw/{digest}" => {
            path.replace("{digest}", &digest("invited"))
        }
        "POST /projects/{project}/settings/keys/{key}/revoke" => {
            let setup = server.app.engine.setup();
            let mut keys = setup.configuration.api_keys.iter();
            let key = keys.find(|key| key.name == "ReadKey").unwrap().id;
            path.replace("{key}", &key.to_string())
        }
        "POST /projects/{project}/simulator/{id}/stop" => {
            let body = body_of("POST /projects/{project}/simulator", "");
            let begun = client(server, Access::Form).request(
                "POST",
                "/projects/acme/simulator",
                Body::from(body),
            );
            assert_eq!(server.call(begun).await.status, 303);
            let page = server.page("/projects/acme/simulator").await.text();
            let (_, id) = page.split_once("/projects/acme/simulator/").unwrap();
            path.replace("{id}", id.split_once("/stop").unwrap().0)
        }
        _ => path.replace("{user}", &user(server, "viewer@acme.example")),
    };
    names.fill(&path, Some("acme"))
}

fn client(server: &TestServer, access: Access) -> Client<'_> {
    server.by(match access {
        Access::Anyone | Access::Visitor | Access::Store => Who::Nobody,
        Access::Client => Who::BoundWriteKey,
        Access::Read | Access::Write => Who::WriteKey,
        Access::Page | Access::Form | Access::Own | Access::Manage => Who::Owner,
    })
}

const SIGN_IN: &str = "email=owner%40acme.example&password=correct+horse";

/// Gives somebody a second factor.
async fn second_factor(server: &TestServer, user: &str) -> Secret {
    let secret = Secret::new(server.app.engine.system());
    let given = server
        .app
        .give_second_factor(user.parse().unwrap(), &secret, 0);
    assert!(given.await.unwrap().is_some());
    secret
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let beginning = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&beginning).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// What is sent about the owner's second factor.
async fn with_code(server: &TestServer, route: &str) -> String {
    let owner = user(server, "owner@acme.example");
    let password = "current=correct+horse";
    if route.ends_with("/begin") {
        return password.into();
    }
    if route.ends_with("/account/second-factor") {
        let path = "/projects/acme/account/second-factor/begin";
        let begun = server.form(path, &[("current", PASSWORD)]).await.text();
        let (_, key) = begun.split_once("Key: <code>").unwrap();
        let secret = server.secret(key.split('<').next().unwrap());
        return format!(
            "offer={}&code={}",
            hidden(&begun, "offer"),
            server.code(&secret)
        );
    }
    let code = server.code(&second_factor(server, &owner).await);
    if route.ends_with("/off") {
        return format!("{password}&code={code}");
    }
    let nobody = server.by(Who::Nobody);
    let first = nobody.request("POST", "/signin", Body::from(SIGN_IN));
    let page = server.call(first).await.text();
    format!("ticket={}&code={code}", hidden(&page, "ticket"))
}

fn body_of(route: &str, otherwise: &'static str) -> &'static str {
    let found = BODIES.iter().find(|(known, _)| *known == route);
    found.map_or(otherwise, |(_, body)| body)
}

/// Calls a route as somebody who may.
async fn call(server: &TestServer, (route, access): (&str, Access), path: &str) -> Answer {
    let (method, _) = route.split_once(' ').unwrap();
    let (preview, codes);
    let body = match route {
        "POST /signin" => SIGN_IN,
        _ if route == "POST /signin/code" || route.contains("/account/second-factor") => {
            codes = with_code(server, route).await;
            &codes
        }
        _ if route.ends_with("/preview") => {
            let events = server.get("/api/v1/projects/acme/events").await.json();
            let event = events["data"][0]["id"].as_str().unwrap();
            preview = format!("preview.event={event}");
            &preview
        }
        _ if path.starts_with("/api/") || path.starts_with("/v1/") => body_of(route, "{}"),
        _ => body_of(route, ""),
    };
    let client = match route {
        "POST /signout" => server.by(Who::Owner),
        _ => client(server, access),
    };
    let body = match method {
        "GET" | "DELETE" => Body::empty(),
        _ => Body::from(body.to_owned()),
    };
    server.call(client.request(method, path, body)).await
}

/// Who is to stand in the log.
fn by(route: &str, access: Access) -> &'static str {
    match (route, access) {
        ("POST /invite/{token}", _) => "invited@acme.example",
        ("POST /signin/{token}", _) => "operator",
        (_, Access::Client) => "key BoundWriteKey",
        (_, Access::Read | Access::Write) => "key WriteKey",
        _ => "owner@acme.example",
    }
}

/// To what it is to have been done.
fn subject_of(route: &str, subject: Subject, path: &str) -> String {
    let (_, pattern) = route.split_once(' ').unwrap();
    let mut parts = pattern.split('/').zip(path.split('/'));
    match subject {
        Subject::None => String::new(),
        Subject::Always(words) => words.into(),
        Subject::Caller => "owner@acme.example".into(),
        Subject::Path(name) | Subject::Customer(name) => {
            let hole = format!("{{{name}}}");
            let found = parts.find(|(part, _)| *part == hole);
            found
                .unwrap_or_else(|| panic!("{route} has no {name}"))
                .1
                .into()
        }
        Subject::Said | Subject::SaidCustomer => {
            let known = SAID.iter().find(|(known, _)| *known == route);
            known
                .unwrap_or_else(|| panic!("{route}: said by whom?"))
                .1
                .into()
        }
    }
}

/// Of customers, no name is left when they are forgotten, and what programs write of them is kept for a shorter time.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_something_leaves_the_entry_it_states() {
    let mut wrong = Vec::new();
    for (method, pattern, access) in table() {
        let route = format!("{} {pattern}", method.id());
        let Some(effect) = method.effect() else {
            continue;
        };
        if NOT_CALLED.iter().any(|(known, _)| *known == route) {
            continue;
        }
        let (server, names) = prepared().await;
        let path = filled(&server, &names, &route, pattern).await;
        let_go(&server).await;
        let before = log(&server).await;
        let answer = call(&server, (&route, access), &path).await;
        let (configured, done) = left(&server, &before).await;
        for told in &done {
            let is_of_customer = CUSTOMERS.contains(&&*told.subject);
            if is_of_customer && names_when_forgotten(&server, &told.subject).await {
                wrong.push(format!("{route} names a customer who is forgotten"));
            }
            let is_by_program = is_of_customer && told.who.starts_with("key ");
            if let_go(&server).await != u64::from(is_by_program) {
                wrong.push(format!("{route} leaves what is not kept as it should be"));
            }
        }
        let expected = match effect {
            Effect::Does(what, subject) => {
                let is_in_one = pattern.contains("{project}") || access == Access::Client;
                let subject = subject_of(&route, subject, &path);
                let told = (by(&route, access), what, subject.as_str());
                vec![Told::new(is_in_one.then_some("acme"), told)]
            }
            Effect::Configures | Effect::Nothing(_) => Vec::new(),
        };
        let is_right = (answer.status.is_success() || answer.status == 303)
            && done == expected
            && (configured > 0) == may_configure(&route, effect);
        if !is_right {
            wrong.push(format!(
                "{route}: {} left {configured} of configuration and {done:?} instead of {expected:?}\n{answer}",
                answer.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether entries of configuration are left: by what configures, by accounts that are made or changed, and by links that are spent.
fn may_configure(route: &str, effect: Effect) -> bool {
    let changes_accounts = [
        "POST /invite/{token}",
        "POST /signin/{token}",
        "POST /projects/{project}/account/password",
    ];
    effect == Effect::Configures || changes_accounts.contains(&route)
}

/// Signs in with a form; answers with what that left in the log.
async fn signing_in(server: &TestServer, body: String, status: u16) -> Vec<Told> {
    let before = log(server).await;
    let request = server
        .by(Who::Nobody)
        .request("POST", "/signin", Body::from(body));
    let answer = server.call(request).await;
    assert_eq!(answer.status, status, "{answer}");
    all_is_done(server).await;
    left(server, &before).await.1
}

/// Waits for what goes on after an answer.
async fn all_is_done(server: &TestServer) {
    let patience = Duration::from_secs(20);
    assert!(server.app.engine.deeds_done(patience).await);
}

#[tokio::test]
async fn signing_in_is_told_each_way_and_so_is_failing_to() {
    let (server, _) = prepared().await;
    let acme = server.project("acme");
    let (text, key) = new_api_key(server.app.engine.system(), Some(acme), "ci", Scope::Read);
    let changes = vec![Change::PutApiKey(key)];
    assert!(
        server
            .app
            .engine
            .configure(&server.app.engine.setup(), changes, "test")
            .await
            .unwrap()
    );
    let with_key = signing_in(&server, format!("key={text}"), 303).await;
    assert_eq!(
        with_key,
        [Told::new(Some("acme"), ("key ci", "sign in", "with a key"))]
    );
    let owner = "owner@acme.example";
    let wrong = format!("email={owner}&password=wrong");
    let failed = signing_in(&server, wrong, 401).await;
    assert_eq!(
        failed,
        [Told::new(None, ("somebody", "fail to sign in", owner))]
    );
    let nobody = signing_in(
        &server,
        "email=no%40body.example&password=wrong".into(),
        401,
    )
    .await;
    assert_eq!(nobody, [], "nobody is told of who is no member");
    let unknown = signing_in(&server, "key=tid_sk_none".into(), 401).await;
    assert_eq!(unknown, []);
    // Whoever reaches one project signs in to that one.
    let other = "otherowner@acme.example";
    let theirs = format!("email={other}&password=wrong");
    let failed = signing_in(&server, theirs, 401).await;
    assert_eq!(
        failed,
        [Told::new(
            Some("other"),
            ("somebody", "fail to sign in", other)
        )]
    );
}

#[tokio::test]
async fn a_wrong_current_password_is_told() {
    let (server, _) = prepared().await;
    let (path, owner) = ("/projects/acme/account/password", "owner@acme.example");
    for (fields, expected) in [
        (
            [("current", "wrong"), ("password", "another horse")],
            vec![(owner, "fail to change the password of", owner)],
        ),
        // It is the same person, who has to choose a longer one.
        ([("current", PASSWORD), ("password", "short")], vec![]),
    ] {
        let before = log(&server).await;
        let answer = server.by(Who::Owner).form(path, &fields).await;
        assert_eq!(answer.status, 422, "{answer}");
        let told = |told| Told::new(Some("acme"), told);
        let expected: Vec<_> = expected.into_iter().map(told).collect();
        assert_eq!(left(&server, &before).await, (0, expected));
    }
}

#[tokio::test]
async fn what_did_nothing_or_is_a_customers_own_leaves_no_entry() {
    let (server, names) = prepared().await;
    let replay = names.fill(
        "/api/v1/projects/{project}/replays/{id}/cancel",
        Some("acme"),
    );
    let cancelled = server.by(Who::WriteKey).send("POST", &replay, None).await;
    assert_eq!(cancelled.status, 204, "{cancelled}");
    let asked =
        serde_json::json!({ "integration": "idle", "since": "2026-01-01", "dry_run": true });
    let written = serde_json::json!({ "attributes": { "plan": { "value": "year" } } });
    for (who, method, path, body, status) in [
        (Who::WriteKey, "POST", &*replay, None, 204),
        (
            Who::WriteKey,
            "POST",
            "/api/v1/projects/acme/replays",
            Some(asked),
            200,
        ),
        (
            Who::WriteKey,
            "DELETE",
            "/api/v1/projects/acme/customers/nobody",
            None,
            404,
        ),
        (Who::BoundWriteKey, "GET", "/v1/subscribers/ann", None, 200),
        (Who::PublicKey, "GET", "/v1/subscribers/eve", None, 201),
        (
            Who::PublicKey,
            "POST",
            "/v1/subscribers/eve/attributes",
            Some(written),
            200,
        ),
        (
            Who::Owner,
            "POST",
            "/projects/acme/simulator/0/stop",
            None,
            303,
        ),
        (Who::Nobody, "POST", "/signout", None, 303),
    ] {
        let before = log(&server).await;
        let answer = server.by(who).send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer}");
        let (configured, done) = left(&server, &before).await;
        assert_eq!((configured, done), (0, Vec::new()), "{method} {path}");
    }
}

#[tokio::test]
async fn what_was_kept_of_a_refused_body_is_told() {
    let (server, _) = prepared().await;
    let before = log(&server).await;
    let body = serde_json::json!({ "attributes": { "$nonsense": { "value": "x" }, "plan": { "value": "year" } } });
    let path = "/v1/subscribers/ann/attributes";
    let answer = server
        .by(Who::BoundWriteKey)
        .send("POST", path, Some(body))
        .await;
    assert_eq!(answer.status, 400, "{answer}");
    let (_, done) = left(&server, &before).await;
    let expected = ("key BoundWriteKey", "change customer", "ann");
    let expected = Told::new(Some("acme"), expected);
    assert_eq!(done, [expected]);
}

#[tokio::test]
async fn whoever_makes_the_first_account_is_told() {
    let server = TestServer::empty(tidings_http::router).await;
    let link = server.app.operator_link("the server").await.unwrap();
    let token = server.app.enter_by_link(&link).await.unwrap();
    let operator = server.with_session(&token.unwrap());
    let fields = [
        ("email", "first@acme.example"),
        ("name", "First"),
        ("password", PASSWORD),
    ];
    let made = operator.form("/setup", &fields).await;
    assert_eq!(made.status, 303, "{made}");
    let filter = AuditFilter {
        project: "prj_00000000000000000000000000".parse().unwrap(),
        with_common: true,
    };
    let log = server.ledger().audit(filter, None, 10).await.unwrap();
    let log: Vec<_> = log
        .iter()
        .map(|entry| Told::of(&server, entry, None))
        .collect();
    let by = "first@acme.example";
    let expected = [
        Told::new(None, (by, "sign in", "with a new account")),
        Told::new(None, (by, "put user", by)),
        Told::new(None, ("operator", "end invitation", "operator")),
        Told::new(None, ("the server", "invite", "operator")),
    ];
    assert_eq!(log, expected);
}

#[tokio::test]
async fn an_entry_that_cannot_be_written_leaves_the_answer_as_it_is() {
    let (server, names) = prepared().await;
    let broken = rusqlite::Connection::open(server.database()).unwrap();
    broken.execute_batch("DROP TABLE audit_log").unwrap();
    let path = names.fill(
        "/api/v1/projects/{project}/deliveries/{id}/resend",
        Some("acme"),
    );
    let resent = server.by(Who::WriteKey).send("POST", &path, None).await;
    assert_eq!(resent.status, 202, "{resent}");
}

#[tokio::test]
async fn whoever_hangs_up_is_told_of_all_the_same() {
    let (server, names) = prepared().await;
    let before = log(&server).await;
    let path = names.fill(
        "/api/v1/projects/{project}/customers/{who}/transfer",
        Some("acme"),
    );
    let body = serde_json::json!({ "to": "bob" });
    let client = server.by(Who::WriteKey);
    let busy = rusqlite::Connection::open(server.database()).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let moving = client.send("POST", &path, Some(body));
    let hung_up = tokio::time::timeout(Duration::ZERO, moving).await;
    assert!(hung_up.is_err(), "answered at once: {hung_up:?}");
    let is_over = server.app.engine.deeds_done(Duration::ZERO).await;
    assert!(!is_over, "what nobody else may write yet is written");
    busy.execute_batch("ROLLBACK").unwrap();
    all_is_done(&server).await;
    let (_, done) = left(&server, &before).await;
    let expected = ("key WriteKey", "move purchases of", "ann");
    assert_eq!(done, [Told::new(Some("acme"), expected)]);
}

#[tokio::test]
async fn what_a_purchase_that_was_not_taken_in_changed_is_told() {
    let (server, _) = prepared().await;
    let plan = serde_json::json!({ "plan": { "value": "year" } });
    let nonsense = serde_json::json!({ "$nonsense": { "value": "x" } });
    let nothing = serde_json::json!({});
    for (platform, token, attributes, status, is_told) in [
        ("ios", "no receipt", &plan, 400, true),
        ("ios", "no receipt", &nonsense, 400, false),
        ("ios", "no receipt", &nothing, 400, false),
        // Kept until its store can be asked.
        ("android", "token-1", &nothing, 503, true),
    ] {
        let before = log(&server).await;
        let body = serde_json::json!({ "app_user_id": "ann", "fetch_token": token, "attributes": attributes });
        let client = server.by(Who::BoundWriteKey).with("x-platform", platform);
        let answer = client.send("POST", "/v1/receipts", Some(body)).await;
        assert_eq!(answer.status, status, "{answer}");
        let told = ("key BoundWriteKey", "send purchase of", "ann");
        let told = is_told.then(|| Told::new(Some("acme"), told));
        let (_, done) = left(&server, &before).await;
        assert_eq!(done, Vec::from_iter(told), "{token} {attributes}");
    }
}
