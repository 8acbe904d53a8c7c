//! NATS JetStream: subjects, headers, acknowledgements, settings.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod sample;

use destinations::{
    Configured, Context, Outcome, Response, Via, find,
    nats::{self, Login, Publication},
};
use domain::{Environment, EventKind, Headers, NotSent};
use serde_json::{Value, json};

fn configured(settings: &Value) -> Box<dyn Configured> {
    let mut all = json!({ "servers": "nats://a.example:4222" });
    all.as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    find("nats")
        .unwrap()
        .configure(&all, &Context::default())
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn problem(settings: &Value) -> String {
    let made = find("nats")
        .unwrap()
        .configure(settings, &Context::default());
    made.err().unwrap()[0].to_string()
}

fn publication(configured: &dyn Configured, event: &domain::Event) -> Publication {
    let message = &configured.plan(event).unwrap()[0];
    match configured
        .render(message, event, sample::now(event))
        .unwrap()
        .via
    {
        Via::Nats(publication) => publication,
        _ => panic!("it is published"),
    }
}

#[test]
fn subjects_say_environment_app_and_kind() {
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    let subject = |settings: &Value, event: &domain::Event| {
        publication(configured(settings).as_ref(), event).subject
    };
    let key = event.app.as_ref().unwrap().key.clone();
    assert_eq!(
        subject(&json!({}), &event),
        format!("tidings.production.{key}.subscription_renewed")
    );
    event.environment = Environment::Sandbox;
    event.app.as_mut().unwrap().key = "my app.v2>".into();
    assert_eq!(
        subject(&json!({ "subject": "acme.events" }), &event),
        "acme.events.sandbox.my_app_v2_.subscription_renewed"
    );
    event.app = None;
    assert_eq!(
        subject(&json!({}), &event),
        "tidings.sandbox.-.subscription_renewed"
    );
}

#[test]
fn a_message_is_the_event_under_its_id() {
    let event = sample::event(EventKind::TrialConverted);
    let nats = configured(&json!({ "stream": "EVENTS" }));
    let message = &nats.plan(&event).unwrap()[0];
    let mut request = nats.render(message, &event, sample::now(&event)).unwrap();
    nats.sign(&mut request, "dlv_1", sample::time("2026-11-26T00:00:00Z"));
    let shown = request.shown_headers();
    let headers: Vec<_> = shown
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    let id = event.id.to_string();
    assert_eq!(
        headers,
        [
            ("content-type", "application/json"),
            ("Nats-Msg-Id", id.as_str()),
            ("Nats-Expected-Stream", "EVENTS"),
            ("Tidings-Delivery", "dlv_1"),
        ]
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["type"], "trial_converted");
    assert_eq!(body["data"], serde_json::to_value(&event).unwrap());
}

#[test]
fn what_a_stream_says_decides() {
    let nats = configured(&json!({}));
    for (status, body, expected) in [
        (200, r#"{"stream":"EVENTS","seq":7}"#, "Delivered"),
        (
            200,
            r#"{"stream":"EVENTS","seq":7,"duplicate":true,"domain":"hub"}"#,
            "Delivered",
        ),
        (
            200,
            r#"{"error":{"code":400,"description":"expected stream does not match"}}"#,
            "Rejected",
        ),
        (200, "pong", "Rejected"),
        (
            400,
            r#"{"error":{"code":400,"description":"expected stream does not match"}}"#,
            "expected stream does not match",
        ),
        (
            401,
            r#"{"error":{"code":401,"description":"authorization violation"}}"#,
            "CredentialsRefused",
        ),
        (
            403,
            r#"{"error":{"code":403,"description":"permissions violation"}}"#,
            "CredentialsRefused",
        ),
        (
            503,
            r#"{"error":{"code":503,"description":"no stream takes this subject"}}"#,
            "Retry",
        ),
        (503, "", "Retry"),
    ] {
        let outcome = nats.classify(&Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            unread: None,
            body: body.into(),
        });
        let outcome = format!("{outcome:?}");
        assert!(outcome.contains(expected), "{status} {body}: {outcome}");
        assert_eq!(
            outcome == format!("{:?}", Outcome::Delivered),
            expected == "Delivered"
        );
    }
}

#[test]
fn answers_carry_their_code() {
    for (body, status) in [
        (r#"{"stream":"EVENTS","seq":3}"#, 200),
        (
            r#"{"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}}"#,
            400,
        ),
        (r#"{"error":{"description":"odd"}}"#, 500),
        ("pong", 200),
    ] {
        let answer = nats::answer(body.as_bytes());
        assert_eq!(
            (answer.status, answer.body),
            (status, body.into()),
            "{body}"
        );
    }
    let refusal = nats::refusal(503, "no stream takes this subject");
    assert_eq!(refusal.status, 503);
    assert_eq!(nats::answer(&refusal.body), refusal);
}

#[test]
fn settings_are_checked_by_name() {
    for (settings, expected) in [
        (
            json!({}),
            "`servers` \"\" must begin with nats:// or tls://",
        ),
        (json!({ "servers": "a.example:4222" }), "`servers`"),
        (
            json!({ "servers": "nats://me:secret@a.example" }),
            "must not contain a user name",
        ),
        (
            json!({ "servers": "nats://a.example,https://b" }),
            "`servers`",
        ),
        (
            json!({ "servers": "nats://a", "subject": "a..b" }),
            "`subject`",
        ),
        (
            json!({ "servers": "nats://a", "subject": "a.*" }),
            "`subject`",
        ),
        (
            json!({ "servers": "nats://a", "subject": "$SYS.a" }),
            "the server's own",
        ),
        (
            json!({ "servers": "nats://a", "stream": "a.b" }),
            "`stream`",
        ),
        (
            json!({ "servers": "nats://a", "password": "p" }),
            "`user` is missing",
        ),
        (
            json!({ "servers": "nats://a", "user": "u", "token": "t" }),
            "three ways",
        ),
        (
            json!({ "servers": "nats://a", "credentials": "no" }),
            "`credentials`",
        ),
        (
            json!({ "servers": "tls://a", "ca_certificates": "no" }),
            "`ca_certificates` holds no certificates",
        ),
        (
            json!({ "servers": "nats://a", "events": { "test": "other" } }),
            "`events.test`",
        ),
        (
            json!({ "servers": "nats://a", "max_per_second": 0 }),
            "nonzero",
        ),
        (
            json!({ "servers": "nats://a", "servants": 1 }),
            "`servants`",
        ),
    ] {
        let found = problem(&settings);
        assert!(found.contains(expected), "{settings}: {found}");
    }
}

#[test]
fn each_way_to_sign_in() {
    let event = sample::event(EventKind::Test);
    let login = |settings: &Value| publication(configured(settings).as_ref(), &event).login;
    assert!(login(&json!({})) == Login::Nobody);
    assert!(login(&json!({ "token": "t" })) == Login::Token("t".into()));
    let password = Login::Password("u".into(), "p".into());
    assert!(login(&json!({ "user": "u", "password": "p" })) == password);
}

#[test]
fn authorities_of_its_own_go_with_what_is_published() {
    let event = sample::event(EventKind::Test);
    let authorities = |settings: &Value| {
        let configured = configured(settings);
        let message = &configured.plan(&event).unwrap()[0];
        configured
            .render(message, &event, sample::now(&event))
            .unwrap()
            .authorities
    };
    assert_eq!(authorities(&json!({})), None);
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let own = json!({ "servers": "tls://a.example", "ca_certificates": pem });
    assert_eq!(authorities(&own).as_deref(), Some(pem));
}

#[test]
fn what_is_excluded_says_why() {
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    event.environment = Environment::Sandbox;
    let plan = |settings: Value, event: &domain::Event| configured(&settings).plan(event).err();
    assert_eq!(plan(json!({}), &event), None);
    let off = json!({ "exclude_sandbox": true });
    assert_eq!(plan(off, &event), Some(NotSent::EventDisabled));
    let off = json!({ "events": { "subscription_renewed": false } });
    assert_eq!(plan(off, &event), Some(NotSent::EventDisabled));
    event.customer.first_seen = event.occurred_at + jiff::SignedDuration::from_secs(1);
    let off = json!({ "exclude_historical": true });
    assert_eq!(
        plan(off.clone(), &event),
        None,
        "it made the customer known"
    );
    event.late = true;
    assert_eq!(plan(off, &event), Some(NotSent::Historical));
}
