//! What a test tells in formats whose receivers read a purchase in everything: one in the sandbox, that nobody made.

use domain::{
    AppId, Currency, Environment, Event, EventKind, Money, Store,
    event::{AppRef, Purchase, TransactionRef},
    fact::{Ownership, TransactionKind},
    snapshot::{Phase, Standing},
};
use jiff::{SignedDuration, Timestamp};

const PRODUCT: &str = "test_product";
const TRANSACTION: &str = "test_transaction";
/// How long the period lasts.
const PERIOD: SignedDuration = SignedDuration::from_hours(2);

/// The beginning of a subscription in the sandbox. Access comes of none: whoever stores what customers may use stores nothing of it.
pub(crate) fn purchase(test: &Event) -> Event {
    let at = test.occurred_at;
    let ends = Some(domain::time::after(at, PERIOD));
    let app = || AppRef {
        id: AppId::new(test.id.uuid()),
        key: "test".into(),
        store: Store::AppStore,
        store_name: None,
    };
    Event {
        kind: EventKind::SubscriptionStarted,
        environment: Environment::Sandbox,
        app: Some(test.app.clone().unwrap_or_else(app)),
        product: Some(PRODUCT.into()),
        purchase: Some(bought(at, ends)),
        transaction: Some(paid(at, ends)),
        ..test.clone()
    }
}

fn price() -> Money {
    Money::new(4_990_000, Currency::USD)
}

fn bought(at: Timestamp, ends: Option<Timestamp>) -> Purchase {
    Purchase {
        chain: TRANSACTION.into(),
        kind: TransactionKind::Subscription,
        original_purchased_at: at,
        purchased_at: at,
        expires_at: ends,
        access_until: ends,
        phase: Phase::Regular,
        standing: Standing::Current,
        will_renew: true,
        next_product: None,
        renewal_price: Some(price()),
        ownership: Ownership::Purchased,
        consecutive_payments: 1,
        over_a_year: false,
        trial_days: None,
        offering: None,
        is_prepaid: false,
    }
}

fn paid(at: Timestamp, ends: Option<Timestamp>) -> TransactionRef {
    TransactionRef {
        id: TRANSACTION.into(),
        purchased_at: at,
        expires_at: ends,
        quantity: 1,
        price: Some(price()),
        price_usd: Some(price()),
        proceeds: None,
        proceeds_usd: None,
        refunded: None,
        tax: None,
        tax_usd: None,
        net: None,
        net_usd: None,
        is_free: false,
        offer: None,
        country: Some("US".into()),
        token: None,
    }
}
