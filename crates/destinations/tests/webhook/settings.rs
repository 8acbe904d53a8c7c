//! Settings, and formats that change while deliveries wait.

use super::{body, configure, sample, webhook};
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

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
            json!({ "format": "revenuecat", "revenuecat_signing_secrets": ["short"] }),
            "revenuecat_signing_secrets",
        ),
        (
            json!({ "format": "standard", "revenuecat_signing_secrets": ["0123456789abcdef"] }),
            "revenuecat_signing_secrets",
        ),
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
            let sent = before
                .render(&message, &event, sample::now(&event))
                .unwrap()
                .body;
            for now in ["adapty", "revenuecat", "standard"] {
                let again = of(now)
                    .render(&message, &event, sample::now(&event))
                    .unwrap()
                    .body;
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
        let request = webhook
            .render(&message, &event, sample::now(&event))
            .unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let name = body["event"]["type"].as_str().unwrap();
        assert!(REVENUECATS.contains(&name), "{name}");
    }
    let untold = sample::event(EventKind::AccessLevelUpdated);
    let message = domain::Message::named("access_level_updated");
    let refused = webhook
        .render(&message, &untold, sample::now(&untold))
        .unwrap_err();
    assert_eq!(refused.reason, NotSent::EventUnsupported);
}
