//! Iterable: purchases and events, and names that are too long.

use super::{all, body, costing, first, known, means, ready, with, without};
use domain::{EventKind, NotSent};
use serde_json::json;
use std::time::Duration;

#[test]
fn iterable_keeps_purchases_without_currency_in_dollars() {
    let iterable = ready("iterable", &json!({ "api_key": "k" }));
    let renewal = known::event(EventKind::SubscriptionRenewed);
    let renewal = costing(renewal, 8_990_000, "EUR", 9_710_000);
    let renewal = with(
        renewal,
        &[("$iterableCampaignId", "12"), ("$iterableTemplateId", "x")],
    );
    let told = body(iterable.as_ref(), &renewal);
    assert_eq!(told["total"], 9.71);
    assert_eq!(told["items"][0]["dataFields"]["currency"], "USD");
    assert_eq!(told["campaignId"], 12);
    assert!(told.get("templateId").is_none());
    let refund = known::event(EventKind::SubscriptionRefunded);
    assert!(
        first(iterable.as_ref(), &refund)
            .url
            .ends_with("/api/events/track")
    );
    let told = body(iterable.as_ref(), &refund);
    assert_eq!(told["dataFields"]["revenue"], -5.99);
    assert!(told.get("total").is_none());
}

/// Source: Iterable API docs, `userId`: 52 characters.
#[test]
fn a_name_that_iterable_does_not_take_is_missing() {
    let iterable = ready("iterable", &json!({ "api_key": "k" }));
    let mut event = without(
        known::event(EventKind::SubscriptionExpired),
        &["$email", "$iterableUserId"],
    );
    event.customer.app_user_id = "x".repeat(52);
    assert_eq!(body(iterable.as_ref(), &event)["userId"], "x".repeat(52));
    event.customer.app_user_id.push('x');
    let why = all(iterable.as_ref(), &event).remove(0).unwrap_err();
    assert_eq!(why.reason, NotSent::MissingCustomerData);
    assert_eq!(iterable.waits_for_attributes(), Duration::from_mins(10));
    let refused = json!({ "code": "BadApiKey" });
    assert_eq!(means(iterable.as_ref(), 400, &refused), "credentials");
    let unknown = json!({ "code": "BadParams" });
    assert_eq!(means(iterable.as_ref(), 200, &unknown), "rejected");
}
