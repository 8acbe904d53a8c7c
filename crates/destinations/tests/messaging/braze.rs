//! Braze: two ways to add revenue up, aliases, and answers of several objects.

use super::{answer, body, known, means, ready, without};
use destinations::{Configured, Outcome};
use domain::{Currency, EventKind, Money};
use serde_json::{Value, json};
use std::time::Duration;

fn braze(more: &Value) -> Box<dyn Configured> {
    let mut settings = json!({ "rest_endpoint": "https://rest.iad-01.braze.com/", "api_key": "k" });
    let more = more.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    ready("braze", &settings)
}

/// Source: Braze docs, "User alias object": both members are required.
#[test]
fn an_alias_of_braze_is_a_pair_or_nothing() {
    let braze = braze(&json!({}));
    let event = without(
        known::event(EventKind::SubscriptionStarted),
        &["$brazeAliasLabel"],
    );
    let told = body(braze.as_ref(), &event);
    for object in told["events"].as_array().unwrap() {
        assert_eq!(object["external_id"], "12345");
        assert!(
            object.get("user_alias").is_none() && object.get("_update_existing_only").is_none()
        );
    }
}

#[test]
fn braze_adds_revenue_up_in_one_way_only() {
    let refund = known::event(EventKind::SubscriptionRefunded);
    let purchases = braze(&json!({ "revenue_as": "purchases" }));
    let told = body(purchases.as_ref(), &refund);
    assert_eq!(told["purchases"][0]["price"], -5.99);
    assert_eq!(told["events"].as_array().unwrap().len(), 1);
    let neither = braze(&json!({ "revenue_as": "properties" }));
    let told = body(neither.as_ref(), &refund);
    assert!(told.get("purchases").is_none());
    assert_eq!(told["events"].as_array().unwrap().len(), 1);
    assert_eq!(told["events"][0]["properties"]["revenue"], -5.99);
    // Of a partial refund its part, above zero.
    let mut part = refund;
    part.transaction.as_mut().unwrap().refunded = Some(Money::new(2_000_000, Currency::USD));
    let told = body(braze(&json!({})).as_ref(), &part);
    assert_eq!(told["events"][1]["name"], "ecommerce.order_refunded");
    assert_eq!(told["events"][1]["properties"]["total_value"], 2);
}

#[test]
fn attributes_of_braze_never_begin_with_a_dollar() {
    let event = known::event(EventKind::SubscriptionStarted);
    for (names, prefix) in [("tidings", ""), ("revenuecat", "rc_")] {
        let braze = braze(&json!({ "send_attributes": true, "names": names }));
        let told = body(braze.as_ref(), &event)["attributes"][0].clone();
        assert_eq!(told[format!("{prefix}subscription_status")], "active");
        assert_eq!(told[format!("{prefix}customer_attribute_favorite")], "tea");
        assert!(
            !told
                .as_object()
                .unwrap()
                .keys()
                .any(|name| name.starts_with('$'))
        );
    }
}

/// Source: Braze docs, "Track users", responses; fixtures of an open event router for the 401 that is about data.
#[test]
fn braze_says_yes_and_no_at_once() {
    let braze = braze(&json!({}));
    let error = json!([{ "type": "'quantity' is not valid", "input_array": "events", "index": 1 }]);
    let partly = json!({ "message": "success", "errors": error });
    assert_eq!(means(braze.as_ref(), 201, &partly), "partly");
    let nothing = json!({ "message": "queued for nobody" });
    assert_eq!(means(braze.as_ref(), 201, &nothing), "rejected");
    let about_data = json!({ "message": "Valid data must be provided in the 'events' field." });
    assert_eq!(means(braze.as_ref(), 401, &about_data), "rejected");
    let about_key = json!({ "message": "Invalid API Key" });
    assert_eq!(means(braze.as_ref(), 401, &about_key), "credentials");
    let limited = answer(429, &[("x-ratelimit-retry-after", "3")], &json!({}));
    let pause = Outcome::Retry(Some(Duration::from_secs(3)));
    assert_eq!(braze.classify(&limited), pause);
}
