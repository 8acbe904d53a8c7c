//! Payloads of the `revenuecat` format, `api_version` 1.0. Source: RevenueCat docs, "Event Types and
//! Fields" and "Common Webhook Flows".
//!
//! | ours | theirs |
//! |---|---|
//! | `subscription_started`, `trial_started` | `INITIAL_PURCHASE`; `RENEWAL` where another product took over |
//! | `subscription_renewed`, `trial_converted` | `RENEWAL` |
//! | `*_renewal_cancelled` | `CANCELLATION` |
//! | `*_renewal_reactivated` | `UNCANCELLATION` |
//! | `*_expired` | `EXPIRATION`; nothing where another product took over |
//! | `billing_issue_detected` | `BILLING_ISSUE`, then `CANCELLATION` with `BILLING_ERROR` |
//! | `subscription_refunded` of the latest period | `CANCELLATION` with `CUSTOMER_SUPPORT`; nothing for an upgrade |
//! | `non_subscription_purchase`, `..._refunded` | `NON_RENEWING_PURCHASE`, `CANCELLATION` with `CUSTOMER_SUPPORT` |
//! | `subscription_paused` | `SUBSCRIPTION_PAUSED` |
//! | `subscription_extended`, `subscription_deferred` | `SUBSCRIPTION_EXTENDED` |
//! | `product_changed`, `refund_reversed`, `transfer`, `test` | `PRODUCT_CHANGE`, `REFUND_REVERSED`, `TRANSFER`, `TEST` |
//!
//! What they know and we do not is absent or `null`: experiments, the metadata of web purchases. `renewal_number` counts the
//! uninterrupted periods, the trial included; `updated_at_ms` of an attribute is when the customer was last heard of.

use domain::{
    CancellationReason, Currency, Environment, Event, EventKind, Money, Store,
    customer::is_anonymous,
    event::TransactionRef,
    fact::{Ownership, TransactionKind},
    snapshot::{Phase, Standing},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};
use uuid::Uuid;

/// Kinds the format has a name for.
pub(super) const EVENTS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::SubscriptionExpired,
    EventKind::SubscriptionRefunded,
    EventKind::SubscriptionExtended,
    EventKind::SubscriptionDeferred,
    EventKind::SubscriptionPaused,
    EventKind::NonSubscriptionPurchase,
    EventKind::NonSubscriptionPurchaseRefunded,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::TrialRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::TrialExpired,
    EventKind::BillingIssueDetected,
    EventKind::ProductChanged,
    EventKind::RefundReversed,
    EventKind::Transfer,
    EventKind::Test,
];

const INITIAL_PURCHASE: &str = "INITIAL_PURCHASE";
const RENEWAL: &str = "RENEWAL";
const CANCELLATION: &str = "CANCELLATION";
const EXPIRATION: &str = "EXPIRATION";
const BILLING_ISSUE: &str = "BILLING_ISSUE";
const PRODUCT_CHANGE: &str = "PRODUCT_CHANGE";
const SUBSCRIPTION_PAUSED: &str = "SUBSCRIPTION_PAUSED";
const TRANSFER: &str = "TRANSFER";

/// What an event is called, in the order in which it is told; nothing where they say nothing.
pub(super) fn types(event: &Event) -> &'static [&'static str] {
    let replaced = matches!(
        event.cancellation_reason,
        Some(CancellationReason::Upgraded | CancellationReason::NewSubscriptionReplace)
    );
    match event.kind {
        EventKind::SubscriptionStarted
            if event.cause.rule.starts_with("charge.product_changed") =>
        {
            &[RENEWAL]
        }
        EventKind::SubscriptionStarted | EventKind::TrialStarted => &[INITIAL_PURCHASE],
        EventKind::SubscriptionRenewed | EventKind::TrialConverted => &[RENEWAL],
        EventKind::SubscriptionRenewalCancelled | EventKind::TrialRenewalCancelled => {
            &[CANCELLATION]
        }
        EventKind::SubscriptionRenewalReactivated | EventKind::TrialRenewalReactivated => {
            &["UNCANCELLATION"]
        }
        EventKind::SubscriptionExpired | EventKind::TrialExpired if !replaced => &[EXPIRATION],
        EventKind::BillingIssueDetected => &[BILLING_ISSUE, CANCELLATION],
        EventKind::SubscriptionRefunded if !replaced && is_of_latest_period(event) => {
            &[CANCELLATION]
        }
        EventKind::NonSubscriptionPurchase => &["NON_RENEWING_PURCHASE"],
        EventKind::NonSubscriptionPurchaseRefunded => &[CANCELLATION],
        EventKind::SubscriptionPaused => &[SUBSCRIPTION_PAUSED],
        EventKind::SubscriptionExtended | EventKind::SubscriptionDeferred => {
            &["SUBSCRIPTION_EXTENDED"]
        }
        EventKind::ProductChanged => &[PRODUCT_CHANGE],
        EventKind::RefundReversed => &["REFUND_REVERSED"],
        EventKind::Transfer => &[TRANSFER],
        EventKind::Test => &["TEST"],
        _ => &[],
    }
}

/// A refund of an earlier period is no event of theirs. Source: RevenueCat docs, "Handling Refunds".
fn is_of_latest_period(event: &Event) -> bool {
    event
        .purchase
        .as_ref()
        .zip(event.transaction.as_ref())
        .is_none_or(|(purchase, transaction)| transaction.purchased_at >= purchase.purchased_at)
}

/// A JSON number, written as it is meant.
type Number = Box<RawValue>;

fn number(text: String) -> Option<Number> {
    RawValue::from_string(text).ok()
}

fn money(amount: Money) -> Option<Number> {
    number(amount.decimal())
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

#[derive(Serialize)]
struct Envelope<E> {
    api_version: &'static str,
    event: E,
}

#[derive(Serialize)]
struct Attribute<'a> {
    value: &'a str,
    updated_at_ms: i64,
}

/// Fields that say what and who, on every type but `TRANSFER`.
#[derive(Serialize)]
struct Lifecycle<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    event_timestamp_ms: i64,
    app_user_id: &'a str,
    original_app_user_id: &'a str,
    aliases: Vec<&'a str>,
    subscriber_attributes: BTreeMap<&'a str, Attribute<'a>>,
    product_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_product_id: Option<&'a str>,
    entitlement_id: Option<&'a str>,
    entitlement_ids: Option<&'a [String]>,
    period_type: &'static str,
    purchased_at_ms: Option<i64>,
    expiration_at_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_period_expiration_at_ms: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_resume_at_ms: Option<Option<i64>>,
    store: Cow<'static, str>,
    environment: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_trial_conversion: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_reason: Option<&'static str>,
    presented_offering_id: Option<&'a str>,
    price: Option<Number>,
    currency: Option<String>,
    price_in_purchased_currency: Option<Number>,
    tax_percentage: Option<Number>,
    commission_percentage: Option<Number>,
    takehome_percentage: Option<Number>,
    transaction_id: Option<&'a str>,
    original_transaction_id: Option<&'a str>,
    is_family_share: bool,
    country_code: Option<&'a str>,
    offer_code: Option<&'a str>,
    renewal_number: Option<u32>,
}

#[derive(Serialize)]
struct Transfer<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    event_timestamp_ms: i64,
    store: Cow<'static, str>,
    environment: &'static str,
    transferred_from: Vec<&'a str>,
    transferred_to: Vec<&'a str>,
}

/// The id of a message: that of its event, or, where an event is told as two, one of its own for the second.
fn id(name: &str, event: &Event) -> String {
    let own = event.id.uuid();
    let is_first = types(event).first().is_none_or(|first| *first == name);
    let id = if is_first {
        own
    } else {
        Uuid::new_v5(&own, name.as_bytes())
    };
    id.to_string().to_uppercase()
}

fn store(event: &Event) -> Cow<'static, str> {
    let Some(app) = &event.app else {
        return "TEST_STORE".into();
    };
    match (app.store, &app.store_name) {
        (Store::AppStore, _) => "APP_STORE".into(),
        (Store::PlayStore, _) => "PLAY_STORE".into(),
        (Store::Stripe, _) => "STRIPE".into(),
        (Store::Promotional, _) => "PROMOTIONAL".into(),
        (Store::External, name) => {
            let name = name.as_deref().unwrap_or("external");
            let letter = |letter: char| {
                if letter.is_ascii_alphanumeric() {
                    letter.to_ascii_uppercase()
                } else {
                    '_'
                }
            };
            name.chars().map(letter).collect::<String>().into()
        }
    }
}

const fn environment(event: &Event) -> &'static str {
    match event.environment {
        Environment::Production => "PRODUCTION",
        Environment::Sandbox => "SANDBOX",
    }
}

/// Absent for access that was given. Source: RevenueCat docs, "Event Types and Fields", `app_id`.
fn app_id(event: &Event) -> Option<String> {
    let app = event.app.as_ref();
    app.filter(|app| app.store != Store::Promotional)
        .map(|app| app.id.to_string())
}

/// Every name of the customer: the one of now first.
fn names(customer: &domain::customer::Customer) -> Vec<&str> {
    std::iter::once(&customer.app_user_id)
        .chain(&customer.aliases)
        .map(String::as_str)
        .collect()
}

fn reason(reason: Option<CancellationReason>) -> &'static str {
    match reason {
        Some(CancellationReason::VoluntarilyCancelled) => "UNSUBSCRIBE",
        Some(CancellationReason::BillingError) => "BILLING_ERROR",
        Some(CancellationReason::Refund) => "CUSTOMER_SUPPORT",
        Some(CancellationReason::PriceIncrease) => "PRICE_INCREASE",
        Some(CancellationReason::CancelledByDeveloper | CancellationReason::GrantRevoked) => {
            "DEVELOPER_INITIATED"
        }
        Some(
            CancellationReason::ProductWasNotAvailable
            | CancellationReason::Upgraded
            | CancellationReason::NewSubscriptionReplace
            | CancellationReason::Unknown,
        )
        | None => "UNKNOWN",
    }
}

fn cancel_reason(event: &Event) -> &'static str {
    match event.kind {
        EventKind::BillingIssueDetected => "BILLING_ERROR",
        kind if kind.is_refund() => "CUSTOMER_SUPPORT",
        // Switched off by the customer, unless the store says by whom else.
        _ => event
            .cancellation_reason
            .map_or("UNSUBSCRIBE", |known| reason(Some(known))),
    }
}

fn expiration_reason(event: &Event) -> &'static str {
    let standing = event.purchase.as_ref().map(|purchase| &purchase.standing);
    match standing {
        Some(Standing::Paused { .. }) => "SUBSCRIPTION_PAUSED",
        _ => reason(event.cancellation_reason),
    }
}

/// What moved: positive in, negative out, 0 where nothing did; unknown is `None`. In dollars, and as charged.
fn prices(event: &Event) -> (Option<Money>, Option<Money>) {
    let Some(transaction) = &event.transaction else {
        return (Some(Money::new(0, Currency::USD)), None);
    };
    let nothing = |currency| Money::new(0, currency);
    let zero = (
        Some(nothing(Currency::USD)),
        transaction.price.map(|price| nothing(price.currency)),
    );
    if transaction.is_free {
        return zero;
    }
    if event.kind.is_charge() || event.kind == EventKind::RefundReversed {
        return (transaction.price_usd, transaction.price);
    }
    if event.kind.is_refund() {
        let back = transaction.refunded.or(transaction.price);
        let minus = |amount: Money| Money::new(amount.micros.saturating_neg(), amount.currency);
        let dollars = transaction
            .price_usd
            .map(|_| Money::new(event.revenue_usd_micros(), Currency::USD));
        return (dollars, back.map(minus));
    }
    zero
}

/// A share as a decimal number of up to six digits, rounded half up; `None` where it is unknown or makes no sense.
fn share(part: Option<Money>, whole: Option<Money>) -> Option<Number> {
    let (part, whole) = (part?, whole?);
    if part.currency != whole.currency || whole.micros <= 0 || part.micros < 0 {
        return None;
    }
    let (part, whole) = (i128::from(part.micros), i128::from(whole.micros));
    let millionths = (part * 1_000_000 + whole / 2) / whole;
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let text = text.trim_end_matches('0');
    number(if text.ends_with('.') {
        format!("{text}0")
    } else {
        text.to_owned()
    })
}

fn commission(transaction: &TransactionRef) -> Option<Money> {
    let (price, proceeds) = (transaction.price?, transaction.proceeds?);
    price.checked_sub(proceeds).ok()
}

fn period_type(event: &Event) -> &'static str {
    let is_given = event
        .app
        .as_ref()
        .is_some_and(|app| app.store == Store::Promotional);
    match event.purchase.as_ref().map(|purchase| purchase.phase) {
        _ if is_given => "PROMOTIONAL",
        Some(Phase::Trial) => "TRIAL",
        Some(Phase::Intro) => "INTRO",
        Some(Phase::Regular) | None => "NORMAL",
    }
}

/// End of the period; of access, where that is what the type is about. Source: RevenueCat docs, "Event Types
/// and Fields", `expiration_at_ms` and `grace_period_expiration_at_ms`.
fn expiration(name: &str, event: &Event) -> Option<Timestamp> {
    let purchase = event.purchase.as_ref()?;
    let is_subscription = purchase.kind == TransactionKind::Subscription;
    let access = purchase.access_until.filter(|_| is_subscription);
    let of_transaction = event
        .transaction
        .as_ref()
        .and_then(|transaction| transaction.expires_at);
    let is_apple = event
        .app
        .as_ref()
        .is_some_and(|app| app.store == Store::AppStore);
    match (name, event.kind) {
        (CANCELLATION, kind) if kind.is_refund() => access.or(of_transaction),
        // Apple's includes the grace period.
        (BILLING_ISSUE, _) if is_apple => access.or(of_transaction),
        (EXPIRATION, _) => access.or(of_transaction),
        _ => of_transaction.or(purchase.expires_at),
    }
}

fn renewal_number(event: &Event) -> Option<u32> {
    let purchase = event.purchase.as_ref()?;
    let is_subscription = purchase.kind == TransactionKind::Subscription;
    let trial = u32::from(purchase.trial_days.is_some());
    is_subscription.then(|| (purchase.consecutive_payments + trial).max(1))
}

/// The body of one message.
pub(super) fn render(name: &str, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    if name == TRANSFER {
        let from = event.transferred_from.as_ref();
        return envelope(Transfer {
            name,
            id: id(name, event),
            app_id: app_id(event),
            event_timestamp_ms: millis(event.recorded_at),
            store: store(event),
            environment: environment(event),
            transferred_from: from.map(names).unwrap_or_default(),
            transferred_to: names(&event.customer),
        });
    }
    let (customer, purchase) = (&event.customer, event.purchase.as_ref());
    let transaction = event.transaction.as_ref();
    let (price, charged) = prices(event);
    let is_change = name == PRODUCT_CHANGE;
    let grace = match purchase.map(|purchase| &purchase.standing) {
        Some(Standing::Grace { until, .. }) => Some(millis(*until)),
        _ => None,
    };
    let resumes = match purchase.map(|purchase| &purchase.standing) {
        Some(Standing::Paused { until: Some(until) }) => Some(millis(*until)),
        _ => None,
    };
    let updated_at_ms = millis(customer.last_seen);
    let attributes = customer.attributes.iter().map(|(key, value)| {
        (
            key.as_str(),
            Attribute {
                value,
                updated_at_ms,
            },
        )
    });
    // The first name it ever had: anonymous ones come before what the app calls it.
    let aliases = &customer.aliases;
    let original = aliases.first().unwrap_or(&customer.app_user_id);
    let current = if is_anonymous(&customer.app_user_id) {
        let named = aliases.iter().rev().find(|name| !is_anonymous(name));
        named.unwrap_or(&customer.app_user_id)
    } else {
        &customer.app_user_id
    };
    envelope(Lifecycle {
        name,
        id: id(name, event),
        app_id: app_id(event),
        event_timestamp_ms: millis(event.recorded_at),
        app_user_id: current,
        original_app_user_id: original,
        aliases: names(customer),
        subscriber_attributes: attributes.collect(),
        product_id: if is_change {
            event.previous_product.as_deref()
        } else {
            event.product.as_deref()
        },
        new_product_id: event.product.as_deref().filter(|_| is_change),
        entitlement_id: None,
        entitlement_ids: Some(event.entitlements.as_slice()).filter(|ids| !ids.is_empty()),
        period_type: period_type(event),
        purchased_at_ms: transaction.map(|transaction| millis(transaction.purchased_at)),
        expiration_at_ms: expiration(name, event).map(millis),
        grace_period_expiration_at_ms: (name == BILLING_ISSUE).then_some(grace),
        auto_resume_at_ms: (name == SUBSCRIPTION_PAUSED).then_some(resumes),
        store: store(event),
        environment: environment(event),
        is_trial_conversion: (name == RENEWAL).then_some(event.kind == EventKind::TrialConverted),
        cancel_reason: (name == CANCELLATION).then(|| cancel_reason(event)),
        expiration_reason: (name == EXPIRATION).then(|| expiration_reason(event)),
        presented_offering_id: purchase.and_then(|purchase| purchase.offering.as_deref()),
        price: price.and_then(money),
        currency: transaction
            .and_then(|transaction| transaction.price)
            .map(|price| price.currency.to_string()),
        price_in_purchased_currency: charged.and_then(money),
        tax_percentage: transaction
            .and_then(|transaction| share(transaction.tax, transaction.price)),
        commission_percentage: transaction
            .and_then(|transaction| share(commission(transaction), transaction.price)),
        takehome_percentage: transaction
            .and_then(|transaction| share(transaction.proceeds, transaction.price)),
        transaction_id: transaction.map(|transaction| transaction.id.as_str()),
        original_transaction_id: purchase.map(|purchase| purchase.chain.as_str()),
        is_family_share: purchase
            .is_some_and(|purchase| purchase.ownership == Ownership::FamilyShared),
        country_code: transaction.and_then(|transaction| transaction.country.as_deref()),
        offer_code: transaction.and_then(|transaction| transaction.offer.as_ref()?.id.as_deref()),
        renewal_number: renewal_number(event),
    })
}

fn envelope(event: impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope {
        api_version: "1.0",
        event,
    })
}
