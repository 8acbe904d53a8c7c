//! Adjust.

use super::{
    ANDROID, IOS, configure, configured, event, form, in_sandbox, lacks, means, on_android, sent,
    with,
};
use domain::{EventKind, Money, NotSent};
use serde_json::{Value, json};

const ID: &[(&str, &str)] = &[("$adjustId", "5e3c1d9b0a7f4e2288aa11bb22cc33dd")];

fn settings() -> Value {
    json!({
        "ios_app_token": "app-ios",
        "android_app_token": "app-android",
        "event_tokens": { "subscription_renewed": "aaa111", "subscription_refunded": "aaa222", "refund_reversed": "aaa333" },
        "android_event_tokens": { "subscription_renewed": "bbb111", "subscription_refunded": false },
    })
}

#[test]
fn each_platform_has_its_tokens() {
    let configured = configured("adjust", &settings());
    let renewed = event(EventKind::SubscriptionRenewed, &[IOS, ID]);
    let sent = form(configured.as_ref(), &renewed);
    assert!(
        sent.contains("app_token=app-ios&event_token=aaa111"),
        "{sent}"
    );
    let renewed = on_android(event(EventKind::SubscriptionRenewed, &[ANDROID, ID]));
    let sent = form(configured.as_ref(), &renewed);
    assert!(
        sent.contains("app_token=app-android&event_token=bbb111"),
        "{sent}"
    );
}

#[test]
fn a_kind_without_a_token_is_not_sent() {
    let configured = configured("adjust", &settings());
    let started = event(EventKind::SubscriptionStarted, &[IOS, ID]);
    assert_eq!(configured.plan(&started), Err(NotSent::EventDisabled));
    let refunded = event(EventKind::SubscriptionRefunded, &[ANDROID, ID]);
    assert!(configured.plan(&refunded).is_ok());
    assert_eq!(
        configured.plan(&on_android(refunded)),
        Err(NotSent::EventDisabled)
    );
}

#[test]
fn to_switch_a_kind_on_takes_a_token() {
    for (field, tokens) in [
        (
            "event_tokens.trial_started",
            json!({ "trial_started": true }),
        ),
        (
            "event_tokens.trial_started",
            json!({ "trial_started": " " }),
        ),
        ("event_tokens.transfer", json!({ "transfer": "abc123" })),
    ] {
        let problems = configure("adjust", &with(settings(), "event_tokens", tokens)).err();
        assert_eq!(problems.unwrap()[0].field, field);
    }
}

/// Adjust refuses revenue below a thousandth, and so any refund.
#[test]
fn refunds_and_what_undoes_them_have_no_amount() {
    let configured = configured("adjust", &settings());
    for kind in [EventKind::SubscriptionRefunded, EventKind::RefundReversed] {
        let sent = form(configured.as_ref(), &event(kind, &[IOS, ID]));
        assert!(
            !sent.contains("revenue") && !sent.contains("currency"),
            "{sent}"
        );
    }
    let mut renewed = event(EventKind::SubscriptionRenewed, &[IOS, ID]);
    let transaction = renewed.transaction.as_mut().unwrap();
    transaction.price = transaction
        .price
        .map(|price| Money::new(999, price.currency));
    let sent = form(configured.as_ref(), &renewed);
    assert!(
        !sent.contains("revenue") && !sent.contains("currency"),
        "{sent}"
    );
}

#[test]
fn addresses_of_version_6_are_left_out() {
    let configured = configured("adjust", &settings());
    let six = [("$ip", "2001:db8::1")];
    let sent = form(
        configured.as_ref(),
        &event(EventKind::SubscriptionRenewed, &[IOS, ID, &six]),
    );
    assert!(!sent.contains("ip_address"), "{sent}");
}

#[test]
fn test_purchases_are_told_apart() {
    let configured = configured("adjust", &settings());
    let renewed = in_sandbox(event(EventKind::SubscriptionRenewed, &[IOS, ID]));
    assert!(form(configured.as_ref(), &renewed).contains("environment=sandbox"));
}

#[test]
fn other_identifiers_do_not_stand_in_for_its_own() {
    let configured = configured("adjust", &settings());
    let renewed = event(EventKind::SubscriptionRenewed, &[IOS]);
    assert!(lacks(configured.as_ref(), &renewed).contains("$adjustId"));
}

#[test]
fn an_app_that_is_not_set_up_is_named() {
    let settings = with(settings(), "android_app_token", "");
    let renewed = on_android(event(EventKind::SubscriptionRenewed, &[ANDROID, ID]));
    let unsendable = sent(configured("adjust", &settings).as_ref(), &renewed).unwrap_err();
    assert_eq!(unsendable.reason, NotSent::MissingCredentials);
    assert_eq!(unsendable.detail, "android_app_token is not set");
}

/// Source: Adjust developer docs, "S2S events", "Troubleshooting".
#[test]
fn an_answer_is_what_its_reason_says() {
    let configured = configured("adjust", &settings());
    for (status, reason, meaning) in [
        (
            200,
            "Ignoring event, earlier unique event tracked",
            "delivered",
        ),
        (
            400,
            "Ignoring event, earlier unique event tracked",
            "delivered",
        ),
        (200, "Device not found", "rejected"),
        (400, "Bad event state", "rejected"),
        (400, "Bad app token", "credentials"),
        (401, "Missing token", "credentials"),
        (403, "App is inactive", "credentials"),
        (403, "Tracking disabled", "rejected"),
        (404, "App not found", "credentials"),
        (404, "Device not found", "rejected"),
        (451, "Device is opted out", "rejected"),
        (503, "Later", "retry"),
    ] {
        let body = json!({ "error": format!("Event request failed ({reason})") });
        assert_eq!(
            means(configured.as_ref(), status, &body),
            meaning,
            "{status} {reason}"
        );
    }
}

#[test]
fn a_test_is_sent_as_an_event_that_is_chosen_for_it() {
    let test = event(EventKind::Test, &[]);
    let without = configured("adjust", &settings());
    assert_eq!(without.plan(&test), Err(NotSent::EventDisabled));
    let configured = configured("adjust", &with(settings(), "test_event_token", "ttt111"));
    let sent = form(configured.as_ref(), &test);
    assert!(sent.contains("event_token=ttt111"), "{sent}");
}
