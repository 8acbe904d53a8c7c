//! The body of one message, field for field.

use super::{
    kind::{
        BILLING_ISSUE, CANCELLATION, EXPIRATION, INITIAL_PURCHASE, NON_RENEWING_PURCHASE,
        PRODUCT_CHANGE, RENEWAL, SUBSCRIPTION_PAUSED, TEST, TRANSFER, is_prepaid, types,
    },
    period::{expiration, is_granted, period_type, renewal_number, transaction},
    reason::{cancel_reason, expiration_reason},
    store::store,
};
use crate::told::{
    app_id, entitlements, environment,
    money::{Number, commission, money, prices, share},
    names,
};
use crate::tried;
use domain::{
    Event, EventKind,
    customer::{Customer, is_anonymous},
    event::Line,
    fact::Ownership,
    snapshot::Standing,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};
use uuid::Uuid;

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
    entitlement_ids: Option<Vec<&'a str>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Item<'a>>,
}

/// One line of a purchase that has several. Source: RevenueCat docs, "Google Subscription with Add-Ons".
#[derive(Serialize)]
struct Item<'a> {
    product_id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    price: Option<Number>,
    price_in_purchased_currency: Option<Number>,
    currency: Option<String>,
    expiration_at_ms: Option<i64>,
}

impl<'a> Item<'a> {
    fn of(line: &'a Line) -> Self {
        Self {
            product_id: &line.product,
            kind: if line.is_base { "base" } else { "addon" },
            price: line.price_usd.and_then(money),
            price_in_purchased_currency: line.price.and_then(money),
            currency: line.price.map(|price| price.currency.to_string()),
            expiration_at_ms: line.expires_at.map(millis),
        }
    }
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

/// The body of one message.
pub(crate) fn render(name: &str, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    match name {
        TRANSFER => envelope(transfer(event)),
        TEST => {
            let tried = tried::purchase(event);
            envelope(Lifecycle {
                id: id(name, event),
                ..lifecycle(name, &tried)
            })
        }
        _ => envelope(lifecycle(name, event)),
    }
}

fn transfer(event: &Event) -> Transfer<'_> {
    let from = event.transferred_from.as_ref();
    Transfer {
        name: TRANSFER,
        id: id(TRANSFER, event),
        app_id: app_id(event),
        event_timestamp_ms: millis(event.recorded_at),
        store: store(event),
        environment: environment(event),
        transferred_from: from.map(names).unwrap_or_default(),
        transferred_to: names(&event.customer),
    }
}

/// What it is called now: what the app calls it, where it ever did.
fn current(customer: &Customer) -> &String {
    let mut named = customer
        .aliases
        .iter()
        .rev()
        .filter(|name| !is_anonymous(name));
    if is_anonymous(&customer.app_user_id) {
        named.next().unwrap_or(&customer.app_user_id)
    } else {
        &customer.app_user_id
    }
}

fn written(customer: &Customer) -> impl Iterator<Item = (&str, Attribute<'_>)> {
    let updated_at_ms = millis(customer.last_seen);
    customer.attributes.iter().map(move |(key, value)| {
        let attribute = Attribute {
            value,
            updated_at_ms,
        };
        (key.as_str(), attribute)
    })
}

/// What the product unlocks; of access that was given, what was given, which no product does.
fn unlocked(event: &Event) -> Vec<&str> {
    let mut all = entitlements(event);
    let chain = event.purchase.as_ref().map(|purchase| &purchase.chain);
    let level = event.level.as_ref();
    if let Some(level) = level.filter(|level| is_granted(event) && Some(&level.chain) == chain)
        && !all.contains(&level.id.as_str())
    {
        all.push(&level.id);
    }
    all
}

fn lifecycle<'a>(name: &'a str, event: &'a Event) -> Lifecycle<'a> {
    let (customer, purchase) = (&event.customer, event.purchase.as_ref());
    let transaction = transaction(name, event);
    let prices = match prices(event) {
        // What ends charges nothing, whatever it ends with.
        moved if name == EXPIRATION => moved.of_nothing(),
        moved => moved,
    };
    let is_change = name == PRODUCT_CHANGE;
    let (grace, resumes) = match purchase.map(|purchase| &purchase.standing) {
        Some(Standing::Grace { until, .. }) => (Some(millis(*until)), None),
        Some(Standing::Paused { until: Some(until) }) => (None, Some(millis(*until))),
        _ => (None, None),
    };
    Lifecycle {
        name,
        id: id(name, event),
        app_id: app_id(event),
        event_timestamp_ms: millis(event.recorded_at),
        app_user_id: current(customer),
        original_app_user_id: customer.original_name(),
        aliases: names(customer),
        subscriber_attributes: written(customer).collect(),
        product_id: if is_change {
            event.previous_product.as_deref()
        } else {
            event.product.as_deref()
        },
        new_product_id: event.product.as_deref().filter(|_| is_change),
        entitlement_id: None,
        entitlement_ids: Some(unlocked(event)).filter(|ids| !ids.is_empty()),
        period_type: period_type(name, event),
        purchased_at_ms: transaction.map(|transaction| millis(transaction.purchased_at)),
        expiration_at_ms: expiration(name, event).map(millis),
        grace_period_expiration_at_ms: (name == BILLING_ISSUE).then_some(grace),
        auto_resume_at_ms: match name {
            SUBSCRIPTION_PAUSED => Some(resumes),
            EXPIRATION => resumes.map(Some),
            _ => None,
        },
        store: store(event),
        environment: environment(event),
        is_trial_conversion: (name == RENEWAL).then_some(event.kind == EventKind::TrialConverted),
        cancel_reason: (name == CANCELLATION).then(|| cancel_reason(event)),
        expiration_reason: (name == EXPIRATION).then(|| expiration_reason(event)),
        presented_offering_id: purchase.and_then(|purchase| purchase.offering.as_deref()),
        price: prices.dollars.and_then(money),
        currency: transaction
            .and_then(|transaction| transaction.price)
            .map(|price| price.currency.to_string()),
        price_in_purchased_currency: prices.charged.and_then(money),
        tax_percentage: transaction
            .and_then(|transaction| share(transaction.tax, transaction.price)),
        commission_percentage: transaction
            .and_then(|transaction| share(commission(transaction), transaction.price)),
        takehome_percentage: transaction
            .and_then(|transaction| share(transaction.proceeds, transaction.price)),
        transaction_id: transaction.map(|transaction| transaction.id.as_str()),
        original_transaction_id: match transaction {
            Some(order) if is_prepaid(event) => Some(order.id.as_str()),
            _ => purchase.map(|purchase| purchase.chain.as_str()),
        },
        is_family_share: purchase
            .is_some_and(|purchase| purchase.ownership == Ownership::FamilyShared),
        country_code: transaction.and_then(|transaction| transaction.country.as_deref()),
        offer_code: transaction.and_then(|transaction| transaction.offer.as_ref()?.id.as_deref()),
        renewal_number: renewal_number(event),
        // Of purchases on the web, which they take payments for themselves.
        metadata: matches!(name, INITIAL_PURCHASE | NON_RENEWING_PURCHASE).then_some(Value::Null),
        items: event.lines.iter().map(Item::of).collect(),
    }
}

fn envelope(event: impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope {
        api_version: "1.0",
        event,
    })
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

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}
