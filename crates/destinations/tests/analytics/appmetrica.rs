use crate::{all, first, known, ready, repeatable, with};
use domain::EventKind;
use jiff::SignedDuration;
use serde_json::json;

fn configured() -> Box<dyn destinations::Configured> {
    let settings =
        json!({ "application_id": "1111", "post_api_key": "post-key", "send_revenue": true });
    ready("appmetrica", &settings)
}

/// AppMetrica asks for one of them, and not for both.
#[test]
fn a_customer_is_a_profile_or_a_device() {
    let event = known::event(EventKind::SubscriptionExpired);
    let device = ("$appmetricaDeviceId", "42");
    let profile = ("$appmetricaProfileId", "p-1");
    for (attributes, told, not_told) in [
        (vec![], "profile_id=12345", "appmetrica_device_id"),
        (vec![device], "appmetrica_device_id=42", "profile_id"),
        (
            vec![device, profile],
            "profile_id=p-1",
            "appmetrica_device_id",
        ),
    ] {
        let url = first(configured().as_ref(), &with(event.clone(), &attributes)).url;
        assert!(url.contains(told) && !url.contains(not_told), "{url}");
    }
}

#[test]
fn only_charges_are_revenue_and_of_one_piece() {
    let mut event = known::event(EventKind::NonSubscriptionPurchase);
    event.transaction.as_mut().unwrap().quantity = 3;
    let requests = all(configured().as_ref(), &event);
    let revenue = requests[1].as_ref().unwrap();
    assert!(revenue.url.contains("/import/revenue?"));
    assert!(revenue.url.contains("price=5.99&currency=USD&quantity=1&"));
    for kind in [
        EventKind::SubscriptionRefunded,
        EventKind::RefundReversed,
        EventKind::TrialStarted,
    ] {
        assert_eq!(all(configured().as_ref(), &known::event(kind)).len(), 1);
    }
    let settings = json!({ "application_id": "1111", "post_api_key": "post-key" });
    assert_eq!(
        all(ready("appmetrica", &settings).as_ref(), &event).len(),
        1
    );
    assert_eq!(repeatable(configured().as_ref(), &event), [false, false]);
}

#[test]
fn the_key_in_the_query_is_not_shown() {
    let event = known::event(EventKind::SubscriptionExpired);
    let request = first(configured().as_ref(), &event);
    assert!(request.url.contains("post_api_key=post-key&"));
    assert!(request.shown_url().contains("post_api_key=***&"));
}

#[test]
fn what_would_be_booked_at_another_time_is_not_sent() {
    let oldest = configured().window().oldest;
    assert_eq!(oldest, Some(SignedDuration::from_hours(7 * 24)));
}

/// Servers refuse URLs of more than some eight kibibytes.
#[test]
fn attributes_are_told_as_far_as_a_url_has_room() {
    let settings =
        json!({ "application_id": "1111", "post_api_key": "post-key", "send_attributes": true });
    let configured = ready("appmetrica", &settings);
    let event = known::event(EventKind::SubscriptionExpired);
    let url = first(configured.as_ref(), &event).url;
    assert!(url.contains("subscriber_attributes"), "{url}");
    let names: Vec<_> = (0..50).map(|at| format!("attribute{at}")).collect();
    let value = "ä".repeat(500);
    let many: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), value.as_str()))
        .collect();
    let url = first(configured.as_ref(), &with(event, &many)).url;
    assert!(url.len() < 8_192, "{}", url.len());
}
