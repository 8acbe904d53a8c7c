//! The nine documented messages, reproduced exactly, and what Slack's answers mean.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod sample;

use destinations::{Configured, Context, Outcome, Response, find};
use domain::{Currency, Environment, Event, EventKind, Headers, Money, NotSent};
use serde_json::{Value, json};
use std::path::PathBuf;

fn slack(settings: &Value) -> Box<dyn Configured> {
    find("slack")
        .unwrap()
        .configure(
            settings,
            &Context {
                public_url: "https://t.example".into(),
            },
        )
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn samples() -> Box<dyn Configured> {
    slack(&json!({
        "webhook_url": "https://hooks.slack.com/services/T/B/secret", "channel": "purchases", "username": "RevenueCat",
        "icon_url": "https://app.revenuecat.com/favicon-96x96.png", "link_base": "https://app.revenuecat.com/activity/123abcd45",
    }))
}

fn body(configured: &dyn Configured, event: &Event) -> Value {
    let message = &configured.plan(event).unwrap()[0];
    serde_json::from_slice(
        &configured
            .render(message, event, sample::now(event))
            .unwrap()
            .body,
    )
    .unwrap()
}

/// The event that leads to a sample: kind, product, price in dollars, seconds.
fn cases() -> [(&'static str, EventKind, &'static str, i64, i64); 9] {
    [
        (
            "initial_purchase",
            EventKind::SubscriptionStarted,
            "monthly_1",
            5_990_000,
            1_588_335_655,
        ),
        (
            "trial_started",
            EventKind::TrialStarted,
            "monthly_3d_trial",
            0,
            1_553_805_130,
        ),
        (
            "trial_converted",
            EventKind::TrialConverted,
            "monthly_1",
            5_990_000,
            1_554_466_423,
        ),
        (
            "renewal",
            EventKind::SubscriptionRenewed,
            "monthly_1",
            5_990_000,
            1_554_091_875,
        ),
        (
            "trial_cancelled",
            EventKind::TrialRenewalCancelled,
            "monthly_3d_trial",
            0,
            1_554_502_133,
        ),
        (
            "cancellation",
            EventKind::SubscriptionRenewalCancelled,
            "annual",
            5_990_000,
            1_553_810_169,
        ),
        (
            "billing_issue",
            EventKind::BillingIssueDetected,
            "annual_trial",
            5_990_000,
            1_663_976_618,
        ),
        (
            "non_subscription_purchase",
            EventKind::NonSubscriptionPurchase,
            "500_coins",
            4_990_000,
            1_590_390_293,
        ),
        (
            "product_change",
            EventKind::ProductChanged,
            "monthly",
            5_990_000,
            1_663_976_617,
        ),
    ]
}

#[test]
fn the_nine_messages_equal_the_documented_ones() {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/slack");
    let slack = samples();
    for (name, kind, product, micros, second) in cases() {
        let mut event = sample::event(kind);
        event.product = Some(product.into());
        event.occurred_at = jiff::Timestamp::from_second(second).unwrap();
        let transaction = event.transaction.as_mut().unwrap();
        transaction.price = Some(Money::new(micros, Currency::USD));
        let rendered = body(slack.as_ref(), &event);
        insta::assert_json_snapshot!(format!("slack_{name}"), rendered);
        let Ok(vector) = std::fs::read_to_string(vectors.join(format!("{name}.json"))) else {
            continue;
        };
        let vector: Value = serde_json::from_str(&vector).unwrap();
        assert_eq!(rendered, vector["payload"], "{name}");
        let message = &slack.plan(&event).unwrap()[0];
        assert_eq!(
            message.product_identifier.as_deref(),
            vector["product_identifier"].as_str(),
            "{name}"
        );
    }
}

#[test]
fn money_is_formatted_for_its_currency_and_only_when_positive() {
    let slack = samples();
    for (micros, currency, shown) in [
        (300_000_000, "JPY", Some("¥300")),
        (4_500_000, "EUR", Some("€4.50")),
        (0, "USD", None),
    ] {
        let mut event = sample::event(EventKind::SubscriptionRenewed);
        event.transaction.as_mut().unwrap().price =
            Some(Money::new(micros, Currency::try_from(currency).unwrap()));
        let fields = body(slack.as_ref(), &event)["attachments"][0]["fields"].clone();
        assert_eq!(fields[2]["value"].as_str(), shown);
    }
}

#[test]
fn markup_in_customer_and_product_ids_is_text() {
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    event.customer.app_user_id = "<!channel>|&".into();
    event.product = Some("<b>".into());
    let fields = body(samples().as_ref(), &event)["attachments"][0]["fields"].clone();
    let headline = fields[0]["value"].as_str().unwrap();
    assert!(
        !headline.contains("<!channel>") && headline.contains("&lt;!channel&gt;"),
        "{headline}"
    );
    assert_eq!(fields[1]["value"], "&lt;b&gt;");
}

#[test]
fn sandbox_events_go_to_the_sandbox_channel_or_nowhere() {
    let mut event = sample::event(EventKind::SubscriptionRenewed);
    event.environment = Environment::Sandbox;
    assert_eq!(samples().plan(&event), Err(NotSent::EventDisabled));
    let with_channel = slack(
        &json!({ "webhook_url": "https://hooks.slack.com/services/T/B/s", "channel": "live", "sandbox_channel": "test" }),
    );
    assert_eq!(body(with_channel.as_ref(), &event)["channel"], "test");
    let with_url = slack(
        &json!({ "webhook_url": "https://hooks.slack.com/services/T/B/s", "sandbox_webhook_url": "https://hooks.slack.com/services/T/B/other" }),
    );
    let message = &with_url.plan(&event).unwrap()[0];
    assert_eq!(
        with_url
            .render(message, &event, sample::now(&event))
            .unwrap()
            .url,
        "https://hooks.slack.com/services/T/B/other"
    );
    let off = slack(
        &json!({ "webhook_url": "https://hooks.slack.com/services/T/B/s", "events": { "subscription_renewed": false } }),
    );
    event.environment = Environment::Production;
    assert_eq!(off.plan(&event), Err(NotSent::EventDisabled));
    assert_eq!(
        off.plan(&sample::event(EventKind::AccessLevelUpdated)),
        Err(NotSent::EventUnsupported)
    );
}

#[test]
fn slacks_answers_are_understood() {
    let slack = samples();
    let meaning = |status, body: &str| {
        slack.classify(&Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            unread: None,
            body: body.as_bytes().to_vec(),
        })
    };
    assert_eq!(meaning(200, "ok"), Outcome::Delivered);
    for (status, said) in [(429, ""), (500, "rollup_error"), (503, "")] {
        assert_eq!(
            meaning(status, said),
            Outcome::Retry(None),
            "{status} {said}"
        );
    }
    for (status, said) in [
        (400, "invalid_payload"),
        (400, "no_text"),
        (400, "too_many_attachments"),
        (400, "something new"),
    ] {
        assert!(
            matches!(meaning(status, said), Outcome::Rejected(_)),
            "{status} {said}"
        );
    }
    for (status, said) in [
        (404, "channel_not_found"),
        (404, "no_service"),
        (403, "invalid_token"),
        (403, "action_prohibited"),
        (410, "channel_is_archived"),
        (404, ""),
    ] {
        assert!(
            matches!(meaning(status, said), Outcome::CredentialsRefused(_)),
            "{status} {said}"
        );
    }
    let limited = Response {
        status: 429,
        retry_after: Some(std::time::Duration::from_secs(30)),
        headers: Headers::default(),
        unread: None,
        body: Vec::new(),
    };
    assert_eq!(
        slack.classify(&limited),
        Outcome::Retry(Some(std::time::Duration::from_secs(30)))
    );
}

#[test]
fn the_url_is_a_secret_also_in_errors() {
    let event = sample::event(EventKind::SubscriptionRenewed);
    let slack = samples();
    let request = slack
        .render(&slack.plan(&event).unwrap()[0], &event, sample::now(&event))
        .unwrap();
    assert_eq!(request.shown_url(), "https://hooks.slack.com/***");
    for (url, shown) in [
        (
            "https://hooks.example?key=s3cret",
            "https://hooks.example/***",
        ),
        ("https://hooks.example#s3cret", "https://hooks.example/***"),
        ("https://hooks.example\\s3cret", "https://hooks.example/***"),
    ] {
        let request = destinations::Request {
            url: url.into(),
            ..request.clone()
        };
        assert_eq!(request.shown_url(), shown);
    }
    assert!(!format!("{request:?}").contains("secret"));
    let problems = find("slack")
        .unwrap()
        .configure(
            &json!({ "webhook_url": "ftp://secret" }),
            &Context::default(),
        )
        .err()
        .unwrap();
    assert!(!format!("{problems:?}").contains("ftp://secret"));
}

/// Ids as Auth0 and others make them; encoded as Python's `urllib.parse.quote(id, safe="")` does.
#[test]
fn an_id_is_one_segment_of_the_link_whatever_is_in_it() {
    let slack = samples();
    for (id, segment) in [
        ("auth0|5f7c", "auth0%7C5f7c"),
        ("user/13", "user%2F13"),
        ("a b", "a%20b"),
        ("q?x=1#y", "q%3Fx%3D1%23y"),
        ("100%", "100%25"),
        ("a>b", "a%3Eb"),
        ("Zoë", "Zo%C3%AB"),
        ("plain-._~9", "plain-._~9"),
    ] {
        let mut event = sample::event(EventKind::SubscriptionRenewed);
        id.clone_into(&mut event.customer.app_user_id);
        let message = &slack.plan(&event).unwrap()[0];
        let request = slack.render(message, &event, sample::now(&event)).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let line = body["attachments"][0]["fields"][0]["value"]
            .as_str()
            .unwrap();
        assert!(line.contains(&format!("/{segment}|")), "{line}");
    }
}

#[test]
fn a_message_a_second_unless_it_is_said_otherwise() {
    let rate = |settings| {
        let slack = find("slack").unwrap();
        let configured = slack.configure(&settings, &Context::default());
        let rate = configured.ok().unwrap().rate().unwrap();
        (rate.count.get(), rate.per.as_secs())
    };
    let url = "https://hooks.slack.com/services/x";
    assert_eq!(rate(json!({ "webhook_url": url })), (1, 1));
    let faster = json!({ "webhook_url": url, "max_per_second": 5 });
    assert_eq!(rate(faster), (5, 1));
}

#[test]
fn a_channel_or_url_of_its_own_makes_sandbox_an_endpoint_of_its_own() {
    use domain::Environment::{Production, Sandbox};
    for (more, endpoint) in [
        (json!({ "send_sandbox": true }), Production),
        (json!({ "sandbox_channel": "tests" }), Sandbox),
        (
            json!({ "sandbox_webhook_url": "https://hooks.slack.com/services/y" }),
            Sandbox,
        ),
    ] {
        let mut settings = json!({ "webhook_url": "https://hooks.slack.com/services/x" });
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let configured = find("slack")
            .unwrap()
            .configure(&settings, &Context::default());
        let configured = configured.ok().unwrap();
        assert_eq!(configured.endpoint(Sandbox), endpoint, "{more}");
        assert_eq!(configured.endpoint(Production), Production);
    }
}

/// Nobody's page is behind the customer that a test is made of.
#[test]
fn a_test_leads_nowhere() {
    let rendered = body(samples().as_ref(), &sample::event(EventKind::Test));
    let attachment = &rendered["attachments"][0];
    let headline = ":smiley_cat: This is a test. Tidings can post here.";
    assert_eq!(attachment["fields"][0]["value"], headline);
    let fallback = attachment["fallback"].as_str().unwrap();
    assert!(fallback.starts_with("This is a test of "), "{fallback}");
}
