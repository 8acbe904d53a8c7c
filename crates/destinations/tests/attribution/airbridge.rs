//! Airbridge.

use super::{IOS, body, configured, event, in_sandbox, sent, with};
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

const ID: &[(&str, &str)] = &[("$airbridgeDeviceId", "3e2f0b7c-51f0-4d39-9b1c-7f3d4f2b8a10")];

fn settings() -> Value {
    json!({ "app_name": "example", "api_token": "t", "ios_bundle_id": "com.example.app" })
}

/// Airbridge refuses its own identifier of a device without a version of the system.
#[test]
fn a_device_is_told_with_its_version_or_by_its_user_alone() {
    let configured = configured("airbridge", &settings());
    let with = body(
        configured.as_ref(),
        &event(EventKind::TrialStarted, &[IOS, ID]),
    );
    assert_eq!(with["device"]["deviceUUID"], ID[0].1);
    assert_eq!(with["device"]["osVersion"], "18.5");
    let without = body(configured.as_ref(), &event(EventKind::TrialStarted, &[ID]));
    assert_eq!(without["device"].get("deviceUUID"), None);
    assert_eq!(without["user"]["externalUserID"], "12345");
}

#[test]
fn an_address_travels_as_a_header_where_there_is_one() {
    let configured = configured("airbridge", &settings());
    let request = sent(configured.as_ref(), &event(EventKind::TrialStarted, &[ID])).unwrap();
    assert!(
        request
            .headers
            .iter()
            .all(|header| header.name != "x-forwarded-for")
    );
}

#[test]
fn test_purchases_are_sent_where_that_is_asked_for_and_told_apart() {
    let event = in_sandbox(event(EventKind::TrialStarted, &[IOS, ID]));
    let without = configured("airbridge", &settings());
    assert_eq!(without.plan(&event), Err(NotSent::EventDisabled));
    let configured = configured("airbridge", &with(settings(), "send_sandbox", true));
    let goal = &body(configured.as_ref(), &event)["eventData"]["goal"];
    assert_eq!(goal["customAttributes"]["environment"], "SANDBOX");
}

#[test]
fn it_is_asked_a_thousand_times_a_minute_at_most() {
    let rate = configured("airbridge", &settings()).rate().unwrap();
    assert_eq!((rate.count.get(), rate.per.as_secs()), (1000, 60));
}

/// Source: RevenueCat docs, "Airbridge", "Default event names".
#[test]
fn names_may_be_those_of_revenuecat() {
    let configured = configured("airbridge", &with(settings(), "names", "revenuecat"));
    for (kind, name) in [
        (EventKind::SubscriptionRenewed, "Purchase"),
        (EventKind::TrialStarted, "Start Trial"),
        (EventKind::TrialRenewalCancelled, "Cancelled Trial"),
        (EventKind::SubscriptionRenewalCancelled, "Cancellation"),
        (
            EventKind::NonSubscriptionPurchase,
            "Non Subscription Purchase",
        ),
        (EventKind::SubscriptionExpired, "Expiration"),
        (EventKind::BillingIssueDetected, "Billing Issue"),
        (EventKind::ProductChanged, "Product Change"),
    ] {
        let planned = configured.plan(&event(kind, &[IOS, ID])).unwrap();
        assert_eq!(planned[0].name, name);
    }
    let paused = event(EventKind::SubscriptionPaused, &[IOS, ID]);
    assert_eq!(configured.plan(&paused), Err(NotSent::EventDisabled));
}
