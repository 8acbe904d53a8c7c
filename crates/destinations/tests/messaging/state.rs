//! OneSignal and Pushwoosh: a state, and not a stream.

use super::{all, body, first, known, means, ready, refused, with, without};
use destinations::Configured;
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

fn onesignal(more: &Value) -> Box<dyn Configured> {
    let mut settings = json!({ "app_id": "app", "api_key": "k" });
    let more = more.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    ready("onesignal", &settings)
}

/// Source: OneSignal docs, "Update user" and "Edit device": a player id is no id of a user.
#[test]
fn a_user_of_one_signal_is_found_in_one_of_three_ways() {
    let event = known::event(EventKind::SubscriptionRenewed);
    let event = without(event, &["$onesignalUserId"]);
    let why = all(onesignal(&json!({})).as_ref(), &event).remove(0);
    assert_eq!(why.unwrap_err().reason, NotSent::MissingCustomerData);
    let by_name = onesignal(&json!({ "user_by": "external_id" }));
    let url = first(by_name.as_ref(), &event).url;
    assert_eq!(
        url,
        "https://api.onesignal.com/apps/app/users/by/external_id/12345"
    );
    let player = with(event, &[("$onesignalId", "p/1")]);
    let request = first(onesignal(&json!({})).as_ref(), &player);
    assert_eq!(request.verb(), "PUT");
    assert_eq!(
        request.url,
        "https://api.onesignal.com/api/v1/players/p%2F1"
    );
    let told: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(told["app_id"], "app");
    assert_eq!(told["tags"]["last_event_type"], "subscription_renewed");
}

/// Only the newest matters: what comes too late would set back what is known.
#[test]
fn a_state_is_never_set_back() {
    let pushwoosh = json!({ "application_code": "a", "api_token": "t" });
    for configured in [onesignal(&json!({})), ready("pushwoosh", &pushwoosh)] {
        let mut event = known::event(EventKind::SubscriptionRenewed);
        assert!(configured.plan(&event).is_ok());
        event.late = true;
        assert_eq!(configured.plan(&event), Err(NotSent::Historical));
        let once = known::event(EventKind::NonSubscriptionPurchase);
        assert_eq!(configured.plan(&once), Err(NotSent::EventUnsupported));
    }
}

/// Source: RevenueCat docs, "OneSignal": values of `last_event_type`.
#[test]
fn tags_of_one_signal_are_texts_under_the_names_that_are_set() {
    let settings = json!({ "names": "revenuecat", "tags": ["product_id=plan", "store="] });
    let onesignal = onesignal(&settings);
    let of = |kind| {
        let event = known::event(kind);
        body(onesignal.as_ref(), &event)["properties"]["tags"].clone()
    };
    let told = of(EventKind::SubscriptionExpired);
    assert_eq!(told["last_event_type"], "expiration");
    assert_eq!(told["active_subscription"], "false");
    assert_eq!(told["plan"], "monthly_1");
    assert!(told.get("product_id").is_none() && told.get("store").is_none());
    assert_eq!(told["grace_period_expiration_at"], "");
    let told = of(EventKind::BillingIssueDetected);
    assert_eq!(told["grace_period_expiration_at"], "1769940000");
    let rate = onesignal.rate_per_customer().unwrap();
    assert_eq!((rate.count.get(), rate.per.as_secs()), (1, 1));
    let unknown = json!({ "tags": ["colour=red"] });
    assert_eq!(refused("onesignal", &unknown), "tags");
}

#[test]
fn the_verdict_of_pushwoosh_is_in_the_body() {
    let pushwoosh = ready(
        "pushwoosh",
        &json!({ "application_code": "a", "api_token": "t" }),
    );
    for (status, said, expected) in [
        (
            200,
            json!({ "status_code": 210, "status_message": "Argument error" }),
            "rejected",
        ),
        (200, json!({ "status_code": 500 }), "retry"),
        (
            200,
            json!({ "status_code": 200, "response": { "skipped": [{ "tag": "plan" }] } }),
            "partly",
        ),
        (
            200,
            json!({ "status_code": 200, "response": null }),
            "delivered",
        ),
        (200, json!("ok"), "retry"),
        (403, json!({}), "credentials"),
    ] {
        assert_eq!(means(pushwoosh.as_ref(), status, &said), expected, "{said}");
    }
    let event = with(
        known::event(EventKind::SubscriptionRenewed),
        &[("$pushwooshHwid", "device-1")],
    );
    let told = body(pushwoosh.as_ref(), &event)["request"].clone();
    assert_eq!(told["hwid"], "device-1");
    assert!(told.get("userId").is_none());
}
