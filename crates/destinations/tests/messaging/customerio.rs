//! Customer.io: ids, batches of two, and workspaces for test purchases.

use super::{body, first, known, means, ready, with};
use destinations::{Item, Outcome};
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

/// Source: Customer.io docs, "Track API v2: batch": up to 500 KB, errors by `batch_index`; fixtures of an open event router for the count.
#[test]
fn customer_io_takes_many_at_once_and_answers_for_each() {
    let settings = json!({ "site_id": "s", "api_key": "k" });
    let customerio = ready("customerio", &settings);
    let events = [1, 2, 3].map(|number| {
        let mut event = known::event(EventKind::SubscriptionRenewed);
        event.id = domain::EventId::new(uuid::Uuid::from_u128(number));
        event.customer.attributes.remove("$customerioId");
        event.customer.app_user_id = format!("c{number}");
        event
    });
    let message = customerio.plan(&events[0]).unwrap().remove(0);
    let items = events.each_ref().map(|event| Item {
        delivery: "",
        message: &message,
        event,
        now: super::sample::now(event),
    });
    let request = customerio.render_batch(&items).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let whom = told["batch"].as_array().unwrap().iter();
    let whom: Vec<_> = whom
        .map(|one| (&one["action"], &one["identifiers"]["id"]))
        .map(|(action, id)| (action.as_str().unwrap(), id.as_str().unwrap()))
        .collect();
    let (person, event) = ("identify", "event");
    let expected = [
        (person, "c1"),
        (event, "c1"),
        (person, "c2"),
        (event, "c2"),
        (person, "c3"),
        (event, "c3"),
    ];
    assert_eq!(whom, expected);
    let says = |status, body: serde_json::Value| {
        let answer = super::answer(status, &[], &body);
        let each = customerio.classify_batch(&answer, &items);
        let whole = || vec![customerio.classify(&answer); items.len()];
        let words = each
            .unwrap_or_else(whole)
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Delivered => "delivered",
                Outcome::Partly(_) => "partly",
                Outcome::Rejected(_) => "rejected",
                Outcome::CredentialsRefused(_) => "credentials",
                Outcome::Retry(_) => "retry",
                Outcome::Gone(_) => "gone",
            });
        words.collect::<Vec<_>>()
    };
    assert_eq!(says(200, json!({})), ["delivered"; 3]);
    // The person of the second, and the event of the third.
    let errors = json!({ "errors": [
        { "batch_index": 2, "reason": "invalid", "field": "attributes" },
        { "batch_index": 5, "reason": "invalid", "field": "name" },
    ]});
    assert_eq!(says(207, errors), ["delivered", "partly", "rejected"]);
    // What names no place is about all of them.
    let error = json!({ "errors": [{ "reason": "invalid", "field": "batch" }] });
    assert_eq!(says(400, error.clone()), ["rejected"; 3]);
    // Some were not taken, and nobody knows which: their ids make it harmless that all are sent again.
    assert_eq!(says(207, error), ["retry"; 3]);
    for unread in [
        json!("{\"errors\": [{\"batch_index\""),
        json!({}),
        json!({ "errors": [] }),
    ] {
        assert_eq!(says(207, unread), ["retry"; 3]);
    }
    let errors = json!({ "errors": [
        { "batch_index": 3, "reason": "invalid" }, { "batch_index": 6, "reason": "invalid" },
    ]});
    assert_eq!(says(207, errors), ["retry", "rejected", "retry"]);
    let errors = json!({ "errors": [
        { "batch_index": 2, "reason": "invalid" }, { "batch_index": 3, "reason": "required" },
    ]});
    assert_eq!(says(207, errors), ["delivered", "rejected", "delivered"]);
    // An answer to as many as there may be is short enough to be read.
    let most = customerio.batching().unwrap().most;
    assert!(2 * most * 300 <= 64 << 10);
    assert_eq!(says(401, json!({})), ["credentials"; 3]);
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
