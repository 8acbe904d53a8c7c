//! What no table of routes has: calls that fail, that did nothing, whose caller is gone, or whose entry cannot be written.

use crate::{
    sent::{PASSWORD, prepared},
    told::{Told, all_is_done, left, log},
};
use axum::body::Body;
use ledger::{AuditFilter, ConfigurationChange as Change, Scope};
use std::time::Duration;
use web::{
    access::new_api_key,
    test::{TestServer, Who},
};

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

#[tokio::test]
async fn signing_in_is_told_each_way_and_so_is_failing_to() {
    let (server, _) = prepared().await;
    let acme = server.project("acme");
    let (text, key) =
        new_api_key(server.app.engine.system(), Some(acme), "ci", Scope::Read).unwrap();
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
    let body = serde_json::json!({ "attributes": { "$1": { "value": "x" }, "plan": { "value": "year" } } });
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
    let no_key = serde_json::json!({ "$1": { "value": "x" } });
    let nothing = serde_json::json!({});
    for (platform, token, attributes, status, is_told) in [
        ("ios", "no receipt", &plan, 400, true),
        ("ios", "no receipt", &no_key, 400, false),
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
