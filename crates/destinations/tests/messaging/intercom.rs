//! Intercom: contacts, metadata, pauses.

use super::{answer, body, costing, known, ready, sample};
use destinations::{Outcome, find};
use domain::EventKind;
use serde_json::{Value, json};
use std::time::Duration;

/// Source: Intercom API reference 2.14, "Create contact": a user has an external id.
#[test]
fn a_contact_that_intercom_does_not_know_is_made() {
    let settings = json!({ "access_token": "t", "region": "eu", "update_contacts": true });
    let intercom = ready("intercom", &settings);
    let event = known::event(EventKind::SubscriptionRenewed);
    let messages = intercom.plan(&event).unwrap();
    let remedy = |message, status| {
        let answer = answer(status, &[], &json!({}));
        intercom.remedy(message, &event, sample::now(&event), &answer)
    };
    let request = remedy(&messages[0], 404).unwrap();
    assert_eq!(request.url, "https://api.eu.intercom.io/contacts");
    let contact: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "role": "user", "external_id": "12345", "email": "anna@example.com", "name": "Anna",
        "phone": "+1 (415) 555-0100",
    });
    assert_eq!(contact, expected);
    assert_eq!(remedy(&messages[0], 400), None);
    assert_eq!(remedy(&messages[1], 404), None);
    assert!(request.headers.iter().any(|header| header.secret));
    // Nobody is kept of a test.
    assert_eq!(
        intercom.plan(&known::event(EventKind::Test)).unwrap().len(),
        1
    );
}

/// Source: Intercom API reference 2.14, "Metadata object": ten keys; monetary amounts in the smallest unit.
#[test]
fn metadata_of_intercom_are_ten_flat_members_at_most() {
    let intercom = ready("intercom", &json!({ "access_token": "t" }));
    for kind in find("intercom").unwrap().spec().events {
        let mut event = known::event(*kind);
        event.previous_product = Some("annual".into());
        let metadata = body(intercom.as_ref(), &event)["metadata"].clone();
        assert!(metadata.as_object().unwrap().len() <= 10, "{metadata}");
    }
    let yen = known::event(EventKind::SubscriptionRenewed);
    let yen = costing(yen, 300_000_000, "JPY", 2_000_000);
    let price = body(intercom.as_ref(), &yen)["metadata"]["price"].clone();
    assert_eq!(price, json!({ "amount": 300, "currency": "jpy" }));
}

#[test]
fn intercom_says_until_when() {
    let intercom = ready("intercom", &json!({ "access_token": "t" }));
    let headers = [
        ("date", "Mon, 30 Nov 2026 00:53:20 GMT"),
        ("x-ratelimit-reset", "1796000010"),
    ];
    let pause = Outcome::Retry(Some(Duration::from_secs(10)));
    assert_eq!(intercom.classify(&answer(429, &headers, &json!({}))), pause);
}
