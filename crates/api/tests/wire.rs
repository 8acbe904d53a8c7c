//! The event as programs receive it, member by member. The API shows it, and webhooks of format `standard` and streams carry it whole: three promises
//! that are one, so that what is stored may change and no program notices.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use destinations::webhook;
use domain::Event;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use web::view::HappenedView;

fn money(micros: i64) -> Value {
    json!({ "micros": micros, "currency": "EUR" })
}

fn customer(name: &str) -> Value {
    json!({
        "id": "cus_00000000000000000000000001",
        "app_user_id": name,
        "first_seen": "2025-12-01T10:00:00Z",
        "last_seen": "2026-01-01T10:00:00Z",
        "aliases": ["$anonymous:1"],
        "attributes": { "$email": "ann@example.com" },
        "written": { "$email": "2025-12-01T10:00:00Z" },
        "analytics_disabled": true,
        "installed_at": "2025-11-30T10:00:00Z",
        "attribution": {
            "source": "search",
            "status": "non_organic",
            "channel": "web",
            "campaign": "winter",
            "ad_group": "one",
            "ad_set": "two",
            "creative": "three",
            "network_user_id": "4",
            "created_at": "2025-12-01T10:00:00Z",
        },
        "offering": "spring",
        "revenue_usd_micros": 5_990_000,
    })
}

fn level() -> Value {
    json!({
        "id": "premium",
        "is_active": true,
        "product": "monthly",
        "store": "external",
        "chain": "order-1",
        "line": "seat",
        "transaction": "order-2",
        "activated_at": "2025-12-01T10:00:00Z",
        "renewed_at": "2026-01-01T10:00:00Z",
        "expires_at": "2026-02-01T10:00:00Z",
        "will_renew": true,
        "is_in_grace_period": false,
        "is_lifetime": false,
        "is_refund": false,
        "billing_issue_detected_at": "2026-01-01T10:00:00Z",
        "cancellation_reason": "billing_error",
        "is_trial": false,
        "offer_category": "introductory",
    })
}

fn transaction(id: &str) -> Value {
    json!({
        "id": id,
        "purchased_at": "2026-01-01T10:00:00Z",
        "expires_at": "2026-02-01T10:00:00Z",
        "quantity": 1,
        "price": money(5_990_000),
        "price_usd": money(6_500_000),
        "proceeds": money(5_000_000),
        "proceeds_usd": money(5_500_000),
        "refunded": money(1_000_000),
        "tax": money(900_000),
        "tax_usd": money(950_000),
        "net": money(4_100_000),
        "net_usd": money(4_500_000),
        "is_free": false,
        "offer": { "category": "introductory", "discount": "pay_as_you_go", "id": "welcome" },
        "country": "DE",
        "token": "t",
    })
}

/// An event with every member that one can have.
fn whole(standing: &Value) -> Value {
    json!({
        "id": "evt_00000000000000000000000001",
        "key": "charged:order-2",
        "kind": "subscription_renewed",
        "occurred_at": "2026-01-01T10:00:00Z",
        "recorded_at": "2026-01-01T10:00:01.5Z",
        "customer_seq": 3,
        "environment": "production",
        "project": "prj_00000000000000000000000001",
        "app": { "id": "app_00000000000000000000000001", "key": "shop", "store": "external", "store_name": "my_shop" },
        "customer": customer("ann"),
        "purchase": {
            "chain": "order-1",
            "kind": "subscription",
            "original_purchased_at": "2025-12-01T10:00:00Z",
            "purchased_at": "2026-01-01T10:00:00Z",
            "expires_at": "2026-02-01T10:00:00Z",
            "access_until": "2026-02-01T10:00:00Z",
            "phase": "regular",
            "standing": standing,
            "will_renew": true,
            "next_product": "yearly",
            "renewal_price": money(5_990_000),
            "ownership": "purchased",
            "consecutive_payments": 2,
            "over_a_year": false,
            "trial_days": 7,
            "offering": "spring",
            "is_prepaid": true,
        },
        "transaction": transaction("order-2"),
        "previous_transaction": transaction("order-1"),
        "line": "seat",
        "lines": [{
            "name": "seat",
            "is_base": true,
            "product": "monthly",
            "transaction": "order-2",
            "quantity": 1,
            "price": money(5_990_000),
            "price_usd": money(6_500_000),
            "tax": money(900_000),
            "refunded": money(1_000_000),
            "purchased_at": "2026-01-01T10:00:00Z",
            "expires_at": "2026-02-01T10:00:00Z",
            "gives_access": true,
            "will_renew": true,
        }],
        "joins_base": true,
        "product": "monthly",
        "previous_product": "weekly",
        "scheduled": false,
        "entitlements": ["premium"],
        "cancellation_reason": "refund",
        "level": level(),
        "access": { "premium": level() },
        "cause": { "inbox": "inb_00000000000000000000000001", "rule": "renewed" },
        "historical": false,
        "late": true,
        "request": { "reason": "UNINTENDED_PURCHASE", "respond_by": "2026-01-01T22:00:00Z", "token": "r", "transaction": "order-2" },
        "after_days": 3,
        "transferred_from": customer("bea"),
    })
}

/// How a purchase may stand, one of each kind.
fn standings() -> [Value; 7] {
    let at = "2026-02-01T10:00:00Z";
    [
        json!({ "state": "current" }),
        json!({ "state": "grace", "since": at, "until": at }),
        json!({ "state": "retry", "since": at }),
        json!({ "state": "lapsed" }),
        json!({ "state": "expired", "at": at, "reason": "billing_error" }),
        json!({ "state": "paused", "until": at }),
        json!({ "state": "revoked", "at": at }),
    ]
}

#[test]
fn webhooks_carry_every_member_of_an_event_and_the_api_shows_the_same() {
    for standing in standings() {
        let whole = whole(&standing);
        let event: Event = serde_json::from_value(whole.clone()).unwrap();
        let told = webhook::payloads("standard", &event).remove(0);
        let told: Value = serde_json::from_slice(&told.body.unwrap()).unwrap();
        assert_eq!(told["data"], whole, "{standing}");
        // Streams of the API write it in this order as well.
        let kept = serde_json::to_string(&event).unwrap();
        let shown = serde_json::to_string(&HappenedView::from(event)).unwrap();
        assert_eq!(shown, kept, "{standing}");
    }
}

#[test]
fn what_an_event_lacks_is_absent_or_null_as_it_always_was() {
    let event = json!({
        "id": "evt_00000000000000000000000001",
        "key": "test",
        "kind": "test",
        "occurred_at": "2026-01-01T10:00:00Z",
        "recorded_at": "2026-01-01T10:00:00Z",
        "customer_seq": 1,
        "environment": "sandbox",
        "project": "prj_00000000000000000000000001",
        "app": null,
        "customer": {
            "id": "cus_00000000000000000000000001",
            "app_user_id": "ann",
            "first_seen": "2026-01-01T10:00:00Z",
            "last_seen": "2026-01-01T10:00:00Z",
            "attributes": {},
            "revenue_usd_micros": 0,
        },
        "purchase": null,
        "transaction": null,
        "product": null,
        "previous_product": null,
        "scheduled": false,
        "entitlements": [],
        "cancellation_reason": null,
        "level": null,
        "access": {},
        "cause": { "inbox": null, "rule": "test" },
        "historical": false,
        "late": false,
    });
    let read: Event = serde_json::from_value(event.clone()).unwrap();
    let shown = serde_json::to_value(HappenedView::from(read)).unwrap();
    assert_eq!(shown, event);
}

/// The document of the API, of which schemas refer to each other.
struct Document(Value);

impl Document {
    /// The schemas that a schema is one of, or all of.
    fn parts<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            let named = self.0.pointer(reference.strip_prefix('#').unwrap());
            return self.parts(named.unwrap());
        }
        let several = ["oneOf", "allOf"].map(|name| schema[name].as_array());
        let several: Vec<_> = several.into_iter().flatten().flatten().collect();
        if several.is_empty() {
            return vec![schema];
        }
        let parts = several.into_iter();
        parts.flat_map(|part| self.parts(part)).collect()
    }

    /// Every member that a schema describes, by its path.
    fn described(&self, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
        for part in self.parts(schema) {
            for (name, member) in part["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}.{name}");
                self.described(member, &path, found);
                found.insert(path);
            }
            for (inner, mark) in [("items", "[]"), ("additionalProperties", ".*")] {
                if part[inner].is_object() {
                    self.described(&part[inner], &format!("{path}{mark}"), found);
                }
            }
        }
    }

    /// Every member that a value has, by its path as `described` writes it.
    fn had(&self, schema: &Value, value: &Value, path: &str, found: &mut BTreeSet<String>) {
        let parts = self.parts(schema);
        for (name, member) in value.as_object().into_iter().flatten() {
            let named = parts
                .iter()
                .find(|part| part["properties"][name].is_object());
            let free = parts
                .iter()
                .find(|part| part["additionalProperties"].is_object());
            match (named, free) {
                (Some(of), _) => {
                    let path = format!("{path}.{name}");
                    self.had(&of["properties"][name], member, &path, found);
                    found.insert(path);
                }
                (None, Some(of)) => {
                    let of = &of["additionalProperties"];
                    self.had(of, member, &format!("{path}.*"), found);
                }
                (None, None) => panic!("{path} has a member {name} that is not described"),
            }
        }
        for entry in value.as_array().into_iter().flatten() {
            let of = parts.iter().find(|part| part["items"].is_object());
            self.had(&of.unwrap()["items"], entry, &format!("{path}[]"), found);
        }
    }
}

#[test]
fn the_document_describes_every_member_and_no_other() {
    let document = Document(serde_json::to_value(api::document()).unwrap());
    let event = &document.0["components"]["schemas"]["Event"];
    let (mut described, mut had) = (BTreeSet::new(), BTreeSet::new());
    document.described(event, "event", &mut described);
    for standing in standings() {
        document.had(event, &whole(&standing), "event", &mut had);
    }
    assert_eq!(had, described);
}
