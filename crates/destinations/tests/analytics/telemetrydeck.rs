use crate::{body, first, known, ready, repeatable, unsendable, without};
use domain::{Environment, EventKind};
use jiff::SignedDuration;
use serde_json::json;
use std::time::Duration;

/// An event counts when it arrives.
#[test]
fn neither_yesterday_nor_tomorrow_is_sent_today() {
    let settings = json!({ "namespace": "com.example", "wait_minutes": 1_440 });
    let configured = ready("telemetrydeck", &settings);
    let window = configured.window();
    assert_eq!(window.oldest, Some(SignedDuration::from_hours(24)));
    assert_eq!(window.ahead, Some(SignedDuration::ZERO));
    assert!(configured.waits_for_attributes() <= Duration::from_hours(24));
    let renewed = known::event(EventKind::SubscriptionRenewed);
    assert_eq!(repeatable(configured.as_ref(), &renewed), [false]);
}

#[test]
fn the_app_is_that_of_the_customer_or_else_of_the_settings() {
    let event = known::event(EventKind::SubscriptionRenewed);
    let event = without(event, &["$telemetryDeckAppId"]);
    let settings = json!({ "app_id": "of-settings" });
    let configured = ready("telemetrydeck", &settings);
    assert_eq!(body(configured.as_ref(), &event)[0]["appID"], "of-settings");
    assert_eq!(
        first(configured.as_ref(), &event).url,
        "https://nom.telemetrydeck.com/v2/"
    );
    assert_eq!(
        unsendable(ready("telemetrydeck", &json!({})).as_ref(), &event),
        "missing_customer_data: the customer has no $telemetryDeckAppId"
    );
}

#[test]
fn test_purchases_are_sent_in_test_mode() {
    let configured = ready("telemetrydeck", &json!({}));
    let mut event = known::event(EventKind::SubscriptionRenewed);
    event.environment = Environment::Sandbox;
    assert_eq!(body(configured.as_ref(), &event)[0]["isTestMode"], true);
}

#[test]
fn nobody_is_named_and_nothing_is_nested() {
    let configured = ready("telemetrydeck", &json!({}));
    let mut event = known::event(EventKind::SubscriptionRenewed);
    event.customer.app_user_id = "anna-7421".into();
    event.customer.aliases = vec!["before-7421".into()];
    let told = body(configured.as_ref(), &event);
    let payload = told[0]["payload"].as_object().unwrap();
    let mut values = payload.values();
    assert!(values.all(|value| value.is_string() || value.is_number()));
    let text = told.to_string();
    assert!(!text.contains("7421"), "{text}");
}
