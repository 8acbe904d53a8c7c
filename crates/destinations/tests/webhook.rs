//! The webhook: payloads of each format, handshake, answers, settings.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod sample;

use destinations::{Configured, Context, Invalid, Outcome, Response, find};
use domain::{Currency, Environment, Event, EventKind, Headers, Money, NotSent, event::Line};
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
        let event = sample::event(*kind);
        if webhook.plan(&event) == Err(NotSent::EventUnsupported) {
            continue;
        }
        insta::assert_json_snapshot!(
            format!("webhook_{}", kind.id()),
            body(webhook.as_ref(), &event)
        );
    }
}

/// Every message of an event: its name and its body.
fn messages(format: &str, event: &Event) -> Vec<(String, Value)> {
    let timers =
        json!({ "format": format, "trial_active_days": 3, "subscription_active_days": 30 });
    let webhook = webhook(&timers);
    // What a format has no word for, it refuses for that reason only.
    let planned = match webhook.plan(event) {
        Ok(planned) => planned,
        Err(why) => {
            assert_eq!(why, NotSent::EventUnsupported, "{}", event.kind.id());
            Vec::new()
        }
    };
    let bodies = planned.into_iter().map(|message| {
        let request = webhook.render(&message, event).unwrap();
        (message.name, serde_json::from_slice(&request.body).unwrap())
    });
    bodies.collect()
}

#[test]
fn every_kind_has_its_golden_revenuecat_payload() {
    for kind in EventKind::ALL {
        for (name, body) in messages("revenuecat", &sample::event(*kind)) {
            let name = format!("revenuecat_{}_{}", kind.id(), name.to_lowercase());
            insta::assert_json_snapshot!(name, body);
        }
    }
}

#[test]
fn revenuecat_payloads_have_the_fields_of_the_published_samples() {
    let directory =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/revenuecat");
    for (kind, file) in [
        (EventKind::SubscriptionStarted, "initial_purchase"),
        (EventKind::TrialStarted, "initial_purchase_trial"),
        (EventKind::SubscriptionRenewed, "renewal"),
        (
            EventKind::SubscriptionRenewalCancelled,
            "cancellation_unsubscribe",
        ),
        (EventKind::SubscriptionRefunded, "cancellation_refund"),
        (EventKind::SubscriptionExpired, "expiration"),
        (EventKind::BillingIssueDetected, "billing_issue"),
        (EventKind::NonSubscriptionPurchase, "non_renewing_purchase"),
        (EventKind::SubscriptionPaused, "subscription_paused"),
        (EventKind::ProductChanged, "product_change"),
        (EventKind::SubscriptionExtended, "subscription_extended"),
        (EventKind::RefundReversed, "refund_reversed"),
        (EventKind::Transfer, "transfer"),
        (EventKind::SubscriptionRenewalReactivated, "uncancellation"),
    ] {
        let Ok(text) = std::fs::read_to_string(directory.join(format!("{file}.json"))) else {
            return;
        };
        let documented: Value = serde_json::from_str(&text).unwrap();
        let (name, ours) = messages("revenuecat", &sample::event(kind)).remove(0);
        assert_eq!(json!(name), documented["event"]["type"]);
        assert_eq!(ours["api_version"], documented["api_version"]);
        // Nobody here runs experiments, and only web purchases carry metadata.
        let elsewhere = ["experiments", "metadata"];
        for (field, theirs) in documented["event"].as_object().unwrap() {
            if elsewhere.contains(&field.as_str()) {
                continue;
            }
            let ours = ours["event"].get(field);
            assert!(ours.is_some(), "{file}: {field} is missing");
            let kind = |value: &Value| match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            let (ours, theirs) = (kind(ours.unwrap()), kind(theirs));
            assert!(
                ours == theirs || ours == "null" || theirs == "null",
                "{file}: {field} is a {ours}, not a {theirs}"
            );
        }
    }
}

#[test]
fn revenuecat_says_what_their_flows_say() {
    let types = |event: &Event| -> Vec<String> {
        let told = messages("revenuecat", event);
        told.into_iter().map(|(name, _)| name).collect()
    };
    let mut event = sample::event(EventKind::SubscriptionStarted);
    event.cause.rule = "charge.product_changed_at_once".into();
    assert_eq!(types(&event), ["RENEWAL"]);
    let mut event = sample::event(EventKind::SubscriptionRefunded);
    event.cancellation_reason = Some(domain::CancellationReason::Upgraded);
    assert_eq!(types(&event), Vec::<String>::new(), "a change is no refund");
    event.cancellation_reason = Some(domain::CancellationReason::Refund);
    assert_eq!(types(&event), ["CANCELLATION"]);
    let refund = &messages("revenuecat", &event)[0].1["event"];
    assert_eq!(refund["cancel_reason"], "CUSTOMER_SUPPORT");
    assert_eq!(refund["price"], -5.99);
    event.purchase.as_mut().unwrap().purchased_at = sample::time("2026-02-01T10:00:00Z");
    assert_eq!(types(&event), Vec::<String>::new(), "an earlier period");
    let mut event = sample::event(EventKind::SubscriptionExpired);
    event.cancellation_reason = Some(domain::CancellationReason::NewSubscriptionReplace);
    assert_eq!(types(&event), Vec::<String>::new());

    let failed = sample::event(EventKind::BillingIssueDetected);
    let told = messages("revenuecat", &failed);
    assert_eq!(types(&failed), ["BILLING_ISSUE", "CANCELLATION"]);
    assert_eq!(told[1].1["event"]["cancel_reason"], "BILLING_ERROR");
    assert_ne!(told[0].1["event"]["id"], told[1].1["event"]["id"]);
    assert_eq!(told[0].1["event"]["price"], 0);
    let trial = messages("revenuecat", &sample::event(EventKind::TrialStarted));
    assert_eq!(trial[0].1["event"]["period_type"], "TRIAL");
    assert_eq!(trial[0].1["event"]["price"], 0);
    let converted = messages("revenuecat", &sample::event(EventKind::TrialConverted));
    assert_eq!(converted[0].1["event"]["is_trial_conversion"], true);
    assert_eq!(converted[0].1["event"]["price"], 5.99);
    assert_eq!(converted[0].1["event"]["takehome_percentage"], 0.85);
    assert_eq!(converted[0].1["event"]["commission_percentage"], 0.15);
}

/// A purchase of two products is told once, with the base, the total and both as items. Source: RevenueCat docs, "Google
/// Subscription with Add-Ons".
#[test]
fn revenuecat_is_told_of_a_purchase_of_several_lines_once() {
    let usd = |cents: i64| Some(Money::new(cents * 10_000, Currency::USD));
    let mut of_base = sample::event(EventKind::SubscriptionStarted);
    let line = |name: &str, product: &str, cents| Line {
        name: name.into(),
        is_base: name.is_empty(),
        product: product.into(),
        transaction: "1001".into(),
        quantity: 1,
        price: usd(cents),
        price_usd: usd(cents),
        tax: None,
        refunded: None,
        purchased_at: sample::time("2026-01-01T10:00:00Z"),
        expires_at: Some(sample::time("2026-02-01T10:00:00Z")),
        gives_access: true,
        will_renew: true,
    };
    of_base.lines = vec![line("", "monthly_1", 599), line("hd", "hd_1", 499)];
    let of_addon = Event {
        line: "hd".into(),
        joins_base: true,
        product: Some("hd_1".into()),
        ..of_base.clone()
    };
    let told = messages("revenuecat", &of_base);
    let [(_, body)] = told.as_slice() else {
        panic!("{told:?}");
    };
    let event = &body["event"];
    assert_eq!(
        (
            &event["product_id"],
            &event["price"],
            &event["price_in_purchased_currency"]
        ),
        (&json!("monthly_1"), &json!(10.98), &json!(10.98))
    );
    let end = 1_769_940_000_000_i64;
    assert_eq!(
        event["items"],
        json!([
            { "product_id": "monthly_1", "type": "base", "price": 5.99, "price_in_purchased_currency": 5.99, "currency": "USD", "expiration_at_ms": end },
            { "product_id": "hd_1", "type": "addon", "price": 4.99, "price_in_purchased_currency": 4.99, "currency": "USD", "expiration_at_ms": end },
        ])
    );
    assert!(messages("revenuecat", &of_addon).is_empty());
    // Bought later, alone, it is a purchase that nobody else tells.
    let alone = Event {
        joins_base: false,
        ..of_addon.clone()
    };
    assert_eq!(
        messages("revenuecat", &alone)[0].1["event"]["product_id"],
        "hd_1"
    );
    let ended = Event {
        kind: EventKind::SubscriptionExpired,
        ..alone
    };
    assert!(messages("revenuecat", &ended).is_empty());
    // The whole charge is given back.
    let mut refunded = Event {
        kind: EventKind::SubscriptionRefunded,
        ..of_base
    };
    for line in &mut refunded.lines {
        line.refunded = line.price;
    }
    assert_eq!(
        messages("revenuecat", &refunded)[0].1["event"]["price"],
        json!(-10.98)
    );
    // Every other format takes each line as it is.
    assert_eq!(messages("adapty", &of_addon).len(), 1);
    assert_eq!(messages("standard", &of_addon).len(), 1);
}

#[test]
fn the_standard_format_tells_every_event_whole() {
    for kind in EventKind::ALL {
        let event = sample::event(*kind);
        let told = messages("standard", &event);
        assert_eq!(told.len(), 1, "{kind:?}");
        for (name, body) in told {
            assert_eq!(name, kind.id());
            let expected =
                json!({ "type": kind.id(), "timestamp": event.occurred_at, "data": event });
            assert_eq!(body, expected);
        }
    }
}

#[test]
fn each_format_judges_answers_its_own_way() {
    let answer = |format: &str, status| {
        webhook(&json!({ "format": format })).classify(&Response {
            status,
            retry_after: None,
            headers: Headers::default(),
            unread: None,
            body: Vec::new(),
        })
    };
    for status in 100..600 {
        let delivered = |format| answer(format, status) == Outcome::Delivered;
        assert_eq!(delivered("revenuecat"), status == 200, "{status}");
        assert_eq!(
            delivered("standard"),
            (200..300).contains(&status),
            "{status}"
        );
        if status != 410 {
            let expected = if (200..300).contains(&status) {
                Outcome::Delivered
            } else {
                Outcome::Retry(None)
            };
            assert_eq!(answer("standard", status), expected);
        }
    }
    assert!(matches!(answer("standard", 410), Outcome::Gone(_)));
    let seconds = |format: &str| webhook(&json!({ "format": format })).timeout().as_secs();
    assert_eq!(seconds("revenuecat"), 60);
    let retries = |settings: Value| webhook(&settings).retry().retries();
    assert_eq!(retries(json!({ "format": "revenuecat" })), 5);
    let chosen = json!({ "format": "revenuecat", "retry": { "policy": "adapty" } });
    assert_eq!(retries(chosen), 9);
    assert!(
        webhook(&json!({ "format": "standard" }))
            .handshakes("word")
            .is_empty()
    );
}

#[test]
fn googles_purchase_token_goes_with_events_of_its_purchases_where_that_is_wanted() {
    let mut event = sample::event(EventKind::SubscriptionStarted);
    event.product = Some("gold:monthly".into());
    event.transaction.as_mut().unwrap().token = Some("token-1".into());
    let send = |on: bool| {
        let settings = json!({ "send_play_store_purchase_token": on });
        body(webhook(&settings).as_ref(), &event)["play_store_purchase_token"].clone()
    };
    assert_eq!(
        send(true),
        json!({ "product_id": "gold", "purchase_token": "token-1", "is_subscription": true })
    );
    assert_eq!(send(false), Value::Null);
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
        headers: Headers::default(),
        unread: None,
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
            headers: Headers::default(),
            unread: None,
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
        (
            json!({ "format": "revenuecat", "events": { "trial_started": "my_trial" } }),
            "events.trial_started",
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

/// Names that a format of RevenueCat may carry. Source: RevenueCat docs, "Event Types and Fields".
const REVENUECATS: [&str; 12] = [
    "TEST",
    "INITIAL_PURCHASE",
    "RENEWAL",
    "CANCELLATION",
    "UNCANCELLATION",
    "NON_RENEWING_PURCHASE",
    "SUBSCRIPTION_PAUSED",
    "EXPIRATION",
    "BILLING_ISSUE",
    "PRODUCT_CHANGE",
    "TRANSFER",
    "SUBSCRIPTION_EXTENDED",
];

#[test]
fn what_was_planned_before_the_format_changed_goes_as_it_was_planned() {
    let url = "https://example.com/hook";
    let renamed = json!({ "subscription_started": "sub_begun" });
    let of = |format: &str| {
        let mut settings = json!({ "format": format, "production_url": url });
        if format != "revenuecat" {
            settings["events"] = renamed.clone();
        }
        webhook(&settings)
    };
    let event = sample::event(EventKind::SubscriptionStarted);
    for planned in ["adapty", "revenuecat", "standard"] {
        let before = of(planned);
        for message in before.plan(&event).unwrap() {
            let sent = before.render(&message, &event).unwrap().body;
            for now in ["adapty", "revenuecat", "standard"] {
                let again = of(now).render(&message, &event).unwrap().body;
                assert_eq!(again, sent, "{planned}, then {now}");
            }
        }
    }
}

#[test]
fn what_an_earlier_release_planned_gets_no_envelope_of_another_format() {
    let event = sample::event(EventKind::SubscriptionStarted);
    let webhook =
        webhook(&json!({ "format": "revenuecat", "production_url": "https://example.com/hook" }));
    for name in ["sub_begun", "subscription_started", "INITIAL_PURCHASE"] {
        let message = domain::Message::named(name);
        let request = webhook.render(&message, &event).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let name = body["event"]["type"].as_str().unwrap();
        assert!(REVENUECATS.contains(&name), "{name}");
    }
    let untold = sample::event(EventKind::AccessLevelUpdated);
    let message = domain::Message::named("access_level_updated");
    let refused = webhook.render(&message, &untold).unwrap_err();
    assert_eq!(refused.reason, NotSent::EventUnsupported);
}
