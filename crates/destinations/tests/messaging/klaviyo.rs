//! Klaviyo: what is past, and what stays.

use super::{body, known, ready};
use domain::{Event, EventKind};
use serde_json::json;

/// Source: Klaviyo's OpenAPI document, `backfill` and `time`.
#[test]
fn what_is_imported_starts_no_flow_of_klaviyo() {
    let settings = json!({ "private_key": "k", "withhold_attributes": ["$phoneNumber"] });
    let klaviyo = ready("klaviyo", &settings);
    let mut event = known::event(EventKind::SubscriptionStarted);
    let of = |event: &Event| body(klaviyo.as_ref(), event)["data"]["attributes"].clone();
    assert!(of(&event).get("backfill").is_none());
    event.historical = true;
    let told = of(&event);
    assert_eq!(told["backfill"], true);
    let profile = &told["profile"]["data"]["attributes"];
    assert_eq!(profile["email"], "anna@example.com");
    assert!(profile.get("phone_number").is_none());
    let ahead = klaviyo.window().ahead.unwrap();
    assert_eq!(ahead.as_hours(), 365 * 24);
}
