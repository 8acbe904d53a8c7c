//! What events may be called, and what they are called unless the settings say.

use crate::Invalid;
use domain::EventKind;
use serde_json::Value;

/// Longest name of an event. Source: Google, "Measurement Protocol", limitations.
const LONGEST: usize = 40;

/// Beginnings of names that Google keeps to itself.
pub(super) const RESERVED_BEGINNINGS: [&str; 3] = ["ga_", "google_", "firebase_"];

/// Names of events that Google keeps to itself. Source: Google, "Measurement Protocol", reserved names, those of events.
const RESERVED: [&str; 36] = [
    "ad_activeview",
    "ad_click",
    "ad_exposure",
    "ad_impression",
    "ad_query",
    "ad_reward",
    "adunit_exposure",
    "app_background",
    "app_clear_data",
    "app_exception",
    "app_remove",
    "app_store_refund",
    "app_store_subscription_cancel",
    "app_store_subscription_convert",
    "app_store_subscription_renew",
    "app_uninstall",
    "app_update",
    "app_upgrade",
    "dynamic_link_app_open",
    "dynamic_link_app_update",
    "dynamic_link_first_open",
    "error",
    "first_open",
    "first_visit",
    "in_app_purchase",
    "notification_dismiss",
    "notification_foreground",
    "notification_open",
    "notification_receive",
    "notification_send",
    "os_update",
    "screen_view",
    "session_start",
    "session_start_with_rollout",
    "user_engagement",
    "user_id",
];

/// What is wrong with the names in the setting `events`.
pub(super) fn problems(events: &Value) -> Vec<Invalid> {
    let named = events.as_object().into_iter().flatten();
    named
        .filter_map(|(kind, name)| {
            let problem = problem(name.as_str()?)?;
            Some(Invalid::new(format!("events.{kind}"), problem))
        })
        .collect()
}

fn problem(name: &str) -> Option<&'static str> {
    let begins = name.chars().next();
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if name.len() > LONGEST {
        return Some("is longer than the 40 letters that Google takes");
    }
    if !is_plain || !begins.is_some_and(|first| first.is_ascii_alphabetic()) {
        return Some("is no name for Google: letters, digits and _, and first a letter");
    }
    let is_reserved = RESERVED_BEGINNINGS
        .iter()
        .any(|beginning| name.starts_with(beginning));
    if is_reserved || RESERVED.contains(&name) {
        return Some("is a name that Google keeps to itself");
    }
    None
}

/// What a kind that is no charge is called by itself.
pub(super) const fn own(kind: EventKind) -> &'static str {
    if kind.is_refund() {
        "refund"
    } else {
        kind.id()
    }
}

/// What RevenueCat calls a kind here; `None` for what it does not send. Source: RevenueCat docs, "Firebase", events.
pub(super) const fn revenuecat(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::TrialStarted => "rc_trial_start",
        EventKind::TrialRenewalCancelled
        | EventKind::SubscriptionRenewalCancelled
        | EventKind::SubscriptionRefunded
        | EventKind::NonSubscriptionPurchaseRefunded => "rc_cancellation",
        EventKind::TrialRenewalReactivated | EventKind::SubscriptionRenewalReactivated => {
            "rc_uncancellation"
        }
        EventKind::SubscriptionPaused => "rc_subscription_paused",
        EventKind::SubscriptionExpired | EventKind::TrialExpired => "rc_expiration",
        EventKind::BillingIssueDetected => "rc_billing_issue",
        EventKind::ProductChanged => "rc_product_change",
        EventKind::Transfer => "rc_transfer_event",
        EventKind::Test => "rc_test_event",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_those_that_google_takes() {
        let forty = "a".repeat(40);
        for (name, is_taken) in [
            ("purchase", true),
            ("rc_trial_start", true),
            (forty.as_str(), true),
            (&"a".repeat(41), false),
            ("1st", false),
            ("_first", false),
            ("with space", false),
            ("größe", false),
            ("firebase_x", false),
            ("ga_x", false),
            ("google_x", false),
            ("in_app_purchase", false),
            ("session_start", false),
        ] {
            let found = problems(&json!({ "subscription_started": name }));
            assert_eq!(found.is_empty(), is_taken, "{name}: {found:?}");
        }
        assert_eq!(problems(&json!({ "subscription_started": true })), []);
        for kind in EventKind::ALL {
            let names = [Some(own(*kind)), revenuecat(*kind)];
            for name in names.into_iter().flatten() {
                assert_eq!(problem(name), None, "{name}");
            }
        }
    }
}
