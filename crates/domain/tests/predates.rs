//! What is history to a customer.
//!
//! Sources: Adapty docs, "Webhook", *Exclude historical events*: events from before the customer was there; RevenueCat docs, "Webhooks": of
//! an import one event is told, the latest.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{Environment, Event, EventKind, customer::Customer, event::Cause};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// An event that happened so long before its customer was first seen.
fn event(before: SignedDuration) -> Event {
    let first_seen: Timestamp = "2026-11-03T10:00:00Z".parse().unwrap();
    let id = "cus_00000000000000000000000000".parse().unwrap();
    Event {
        id: "evt_00000000000000000000000000".parse().unwrap(),
        key: "charged:1000".into(),
        kind: EventKind::SubscriptionStarted,
        occurred_at: first_seen - before,
        recorded_at: first_seen,
        customer_seq: 1,
        environment: Environment::Production,
        project: "prj_00000000000000000000000000".parse().unwrap(),
        app: None,
        customer: Customer::new(id, "ann".into(), first_seen),
        purchase: None,
        transaction: None,
        previous_transaction: None,
        line: String::new(),
        lines: Vec::new(),
        joins_base: false,
        product: None,
        previous_product: None,
        scheduled: false,
        entitlements: Vec::new(),
        cancellation_reason: None,
        level: None,
        access: BTreeMap::new(),
        cause: Cause {
            inbox: None,
            rule: "charge.first_is_paid".into(),
        },
        historical: false,
        late: false,
        request: None,
        after_days: None,
        transferred_from: None,
    }
}

#[test]
fn what_is_news_is_older_than_no_customer_who_is_known_by_it() {
    // Heard of some seconds after it was bought, or when this server was back.
    for before in [SignedDuration::from_secs(3), SignedDuration::from_hours(60)] {
        assert!(!event(before).predates_customer(), "{before}");
    }
    let old = Event {
        historical: true,
        ..event(SignedDuration::from_hours(24 * 40))
    };
    assert!(old.predates_customer());
    // Learned of late: of a customer who was there, and of one who was not.
    for (before, is_history) in [(-60, false), (60, true)] {
        let late = Event {
            late: true,
            ..event(SignedDuration::from_secs(before))
        };
        assert_eq!(late.predates_customer(), is_history, "{before}");
    }
}
