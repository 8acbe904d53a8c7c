//! What holds for all of them.

use super::{IOS, body, configured, event, is_repeatable, sent, with};
use domain::{EventKind, Store};
use serde_json::json;

/// Source: the vendors' references; what has no key that tells a repetition apart counts twice.
#[test]
fn money_is_not_repeated_where_a_repetition_counts_twice() {
    let tokens = json!({ "subscription_renewed": "abc123", "trial_started": "abc124" });
    for (key, settings) in [
        ("adjust", json!({ "event_tokens": tokens })),
        ("appsflyer", json!({})),
        ("asapty", json!({})),
        ("branch", json!({})),
        ("kochava", json!({})),
        ("meta", json!({ "type": "app_events" })),
        ("singular", json!({})),
        ("tenjin", json!({})),
    ] {
        let once = configured(key, &settings);
        assert!(
            !is_repeatable(once.as_ref(), EventKind::SubscriptionRenewed),
            "{key}"
        );
        assert!(
            is_repeatable(once.as_ref(), EventKind::TrialStarted),
            "{key}"
        );
        let again = configured(key, &with(settings, "repeat_unconfirmed", true));
        assert!(
            is_repeatable(again.as_ref(), EventKind::SubscriptionRenewed),
            "{key}"
        );
    }
    for key in ["airbridge", "meta", "snapchat", "tiktok"] {
        let configured = configured(key, &json!({}));
        assert!(
            is_repeatable(configured.as_ref(), EventKind::SubscriptionRenewed),
            "{key}"
        );
    }
}

/// Source: the vendors' references; of Branch and Tenjin, which count what arrives when it arrives, a day is ours.
#[test]
fn nothing_is_sent_that_is_too_old_or_has_yet_to_happen() {
    for (key, hours) in [
        ("adjust", Some(58 * 24)),
        ("airbridge", Some(24)),
        ("appsflyer", Some(26)),
        ("branch", Some(24)),
        ("kochava", None),
        ("meta", Some(7 * 24)),
        ("singular", None),
        ("snapchat", Some(7 * 24)),
        ("tenjin", Some(24)),
        ("tiktok", Some(7 * 24)),
    ] {
        let window = configured(key, &json!({})).window();
        assert_eq!(
            window.oldest.map(|oldest| oldest.as_hours()),
            hours,
            "{key}"
        );
        assert_eq!(window.ahead.is_some(), hours.is_some(), "{key}");
    }
}

/// A refund that is told without its amount took nothing off; giving it back would count it twice.
#[test]
fn what_a_refund_did_not_take_off_is_not_put_back() {
    let event = event(EventKind::RefundReversed, &[IOS]);
    let branch = configured("branch", &json!({ "branch_key": "k" }));
    assert_eq!(
        body(branch.as_ref(), &event)["custom_data"].get("revenue"),
        None
    );
    let singular = json!({ "sdk_key": "k", "ios_bundle_id": "com.example.app" });
    let singular = sent(configured("singular", &singular).as_ref(), &event).unwrap();
    assert!(singular.url.contains("amt=5.99"), "{}", singular.url);
}

/// What was bought on the web goes to nobody who knows apps alone.
#[test]
fn a_purchase_in_no_app_is_unsupported() {
    let mut event = event(EventKind::SubscriptionStarted, &[]);
    event.app.as_mut().unwrap().store = Store::Stripe;
    let settings = json!({ "branch_key": "k" });
    let unsendable = sent(configured("branch", &settings).as_ref(), &event).unwrap_err();
    assert_eq!(unsendable.reason.id(), "event_unsupported");
}
