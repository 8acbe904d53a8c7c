//! Snapchat.

use super::{IOS, body, configured, event, means, sent};
use domain::{Currency, EventKind, Money, NotSent};
use serde_json::{Value, json};

fn settings() -> Value {
    json!({ "snap_app_id": "1234567890", "access_token": "t0ken", "ios_bundle_id": "com.example.app" })
}

#[test]
fn an_identifier_for_advertisers_is_in_small_letters() {
    let sent = body(
        configured("snapchat", &settings()).as_ref(),
        &event(EventKind::TrialStarted, &[IOS]),
    );
    assert_eq!(
        sent["data"][0]["user_data"]["madid"],
        "6d92078a-8246-4ba4-ae5b-76104861e7dc"
    );
}

#[test]
fn a_currency_that_is_not_known_there_is_told_in_dollars() {
    let mut event = event(EventKind::SubscriptionRenewed, &[IOS]);
    let transaction = event.transaction.as_mut().unwrap();
    transaction.price = Some(Money::new(500_000_000, Currency::try_from("ARS").unwrap()));
    let sent = body(configured("snapchat", &settings()).as_ref(), &event);
    assert_eq!(sent["data"][0]["custom_data"]["value"], 5.99);
    assert_eq!(sent["data"][0]["custom_data"]["currency"], "USD");
    event.transaction.as_mut().unwrap().price_usd = None;
    let sent = body(configured("snapchat", &settings()).as_ref(), &event);
    assert_eq!(sent["data"][0]["custom_data"].get("value"), None);
}

/// Source: Snap for Developers, "Verify Set Up".
#[test]
fn a_test_is_checked_and_counts_nowhere() {
    let configured = configured("snapchat", &settings());
    let request = sent(configured.as_ref(), &event(EventKind::Test, &[])).unwrap();
    assert!(
        request
            .url
            .starts_with("https://tr.snapchat.com/v3/1234567890/events/validate?"),
        "{}",
        request.url
    );
    assert!(!request.shown_url().contains("t0ken"));
}

#[test]
fn refunds_are_unsupported() {
    let configured = configured("snapchat", &settings());
    let refunded = event(EventKind::SubscriptionRefunded, &[IOS]);
    assert_eq!(configured.plan(&refunded), Err(NotSent::EventUnsupported));
}

#[test]
fn who_did_not_say_yes_is_told_of_as_such() {
    let contact = [("$email", "a@example.com"), ("$attConsentStatus", "denied")];
    let sent = body(
        configured("snapchat", &settings()).as_ref(),
        &event(EventKind::TrialStarted, &[IOS, &contact]),
    );
    assert_eq!(
        sent["data"][0]["app_data"]["advertiser_tracking_enabled"],
        0
    );
    assert_eq!(sent["data"][0]["user_data"].get("madid"), None);
}

#[test]
fn the_body_and_not_the_status_says_no() {
    let configured = configured("snapchat", &settings());
    for (status, meaning) in [
        ("OK", "delivered"),
        ("SUCCESS", "delivered"),
        ("FAILED", "rejected"),
        ("INVALID", "rejected"),
    ] {
        assert_eq!(
            means(configured.as_ref(), 200, &json!({ "status": status })),
            meaning
        );
    }
}
