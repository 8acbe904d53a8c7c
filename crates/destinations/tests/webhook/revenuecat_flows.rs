//! What the `revenuecat` format says of pauses, changes, grants, prepaid plans, stores of one's own and tests. Source: RevenueCat docs, "Event Types
//! and Fields", "Common Webhook Flows", "Google Prepaid Plans".

use super::{messages, sample};
use domain::{
    CancellationReason, Currency, Event, EventKind, Money, Store,
    change::ByAccess,
    event::{AppRef, TransactionRef},
    fact::TransactionKind,
    snapshot::Standing,
};
use serde_json::{Value, json};

/// The messages of an event: their types and what is in them.
fn told(event: &Event) -> Vec<(String, Value)> {
    let told = messages("revenuecat", event).into_iter();
    told.map(|(name, body)| (name, body["event"].clone()))
        .collect()
}

fn types(event: &Event) -> Vec<String> {
    told(event).into_iter().map(|(name, _)| name).collect()
}

fn has(event: &Value, expected: &Value) {
    for (member, expected) in expected.as_object().unwrap() {
        assert_eq!(event.get(member), Some(expected), "{member} of {event:#}");
    }
}

fn in_store(event: Event, store: Store) -> Event {
    let app = event.app.clone().map(|app| AppRef { store, ..app });
    Event { app, ..event }
}

/// An event of access that a step is told by.
fn by_access(step: ByAccess, standing: Standing) -> Event {
    let mut event = sample::event(EventKind::AccessLevelUpdated);
    event.cause.rule = step.rule().into();
    event.purchase.as_mut().unwrap().standing = standing;
    event
}

const BEGAN: i64 = 1_767_261_600_123;
const ENDS: i64 = 1_769_940_000_123;

/// `SUBSCRIPTION_PAUSED` at the request, `EXPIRATION` with the reason when it begins, no `CANCELLATION`.
#[test]
fn a_pause_that_begins_is_an_expiration_with_its_reason_and_its_end() {
    let until = sample::time("2026-05-01T10:00:00Z");
    let paused = Standing::Paused { until: Some(until) };
    let event = in_store(by_access(ByAccess::PauseBegan, paused), Store::PlayStore);
    let told = told(&event);
    assert_eq!(types(&event), ["EXPIRATION"]);
    has(
        &told[0].1,
        &json!({
            "type": "EXPIRATION", "expiration_reason": "SUBSCRIPTION_PAUSED", "expiration_at_ms": ENDS,
            "auto_resume_at_ms": 1_777_629_600_000_i64, "store": "PLAY_STORE", "price": 0,
        }),
    );
}

/// No grace period: `BILLING_ISSUE`, `CANCELLATION` and `EXPIRATION` at the same moment.
#[test]
fn a_charge_that_fails_without_grace_ends_access_with_its_reason() {
    let since = sample::time("2026-02-01T10:00:00Z");
    let event = by_access(ByAccess::HoldBegan, Standing::Retry { since });
    let told = told(&event);
    assert_eq!(types(&event), ["EXPIRATION"]);
    has(&told[0].1, &json!({ "expiration_reason": "BILLING_ERROR" }));
}

/// The latest period refunded: `CANCELLATION` with `CUSTOMER_SUPPORT`, then `EXPIRATION`.
#[test]
fn a_refund_that_takes_access_is_an_expiration_too() {
    let mut event = sample::event(EventKind::SubscriptionRefunded);
    event.cancellation_reason = Some(CancellationReason::Refund);
    assert_eq!(
        types(&event),
        ["CANCELLATION"],
        "what goes on has not ended"
    );
    let at = sample::time("2026-01-10T10:00:00Z");
    let purchase = event.purchase.as_mut().unwrap();
    purchase.standing = Standing::Revoked { at };
    purchase.access_until = Some(at);
    assert_eq!(types(&event), ["CANCELLATION", "EXPIRATION"]);
    let told = told(&event);
    let end = 1_768_039_200_000_i64;
    has(
        &told[0].1,
        &json!({ "cancel_reason": "CUSTOMER_SUPPORT", "expiration_at_ms": end, "price": -5.99 }),
    );
    has(
        &told[1].1,
        &json!({ "expiration_reason": "CUSTOMER_SUPPORT", "expiration_at_ms": end, "price": 0 }),
    );
    assert_ne!(told[0].1["id"], told[1].1["id"]);
}

fn before() -> TransactionRef {
    TransactionRef {
        id: "0999".into(),
        purchased_at: sample::time("2025-12-15T10:00:00Z"),
        expires_at: Some(sample::time("2026-01-15T10:00:00Z")),
        ..sample::event(EventKind::SubscriptionRenewed)
            .transaction
            .unwrap()
    }
}

/// `product_id`, the period and the transaction are the old product's, `new_product_id` the new one.
#[test]
fn a_change_of_product_tells_the_old_period_and_transaction() {
    let mut event = sample::event(EventKind::ProductChanged);
    event.previous_transaction = Some(before());
    has(
        &told(&event)[0].1,
        &json!({
            "type": "PRODUCT_CHANGE", "product_id": "annual", "new_product_id": "monthly_1",
            "transaction_id": "0999", "original_transaction_id": "1000", "period_type": "NORMAL",
            "purchased_at_ms": 1_765_792_800_000_i64, "expiration_at_ms": 1_768_471_200_000_i64,
        }),
    );
    // One that waits for the renewal runs in the old product's period itself.
    event.previous_transaction = None;
    has(
        &told(&event)[0].1,
        &json!({ "transaction_id": "1001", "purchased_at_ms": BEGAN, "expiration_at_ms": ENDS }),
    );
    event.previous_transaction = Some(TransactionRef {
        is_free: true,
        ..before()
    });
    has(&told(&event)[0].1, &json!({ "period_type": "TRIAL" }));
}

fn grant(step: ByAccess, standing: Standing) -> Event {
    let mut event = in_store(by_access(step, standing), Store::Promotional);
    let product = "rc_promo_premium_monthly";
    event.product = Some(product.into());
    event.entitlements = Vec::new();
    let transaction = event.transaction.as_mut().unwrap();
    (transaction.price, transaction.price_usd) = (None, None);
    let level = event.level.as_mut().unwrap();
    (level.product, level.store) = (product.into(), Store::Promotional);
    event
}

/// `store` and `period_type` both `PROMOTIONAL`, no `app_id`, a product that begins with `rc_promo`.
#[test]
fn a_grant_is_a_purchase_that_ends() {
    let began = grant(ByAccess::GrantBegan, Standing::Current);
    assert_eq!(types(&began), ["NON_RENEWING_PURCHASE"]);
    let told_of = told(&began).remove(0).1;
    has(
        &told_of,
        &json!({
            "store": "PROMOTIONAL", "period_type": "PROMOTIONAL", "environment": "PRODUCTION", "price": 0,
            "product_id": "rc_promo_premium_monthly", "entitlement_ids": ["premium"],
            "purchased_at_ms": BEGAN, "expiration_at_ms": ENDS, "is_family_share": false, "metadata": null,
        }),
    );
    assert_eq!(told_of.get("app_id"), None);

    let at = sample::time("2026-02-01T10:00:00Z");
    let reason = CancellationReason::VoluntarilyCancelled;
    let ended = grant(ByAccess::GrantEnded, Standing::Expired { at, reason });
    assert_eq!(types(&ended), ["EXPIRATION"]);
    has(
        &told(&ended)[0].1,
        &json!({ "store": "PROMOTIONAL", "period_type": "PROMOTIONAL", "expiration_reason": "DEVELOPER_INITIATED" }),
    );

    // Also what was given for ever ends when it is taken back.
    let mut revoked = grant(ByAccess::GrantRevoked, Standing::Revoked { at });
    let purchase = revoked.purchase.as_mut().unwrap();
    (purchase.kind, purchase.expires_at) = (TransactionKind::NonConsumable, None);
    purchase.access_until = Some(at);
    revoked.transaction.as_mut().unwrap().expires_at = None;
    assert_eq!(types(&revoked), ["CANCELLATION", "EXPIRATION"]);
    for (name, event) in told(&revoked) {
        let why = if name == "CANCELLATION" {
            "cancel_reason"
        } else {
            "expiration_reason"
        };
        has(
            &event,
            &json!({ why: "DEVELOPER_INITIATED", "expiration_at_ms": 1_769_940_000_000_i64 }),
        );
    }
}

/// A purchase, and at a top-up another one with the end of the first, each an order of its own; nothing renews.
#[test]
fn what_is_paid_for_ahead_is_bought_order_by_order() {
    let prepaid = |kind| {
        let mut event = in_store(sample::event(kind), Store::PlayStore);
        event.purchase.as_mut().unwrap().is_prepaid = true;
        event
    };
    let first = prepaid(EventKind::SubscriptionStarted);
    assert_eq!(types(&first), ["INITIAL_PURCHASE"]);
    has(
        &told(&first)[0].1,
        &json!({ "period_type": "PREPAID", "transaction_id": "1001", "original_transaction_id": "1001" }),
    );
    let mut topped_up = prepaid(EventKind::SubscriptionRenewed);
    topped_up.previous_transaction = Some(before());
    assert_eq!(types(&topped_up), ["EXPIRATION", "INITIAL_PURCHASE"]);
    let both = told(&topped_up);
    has(
        &both[0].1,
        &json!({
            "period_type": "PREPAID", "transaction_id": "0999", "original_transaction_id": "0999",
            "purchased_at_ms": 1_765_792_800_000_i64, "expiration_at_ms": BEGAN, "price": 0,
        }),
    );
    has(
        &both[1].1,
        &json!({
            "period_type": "PREPAID", "transaction_id": "1001", "original_transaction_id": "1001",
            "purchased_at_ms": BEGAN, "expiration_at_ms": ENDS, "price": 5.99,
        }),
    );
    // Bought after the end there is nothing left to end.
    topped_up.previous_transaction = Some(TransactionRef {
        expires_at: Some(sample::time("2025-12-31T10:00:00Z")),
        ..before()
    });
    assert_eq!(types(&topped_up), ["INITIAL_PURCHASE"]);
}

/// Family members have everything with `is_family_share` and without a price.
#[test]
fn a_member_of_the_family_is_a_customer_who_paid_nothing() {
    for (step, name) in [
        (ByAccess::ShareBegan, "INITIAL_PURCHASE"),
        (ByAccess::ShareGiven, "NON_RENEWING_PURCHASE"),
        (ByAccess::ShareWillEnd, "CANCELLATION"),
        (ByAccess::ShareEnded, "EXPIRATION"),
    ] {
        let mut event = by_access(step, Standing::Current);
        event.purchase.as_mut().unwrap().ownership = domain::fact::Ownership::FamilyShared;
        assert_eq!(types(&event), [name]);
        let expected = json!({
            "is_family_share": true, "price": 0, "price_in_purchased_currency": 0, "entitlement_ids": ["premium"],
        });
        has(&told(&event)[0].1, &expected);
    }
}

/// A receiver that reads a closed list refuses every other word.
#[test]
fn a_store_of_ones_own_goes_by_a_name_that_is_known() {
    for (name, store) in [
        ("amazon", "AMAZON"),
        ("Paddle", "PADDLE"),
        ("roku", "ROKU"),
        ("rc-billing", "RC_BILLING"),
        ("my shop", "EXTERNAL"),
        ("adyen", "EXTERNAL"),
    ] {
        let mut event = in_store(
            sample::event(EventKind::SubscriptionStarted),
            Store::External,
        );
        event.app.as_mut().unwrap().store_name = Some(name.into());
        has(&told(&event)[0].1, &json!({ "store": store }));
    }
}

#[test]
fn a_test_looks_like_a_purchase_in_the_sandbox() {
    let mut event = sample::event(EventKind::Test);
    (event.app, event.purchase, event.transaction) = (None, None, None);
    (event.product, event.level) = (None, None);
    event.entitlements = Vec::new();
    event.access.clear();
    let (name, test) = told(&event).remove(0);
    assert_eq!(name, "TEST");
    let (_, purchase) = told(&sample::event(EventKind::SubscriptionStarted)).remove(0);
    for (member, value) in purchase.as_object().unwrap() {
        let is_there = test.get(member).is_some_and(|test| {
            let may_be_unknown = [
                "entitlement_ids",
                "commission_percentage",
                "takehome_percentage",
            ];
            test.is_null() == value.is_null() || may_be_unknown.contains(&member.as_str())
        });
        assert!(is_there || member == "metadata", "{member} of {test:#}");
    }
    has(
        &test,
        &json!({
            "type": "TEST", "environment": "SANDBOX", "period_type": "NORMAL", "store": "APP_STORE",
            "entitlement_ids": null, "purchased_at_ms": BEGAN, "currency": "USD",
        }),
    );
}

/// `price` in dollars of a stated purchase without one is unknown, not nothing.
#[test]
fn money_of_a_grant_is_nothing_in_dollars_whatever_was_stated() {
    let mut event = grant(ByAccess::GrantBegan, Standing::Current);
    event.transaction.as_mut().unwrap().price = Some(Money::new(0, Currency::USD));
    has(
        &told(&event)[0].1,
        &json!({ "price": 0, "price_in_purchased_currency": 0, "currency": "USD" }),
    );
}
