//! What is told beside the name: parameters of the event, and properties of the user. Source: Google, "Measurement Protocol", limitations.

use super::names::RESERVED_BEGINNINGS;
use crate::common::{Common, Refunds, Times, Who, number, properties, subscription_status};
use domain::{Event, EventKind};
use serde_json::{Map, Value, json};

/// Longest value of a parameter, in characters.
const LONGEST_VALUE: usize = 100;
/// Longest name and value of a property of the user.
const LONGEST_PROPERTY: usize = 24;
const LONGEST_PROPERTY_VALUE: usize = 36;
/// Most properties of the user in a request.
const MOST_PROPERTIES: usize = 25;

/// Properties that are parameters. Source: RevenueCat docs, "Firebase", parameters.
const TOLD: [&str; 13] = [
    "app_id",
    "cancel_reason",
    "environment",
    "expiration_at",
    "expiration_reason",
    "original_app_user_id",
    "original_transaction_id",
    "period_type",
    "presented_offering_id",
    "previous_product_id",
    "product_id",
    "purchased_at",
    "transaction_id",
];

/// The parameters of an event called `name`, at most 25.
pub(super) fn of_event(
    common: &Common,
    name: &str,
    event: &Event,
    who: Who<'_>,
) -> Map<String, Value> {
    let mut all = properties(event, who, Times::Micros);
    let (store, offer) = (all.remove("store"), all.remove("offer_code"));
    let mut told: Map<_, _> = all
        .into_iter()
        .filter(|(name, _)| TOLD.contains(&name.as_str()))
        .collect();
    told.insert("event_id".into(), event.id.to_string().into());
    // Of a refund by another name, which is added up like any other event, no amount.
    let refunds = if name == "refund" || event.kind == EventKind::RefundReversed {
        Refunds::Positive
    } else {
        Refunds::Omitted
    };
    if let Some(amount) = common.amount(event, refunds) {
        told.insert("value".into(), number(amount));
        told.insert("currency".into(), amount.currency.code().into());
    }
    if event.kind.is_charge() {
        let is_trial_conversion = event.kind == EventKind::TrialConverted;
        let is_renewal = is_trial_conversion || event.kind == EventKind::SubscriptionRenewed;
        told.insert("is_trial_conversion".into(), is_trial_conversion.into());
        told.insert("is_renewal".into(), is_renewal.into());
    }
    if let Some(offer) = offer {
        told.insert("coupon".into(), offer);
    }
    if let Some(store) = store {
        told.insert("affiliation".into(), store);
    }
    for value in told.values_mut() {
        clip(value, LONGEST_VALUE);
    }
    if event.kind.is_charge() || event.kind.is_refund() {
        let product = event.product.as_deref();
        let item =
            product.map(|id| json!({ "item_id": id, "affiliation": told.get("affiliation") }));
        told.insert("items".into(), item.into_iter().collect());
    }
    told
}

/// The properties of the customer: those that fit. A value that was cut would be another.
pub(super) fn of_user(common: &Common, event: &Event, who: Who<'_>) -> Map<String, Value> {
    // Of a transfer it is said to both sides, one of which has it no more.
    let status = subscription_status(event).filter(|_| event.kind != EventKind::Transfer);
    let product = event.product.as_deref().filter(|_| status.is_some());
    let own = [
        ("subscription_status", status),
        ("subscription_product_id", product),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    own.chain(who.traits().filter(|_| common.sends_attributes()))
        .filter(|(name, value)| fits(name, value))
        .take(MOST_PROPERTIES)
        .map(|(name, value)| (name, json!({ "value": value })))
        .collect()
}

fn fits(name: &str, value: &Value) -> bool {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let begins = name.chars().next();
    let is_reserved = RESERVED_BEGINNINGS
        .iter()
        .any(|beginning| name.starts_with(beginning));
    let length = value.as_str().map_or(0, |value| value.chars().count());
    is_plain
        && begins.is_some_and(|first| first.is_ascii_alphabetic())
        && !is_reserved
        && name.len() <= LONGEST_PROPERTY
        && length <= LONGEST_PROPERTY_VALUE
}

fn clip(value: &mut Value, longest: usize) {
    if let Value::String(text) = value
        && let Some((end, _)) = text.char_indices().nth(longest)
    {
        text.truncate(end);
    }
}
