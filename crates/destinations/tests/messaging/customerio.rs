//! Customer.io: ids, batches of two, and workspaces for test purchases.

use super::{body, first, known, means, ready, with};
use domain::{Environment, EventKind, NotSent};
use serde_json::json;

/// Source: the ULID specification: 26 characters of Crockford's base 32, the same 128 bits.
#[test]
fn customer_io_knows_an_event_by_its_ulid() {
    let settings = json!({ "site_id": "s", "api_key": "k", "send_attributes": true });
    let customerio = ready("customerio", &settings);
    let long = "x".repeat(1_001);
    let event = with(
        known::event(EventKind::SubscriptionRenewalCancelled),
        &[("recipient", "evil@example.com"), ("long", &long)],
    );
    let told = body(customerio.as_ref(), &event);
    assert_eq!(told["batch"][1]["id"], "01J0000000E008000000000001");
    assert_eq!(told["batch"][1]["attributes"]["revenue"], 0);
    let kept = &told["batch"][0]["attributes"]["subscriber_attributes"];
    assert_eq!(kept["favorite"], "tea");
    assert!(kept.get("recipient").is_none() && kept.get("long").is_none());
    assert!(told["batch"][1]["attributes"].get("recipient").is_none());
}

/// Source: Customer.io docs, "Track API v2: batch", 207.
#[test]
fn customer_io_names_what_it_did_not_take() {
    let settings = json!({ "site_id": "s", "api_key": "k", "region": "eu" });
    let customerio = ready("customerio", &settings);
    let failed = |index: u64| json!({ "errors": [{ "batch_index": index, "reason": "invalid" }] });
    assert_eq!(means(customerio.as_ref(), 207, &failed(0)), "partly");
    assert_eq!(means(customerio.as_ref(), 207, &failed(1)), "rejected");
    assert_eq!(means(customerio.as_ref(), 301, &json!({})), "credentials");
    let url = first(customerio.as_ref(), &known::event(EventKind::Test)).url;
    assert_eq!(url, "https://track-eu.customer.io/api/v2/batch");
}

#[test]
fn test_purchases_go_to_projects_of_their_own_or_nowhere() {
    let mut event = known::event(EventKind::SubscriptionRenewed);
    event.environment = Environment::Sandbox;
    let one = json!({ "site_id": "s", "api_key": "k" });
    let one = ready("customerio", &one);
    assert_eq!(one.plan(&event), Err(NotSent::EventDisabled));
    let two =
        json!({ "site_id": "s", "api_key": "k", "sandbox_site_id": "t", "sandbox_api_key": "l" });
    let two = ready("customerio", &two);
    let headers = first(two.as_ref(), &event).headers;
    let basic = headers.iter().find(|header| header.name == "authorization");
    // `t:l`, in base 64.
    assert_eq!(basic.unwrap().value, "Basic dDps");
    assert_eq!(two.endpoint(Environment::Sandbox), Environment::Sandbox);
}
