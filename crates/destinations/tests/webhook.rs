//! The webhook in the `adapty` format: payloads, handshake, answers, settings.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod sample;

use destinations::{Configured, Context, Invalid, Outcome, Response, find};
use domain::{Environment, Event, EventKind, NotSent};
use serde_json::{Value, json};
use std::path::PathBuf;

fn configure(settings: &Value) -> Result<Box<dyn Configured>, Vec<Invalid>> {
    find("webhook")
        .unwrap()
        .configure(settings, &Context::default())
}

fn webhook(settings: &Value) -> Box<dyn Configured> {
    let mut all = json!({ "production_url": "https://a.example/hook", "sandbox_url": "https://b.example/hook" });
    all.as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    configure(&all).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn body(configured: &dyn Configured, event: &Event) -> Value {
    let message = &configured.plan(event).unwrap()[0];
    serde_json::from_slice(&configured.render(message, event).unwrap().body).unwrap()
}

#[test]
fn every_kind_has_its_golden_payload() {
    let all = json!({ "send_attribution": true, "send_user_attributes": true, "trial_active_days": 3, "subscription_active_days": 30 });
    let webhook = webhook(&all);
    for kind in find("webhook").unwrap().spec().events {
        insta::assert_json_snapshot!(
            format!("webhook_{}", kind.id()),
            body(webhook.as_ref(), &sample::event(*kind))
        );
    }
}

#[test]
fn the_payload_has_every_documented_field() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/adapty/subscription_started.json");
    let Ok(documented) = std::fs::read_to_string(path) else {
        return;
    };
    let documented: Value = serde_json::from_str(&documented).unwrap();
    let ours = body(
        webhook(&json!({ "send_attribution": true, "send_user_attributes": true })).as_ref(),
        &sample::event(EventKind::SubscriptionStarted),
    );
    // Google Play only.
    let elsewhere = ["play_store_purchase_token", "base_plan_id"];
    for (documented, ours) in [
        (&documented, &ours),
        (&documented["event_properties"], &ours["event_properties"]),
    ] {
        for name in documented
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| !elsewhere.contains(&name.as_str()))
        {
            assert!(ours.get(name).is_some(), "{name} is missing");
        }
    }
}

#[test]
fn times_and_money_have_the_documented_formats() {
    let text = String::from_utf8({
        let (webhook, event) = (
            webhook(&json!({})),
            sample::event(EventKind::SubscriptionStarted),
        );
        webhook
            .render(&webhook.plan(&event).unwrap()[0], &event)
            .unwrap()
            .body
    })
    .unwrap();
    assert!(text.contains("\"event_datetime\":\"2026-01-01T10:00:00.123456+0000\""));
    assert!(
        text.contains("\"price_usd\":5.99")
            && text.contains("\"proceeds_usd\":5.0915")
            && text.contains("\"discount_amount_usd\":0,")
    );
}

#[test]
fn options_add_and_withhold() {
    let trial = sample::event(EventKind::TrialStarted);
    let plain = body(webhook(&json!({})).as_ref(), &trial);
    assert_eq!(plain["event_properties"]["price_usd"], Value::Null);
    assert_eq!(plain["event_properties"]["discount_amount_usd"], 5.99);
    assert!(plain.get("attributions").is_none() && plain.get("user_attributes").is_none());
    let priced = body(
        webhook(&json!({ "send_trial_price": true })).as_ref(),
        &trial,
    );
    assert_eq!(priced["event_properties"]["price_usd"], 5.99);
    let attributes = body(
        webhook(&json!({ "send_user_attributes": true })).as_ref(),
        &trial,
    );
    assert_eq!(attributes["user_attributes"], json!({ "color": "violet" }));
    let mut old = sample::event(EventKind::SubscriptionRenewed);
    old.occurred_at = sample::time("2025-12-31T00:00:00Z");
    assert_eq!(
        webhook(&json!({ "exclude_historical": true })).plan(&old),
        Err(NotSent::Historical)
    );
    assert!(webhook(&json!({})).plan(&old).is_ok());
    let mut anonymous = trial;
    anonymous.customer.app_user_id = "$anonymous:1".into();
    assert_eq!(
        body(webhook(&json!({})).as_ref(), &anonymous)["customer_user_id"],
        Value::Null
    );
}

#[test]
fn events_are_switched_and_renamed() {
    let webhook = webhook(
        &json!({ "events": { "trial_started": "my_trial", "subscription_renewed": false }, "trial_active_days": 3 }),
    );
    assert_eq!(
        body(webhook.as_ref(), &sample::event(EventKind::TrialStarted))["event_type"],
        "my_trial"
    );
    assert_eq!(
        webhook.plan(&sample::event(EventKind::SubscriptionRenewed)),
        Err(NotSent::EventDisabled)
    );
    assert_eq!(
        webhook.plan(&sample::event(EventKind::SubscriptionActive)),
        Err(NotSent::EventDisabled),
        "timers are off by default"
    );
    assert!(webhook.plan(&sample::event(EventKind::TrialActive)).is_ok());
    assert_eq!(
        webhook.plan(&sample::event(EventKind::ProductChanged)),
        Err(NotSent::EventUnsupported)
    );
}

#[test]
fn each_environment_has_its_url_and_verbatim_authorization() {
    let webhook = webhook(
        &json!({ "production_authorization": "Bearer  x ", "sandbox_authorization": "tok" }),
    );
    let mut event = sample::event(EventKind::TrialStarted);
    let message = webhook.plan(&event).unwrap().remove(0);
    let production = webhook.render(&message, &event).unwrap();
    let header = |request: &destinations::Request| {
        request
            .headers
            .iter()
            .find(|header| header.name == "authorization")
            .map(|header| header.value.clone())
    };
    assert_eq!(
        (production.url.as_str(), header(&production).as_deref()),
        ("https://a.example/hook", Some("Bearer  x "))
    );
    event.environment = Environment::Sandbox;
    let sandbox = webhook.render(&message, &event).unwrap();
    assert_eq!(
        (sandbox.url.as_str(), header(&sandbox).as_deref()),
        ("https://b.example/hook", Some("tok"))
    );
    assert!(!format!("{production:?}{sandbox:?}").contains("tok"));
    let production_only = configure(&json!({ "production_url": "https://a.example" }))
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let missing = production_only.render(&message, &event).unwrap_err();
    assert_eq!(
        (missing.reason, missing.detail.as_str()),
        (NotSent::MissingCredentials, "sandbox_url is not set")
    );
}

#[test]
fn two_secrets_sign_while_one_is_rotated_out() {
    let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let new = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let webhook = webhook(&json!({ "signing_secrets": [new, old] }));
    let event = sample::event(EventKind::TrialStarted);
    let mut request = webhook
        .render(&webhook.plan(&event).unwrap()[0], &event)
        .unwrap();
    webhook.sign(
        &mut request,
        "dlv_1",
        jiff::Timestamp::from_second(1_614_265_330).unwrap(),
    );
    let value = |name: &str| {
        request
            .headers
            .iter()
            .find(|header| header.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(
        (
            value("webhook-id").as_str(),
            value("webhook-timestamp").as_str()
        ),
        ("dlv_1", "1614265330")
    );
    let expected = [new, old]
        .map(|secret| {
            destinations::webhook::signature(secret, "dlv_1", "1614265330", &request.body).unwrap()
        })
        .join(" ");
    assert_eq!(value("webhook-signature"), expected);
}

#[test]
fn both_editions_of_the_handshake_are_checked() {
    let answer = |status, body: &str| Response {
        status,
        retry_after: None,
        body: body.as_bytes().to_vec(),
    };
    let current = webhook(&json!({}));
    let handshakes = current.handshakes("word");
    assert_eq!(handshakes.len(), 2, "one per URL");
    assert_eq!(handshakes[0].request.body, b"{}");
    for (response, passes) in [
        (answer(200, "{}"), true),
        (answer(204, "null"), true),
        (answer(200, ""), false),
        (answer(200, "<html>"), false),
        (answer(404, "{}"), false),
        (answer(301, "{}"), false),
    ] {
        assert_eq!(
            current.check_handshake(&handshakes[0], &response).is_ok(),
            passes,
            "{response:?}"
        );
    }
    let earlier = webhook(&json!({ "handshake": "earlier" }));
    let handshake = &earlier.handshakes("word")[0];
    assert_eq!(handshake.request.body, b"{\"adapty_check\":\"word\"}");
    for (response, passes) in [
        (answer(200, "{\"adapty_check_response\":\"word\"}"), true),
        (answer(201, "{\"adapty_check_response\":\"word\"}"), true),
        (answer(202, "{\"adapty_check_response\":\"word\"}"), false),
        (answer(200, "{\"adapty_check_response\":\"other\"}"), false),
        (answer(200, "{}"), false),
        (answer(200, "ok"), false),
    ] {
        assert_eq!(
            earlier.check_handshake(handshake, &response).is_ok(),
            passes,
            "{response:?}"
        );
    }
}

#[test]
fn both_ranges_of_answers_hold() {
    let webhook = webhook(&json!({}));
    for status in 100..600 {
        let outcome = webhook.classify(&Response {
            status,
            retry_after: None,
            body: Vec::new(),
        });
        let expected = match status {
            200..=399 => matches!(outcome, Outcome::Delivered),
            400..=404 => matches!(outcome, Outcome::Rejected(_)),
            _ => matches!(outcome, Outcome::Retry(_)),
        };
        assert!(expected, "{status}: {outcome:?}");
    }
}

#[test]
fn settings_that_cannot_work_name_their_field() {
    for (settings, field) in [
        (json!({ "production_url": "a.example" }), "production_url"),
        (
            json!({ "production_url": "https://user:pw@a.example" }),
            "production_url",
        ),
        (json!({ "sandbox_url": "https://" }), "sandbox_url"),
        (
            json!({ "events": { "trial_started": "" } }),
            "events.trial_started",
        ),
        (
            json!({ "events": { "product_changed": true } }),
            "events.product_changed",
        ),
        (json!({ "signing_secrets": ["short"] }), "signing_secrets"),
        (
            json!({ "production_authorization": "a\nb" }),
            "production_authorization",
        ),
        (
            json!({ "retry": { "policy": "custom", "delays": [0] } }),
            "retry.delays",
        ),
        (json!({ "urk": 1 }), "urk"),
        (json!({ "format": "other" }), "other"),
    ] {
        let problems = configure(&settings)
            .err()
            .unwrap_or_else(|| panic!("{settings} is accepted"));
        assert_eq!(problems[0].field, field, "{settings}");
    }
}
