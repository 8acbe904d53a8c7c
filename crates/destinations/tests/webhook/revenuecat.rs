//! The `revenuecat` format.

use super::{messages, sample};
use domain::{Currency, Event, EventKind, Money, event::Line};
use serde_json::{Value, json};

/// Members of the published samples and what kind of value each has, by the sample. Source: RevenueCat docs, "Sample Webhook Events".
fn samples() -> Value {
    serde_json::from_str(include_str!("samples/revenuecat.json")).unwrap()
}

#[test]
fn revenuecat_payloads_have_the_fields_of_the_published_samples() {
    let samples = samples();
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
        let documented = &samples[file];
        let (name, ours) = messages("revenuecat", &sample::event(kind)).remove(0);
        assert_eq!(json!(name), documented["type"]);
        assert_eq!(ours["api_version"], "1.0");
        for (field, theirs) in documented["members"].as_object().unwrap() {
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
            let (ours, theirs) = (kind(ours.unwrap()), theirs.as_str().unwrap());
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
