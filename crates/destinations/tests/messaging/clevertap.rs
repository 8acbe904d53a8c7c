//! CleverTap: money that goes back, profiles, and answers in parts.

use super::{body, known, means, ready, refused};
use domain::EventKind;
use serde_json::json;

#[test]
fn clever_tap_hears_of_no_money_that_goes_back() {
    let settings =
        json!({ "account_id": "a", "passcode": "p", "send_attributes": true, "region": "in1" });
    let clevertap = ready("clevertap", &settings);
    let told = body(
        clevertap.as_ref(),
        &known::event(EventKind::SubscriptionRefunded),
    );
    let data = &told["d"][0]["evtData"];
    assert!(data.get("amount").is_none() && data.get("currency").is_none());
    assert_eq!(data["entitlement_ids"], "premium");
    assert_eq!(told["d"][1]["type"], "profile");
    assert_eq!(told["d"][1]["profileData"]["Name"], "Anna");
    assert_eq!(told["d"][1]["profileData"]["favorite"], "tea");
    let settings = json!({ "account_id": "a", "passcode": "p", "region": "mars" });
    assert_eq!(refused("clevertap", &settings), "region");
}

/// Source: CleverTap docs, "Upload events API", errors.
#[test]
fn clever_tap_says_no_with_200() {
    let clevertap = ready("clevertap", &json!({ "account_id": "a", "passcode": "p" }));
    let part = |of: &str| {
        let record = json!({ "status": "fail", "code": 523, "record": { "type": of } });
        json!({ "status": "partial", "processed": 1, "unprocessed": [record] })
    };
    assert_eq!(means(clevertap.as_ref(), 200, &part("profile")), "partly");
    assert_eq!(means(clevertap.as_ref(), 200, &part("event")), "rejected");
}
