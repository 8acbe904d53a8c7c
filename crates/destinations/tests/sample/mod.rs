//! Sample events of every kind.

use destinations::{AppFacts, Now};
use domain::{
    AccessLevel, AppId, CancellationReason, Currency, CustomerId, Environment, Event, EventId,
    EventKind, Money, ProjectId, Store,
    customer::Customer,
    event::{AppRef, Cause, Purchase, TransactionRef},
    fact::{Discount, Offer, OfferCategory, Ownership, TransactionKind},
    snapshot::{Phase, Standing},
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What is known when an event is sent as soon as it is recorded.
pub(crate) fn now(event: &Event) -> Now<'_> {
    Now::of(event, event.recorded_at, AppFacts::UNKNOWN)
}

/// A production event of `kind`: a monthly subscription at 5.99 dollars of the customer `12345`.
pub(crate) fn event(kind: EventKind) -> Event {
    let free = matches!(
        kind,
        EventKind::TrialStarted
            | EventKind::TrialRenewalCancelled
            | EventKind::TrialRenewalReactivated
            | EventKind::TrialExpired
    );
    let one_time = matches!(
        kind,
        EventKind::NonSubscriptionPurchase | EventKind::NonSubscriptionPurchaseRefunded
    );
    let usd = |micros| Some(Money::new(micros, Currency::USD));
    let offer = free.then_some(Offer {
        category: Some(OfferCategory::Introductory),
        discount: Some(Discount::FreeTrial),
        id: None,
    });
    let expires_at = (!one_time).then(|| time("2026-02-01T10:00:00.123456Z"));
    let price = if free { usd(0) } else { usd(5_990_000) };
    let level = AccessLevel {
        id: "premium".into(),
        is_active: true,
        product: "monthly_1".into(),
        store: Store::AppStore,
        chain: "1000".into(),
        line: String::new(),
        transaction: "1001".into(),
        activated_at: time("2026-01-01T10:00:00.123456Z"),
        renewed_at: time("2026-01-01T10:00:00.123456Z"),
        expires_at,
        will_renew: true,
        is_in_grace_period: false,
        is_lifetime: false,
        is_refund: false,
        billing_issue_detected_at: None,
        cancellation_reason: None,
        is_trial: free,
        offer_category: None,
    };
    let ended = matches!(
        kind,
        EventKind::SubscriptionExpired | EventKind::TrialExpired | EventKind::SubscriptionRefunded
    );
    Event {
        id: EventId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
        key: "ios:production:charged:1001".into(),
        kind,
        occurred_at: time("2026-01-01T10:00:00.123456Z"),
        recorded_at: time("2026-01-01T10:00:01Z"),
        customer_seq: 3,
        environment: Environment::Production,
        project: ProjectId::new(Uuid::from_u128(1)),
        app: Some(AppRef {
            id: AppId::new(Uuid::from_u128(0x1234_5678_1234_1234_1234_1234_5678_9012)),
            key: "ios".into(),
            store: Store::AppStore,
            store_name: None,
        }),
        customer: Customer {
            last_seen: time("2026-01-01T10:00:01Z"),
            attributes: BTreeMap::from([
                ("$email".into(), "a@example.com".into()),
                ("$branchId".into(), "b1".into()),
                ("$campaign".into(), "spring".into()),
                ("color".into(), "violet".into()),
            ]),
            revenue_usd_micros: 11_980_000,
            ..Customer::new(
                CustomerId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002)),
                "12345".into(),
                time("2026-01-01T09:00:00Z"),
            )
        },
        purchase: Some(Purchase {
            chain: "1000".into(),
            kind: if one_time {
                TransactionKind::Consumable
            } else {
                TransactionKind::Subscription
            },
            original_purchased_at: time("2026-01-01T10:00:00.123456Z"),
            purchased_at: time("2026-01-01T10:00:00.123456Z"),
            expires_at,
            access_until: expires_at,
            phase: if free { Phase::Trial } else { Phase::Regular },
            standing: Standing::Current,
            will_renew: !one_time,
            next_product: None,
            renewal_price: if one_time { None } else { usd(5_990_000) },
            ownership: Ownership::Purchased,
            consecutive_payments: 1,
            over_a_year: false,
            trial_days: free.then_some(7),
            offering: None,
            is_prepaid: false,
        }),
        transaction: Some(TransactionRef {
            id: "1001".into(),
            purchased_at: time("2026-01-01T10:00:00.123456Z"),
            expires_at,
            quantity: 1,
            price,
            price_usd: price,
            proceeds: price.and_then(|price| price.basis_points(8_500)),
            proceeds_usd: price.and_then(|price| price.basis_points(8_500)),
            refunded: None,
            tax: None,
            tax_usd: None,
            net: None,
            net_usd: None,
            is_free: free,
            offer,
            country: Some("US".into()),
            token: None,
        }),
        previous_transaction: None,
        line: String::new(),
        lines: Vec::new(),
        joins_base: false,
        product: Some("monthly_1".into()),
        previous_product: (kind == EventKind::ProductChanged).then(|| "annual".into()),
        scheduled: false,
        entitlements: vec!["premium".into()],
        cancellation_reason: ended.then_some(CancellationReason::VoluntarilyCancelled),
        level: (kind == EventKind::AccessLevelUpdated).then(|| level.clone()),
        access: BTreeMap::from([("premium".into(), level)]),
        cause: Cause {
            inbox: None,
            rule: "sample".into(),
        },
        historical: false,
        late: false,
        transferred_from: None,
        request: None,
        after_days: match kind {
            EventKind::TrialActive => Some(3),
            EventKind::SubscriptionActive => Some(30),
            _ => None,
        },
    }
}
