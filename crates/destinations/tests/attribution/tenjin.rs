//! Tenjin.

use super::{
    ANDROID, IOS, configured, event, form, in_sandbox, lacks, means, on_android, sent, with,
};
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

const ID: &[(&str, &str)] = &[("$tenjinId", "29eeb1610fe74997b6d53f02e9711f8c")];
const NO: &[(&str, &str)] = &[("$attConsentStatus", "denied")];

fn settings() -> Value {
    json!({
        "ios_sdk_key": "ios", "ios_bundle_id": "com.example.app",
        "android_sdk_key": "android", "android_package": "com.example.app",
    })
}

#[test]
fn who_said_no_is_told_of_with_zeros() {
    let configured = configured("tenjin", &settings());
    let form = form(
        configured.as_ref(),
        &event(EventKind::TrialStarted, &[IOS, ID, NO]),
    );
    assert!(
        form.contains("advertising_id=00000000-0000-0000-0000-000000000000"),
        "{form}"
    );
    assert!(form.contains("tracking_status=2"), "{form}");
    let without: Vec<_> = ANDROID
        .iter()
        .copied()
        .filter(|(name, _)| *name != "$gpsAdId")
        .collect();
    let event = on_android(event(EventKind::TrialStarted, &[&without, ID]));
    assert!(lacks(configured.as_ref(), &event).contains("$gpsAdId"));
}

#[test]
fn an_amount_after_the_store_s_share_says_so() {
    let event = event(EventKind::SubscriptionRenewed, &[IOS, ID]);
    let price = form(configured("tenjin", &settings()).as_ref(), &event);
    assert!(
        price.contains("price=5.99") && !price.contains("postcut"),
        "{price}"
    );
    let settings = with(settings(), "revenue", "proceeds");
    let proceeds = form(configured("tenjin", &settings).as_ref(), &event);
    assert!(
        proceeds.contains("price=5.0915") && proceeds.contains("postcut=1"),
        "{proceeds}"
    );
}

/// Tenjin multiplies a price by its quantity.
#[test]
fn an_amount_is_the_price_of_one() {
    let mut event = event(EventKind::NonSubscriptionPurchase, &[IOS, ID]);
    event.transaction.as_mut().unwrap().quantity = 3;
    let form = form(configured("tenjin", &settings()).as_ref(), &event);
    assert!(form.contains("price=5.99&quantity=1"), "{form}");
}

#[test]
fn what_it_has_no_place_for_is_off_by_itself() {
    let configured = configured("tenjin", &settings());
    for kind in [
        EventKind::SubscriptionRefunded,
        EventKind::SubscriptionExpired,
    ] {
        assert_eq!(
            configured.plan(&event(kind, &[IOS, ID])),
            Err(NotSent::EventDisabled)
        );
    }
    let sandbox = in_sandbox(event(EventKind::TrialStarted, &[IOS, ID]));
    assert_eq!(configured.plan(&sandbox), Err(NotSent::EventDisabled));
}

#[test]
fn a_refund_that_is_asked_for_has_no_price() {
    let events = json!({ "subscription_refunded": "refund" });
    let configured = configured("tenjin", &with(settings(), "events", events));
    let event = event(EventKind::SubscriptionRefunded, &[IOS, ID]);
    assert_eq!(
        sent(configured.as_ref(), &event).unwrap().url,
        "https://track.tenjin.com/v0/event"
    );
    assert!(!form(configured.as_ref(), &event).contains("price"));
}

#[test]
fn the_code_and_not_the_status_says_no() {
    let configured = configured("tenjin", &settings());
    for (code, meaning) in [
        (200, "delivered"),
        (400, "rejected"),
        (401, "credentials"),
        (500, "retry"),
    ] {
        assert_eq!(
            means(configured.as_ref(), 200, &json!({ "code": code })),
            meaning
        );
    }
}
