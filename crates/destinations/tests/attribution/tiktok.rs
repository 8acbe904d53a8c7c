//! TikTok.

use super::{ANDROID, IOS, body, configured, event, in_sandbox, means, on_android, with};
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

fn settings() -> Value {
    json!({ "access_token": "t", "tiktok_app_id": "71", "ios_app_id": "1234567890", "android_app_id": "com.example.app" })
}

#[test]
fn identifiers_for_advertisers_stay_here() {
    let sent = body(
        configured("tiktok", &settings()).as_ref(),
        &event(EventKind::TrialStarted, &[IOS]),
    );
    let text = sent.to_string();
    assert!(
        !text.contains("6D92078A") && !text.contains("9b1c7c0e"),
        "{text}"
    );
}

/// The digest is of `+14155550100`, by `sha256sum`.
#[test]
fn a_telephone_number_has_its_plus_before_it_is_digested() {
    let phone = [("$phoneNumber", "+1 (415) 555-0100")];
    let sent = body(
        configured("tiktok", &settings()).as_ref(),
        &event(EventKind::TrialStarted, &[IOS, &phone]),
    );
    let digest = "40d3f4e02db27d66cf4cfdda506c2c945f115a7955cc8491dda98ce5beabcda0";
    assert_eq!(sent["data"][0]["user"]["phone"][0], digest);
}

#[test]
fn consent_is_told_in_words() {
    let configured = configured("tiktok", &settings());
    for (said, word) in [
        ("authorized", "AUTHORIZED"),
        ("denied", "DENIED"),
        ("restricted", "RESTRICTED"),
        ("unknown", "NOT_DETERMINED"),
    ] {
        let said = [("$attConsentStatus", said)];
        let sent = body(
            configured.as_ref(),
            &event(EventKind::TrialStarted, &[IOS, &said]),
        );
        assert_eq!(sent["data"][0]["user"]["att_status"], word);
    }
    let sent = body(
        configured.as_ref(),
        &on_android(event(EventKind::TrialStarted, &[ANDROID])),
    );
    assert_eq!(sent["data"][0]["user"]["att_status"], "NOT_APPLICABLE");
}

#[test]
fn test_purchases_are_sent_among_tests_or_not_at_all() {
    let event = in_sandbox(event(EventKind::TrialStarted, &[IOS]));
    let without = configured("tiktok", &settings());
    assert_eq!(without.plan(&event), Err(NotSent::EventDisabled));
    let configured = configured("tiktok", &with(settings(), "test_event_code", "TEST1"));
    assert_eq!(
        body(configured.as_ref(), &event)["test_event_code"],
        "TEST1"
    );
    let real = super::event(EventKind::TrialStarted, &[IOS]);
    assert_eq!(
        body(configured.as_ref(), &real).get("test_event_code"),
        None
    );
}

#[test]
fn what_one_of_several_costs_is_not_calculated() {
    let mut event = event(EventKind::NonSubscriptionPurchase, &[IOS]);
    event.transaction.as_mut().unwrap().quantity = 3;
    let sent = body(configured("tiktok", &settings()).as_ref(), &event);
    let bought = &sent["data"][0]["properties"];
    assert_eq!(
        bought["contents"],
        json!([{ "content_id": "monthly_1", "quantity": 3 }])
    );
    assert_eq!(bought["value"], 5.99);
}

/// Source: TikTok for Business, "Return codes".
#[test]
fn the_code_and_not_the_status_says_no() {
    let configured = configured("tiktok", &settings());
    let failed = json!({ "code": 20001, "data": { "failed_events": [{ "index": 0 }] } });
    assert_eq!(means(configured.as_ref(), 200, &failed), "rejected");
    for (code, meaning) in [
        (0, "delivered"),
        (20001, "delivered"),
        (40001, "rejected"),
        (40002, "rejected"),
        (40100, "retry"),
        (40105, "credentials"),
        (50000, "retry"),
    ] {
        assert_eq!(
            means(configured.as_ref(), 200, &json!({ "code": code })),
            meaning,
            "{code}"
        );
    }
    assert_eq!(
        means(configured.as_ref(), 200, &json!("<html>")),
        "rejected"
    );
}
