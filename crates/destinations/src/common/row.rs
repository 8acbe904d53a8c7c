//! An event as one row of a table: flat, with our own words, the same columns in files and in databases.
//!
//! | columns | what |
//! |---|---|
//! | `id`, `kind`, `occurred_at`, `recorded_at`, `environment` | of the event; `id` is unique, whatever is repeated |
//! | `customer_id`, `app_user_id`, `customer_seq` | of the customer; the last counts the customer's events from 1 |
//! | `app_id`, `app`, `store` | of the app; a store of one's own has its own name |
//! | `product_id`, `previous_product_id`, `entitlements`, `active_entitlements` | the product, what it unlocks, what the customer may use now |
//! | `transaction_id`, `original_transaction_id`, `phase`, `purchased_at`, `expires_at`, `will_renew`, `is_family_share`, `quantity` | of the purchase and its charge |
//! | `currency`, `price`, `proceeds`, `net` | what moved, below zero where it went back; after the store's commission; after commission and tax |
//! | `price_usd`, `proceeds_usd`, `net_usd` | the same in US dollars, where the rate is known |
//! | `country`, `offer_id`, `offering_id`, `cancellation_reason`, `historical`, `late` | more of it |
//! | `attributes` | the customer's attributes as JSON in a text, where they are sent |
//!
//! Columns may be added at the end; none changes its meaning.

use super::{
    amounts::{Amounts, Basis, Refunds, Reported, number},
    who::Who,
};
use domain::{Currency, Event, fact::Ownership};
use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

/// An event as a row: every column, in order; null where there is nothing to say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(Vec<(&'static str, Value)>);

impl Row {
    /// The columns and what is in them.
    pub(crate) fn cells(&self) -> &[(&'static str, Value)] {
        &self.0
    }
}

/// As JSON, without what is null.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_null()) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What moved, by one of the ways to tell it.
fn amount(event: &Event, reported: Reported, basis: Basis) -> Value {
    let amounts = Amounts { reported, basis };
    let told = amounts.of(event, Refunds::Negative);
    let is_so = |currency| reported == Reported::Local || currency == Currency::USD;
    let told = told.filter(|amount| is_so(amount.currency));
    told.map_or(Value::Null, number)
}

fn of(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}

/// The row of an event.
pub(super) fn row(event: &Event, who: Who<'_>, with_attributes: bool) -> Row {
    let (app, purchase) = (event.app.as_ref(), event.purchase.as_ref());
    let transaction = event.transaction.as_ref();
    let price = transaction.and_then(|transaction| transaction.price);
    let offer = transaction.and_then(|transaction| transaction.offer.as_ref());
    let active = event.access.iter().filter(|(_, level)| level.is_active);
    let active: Vec<_> = active.map(|(id, _)| id).collect();
    let attributes: Map<_, _> = who
        .attributes()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let family = purchase.map(|purchase| purchase.ownership == Ownership::FamilyShared);
    let store = app.map(|app| app.store_name.as_deref().unwrap_or(app.store.id()));
    let (local, usd) = (Reported::Local, Reported::Usd);
    Row(vec![
        ("id", event.id.to_string().into()),
        ("kind", event.kind.id().into()),
        ("occurred_at", of(Some(event.occurred_at))),
        ("recorded_at", of(Some(event.recorded_at))),
        ("environment", event.environment.id().into()),
        ("customer_id", event.customer.id.to_string().into()),
        ("app_user_id", who.app_user_id().into()),
        ("customer_seq", event.customer_seq.into()),
        ("app_id", json!(app.map(|app| app.id.to_string()))),
        ("app", json!(app.map(|app| &app.key))),
        ("store", json!(store)),
        ("product_id", json!(event.product)),
        ("previous_product_id", json!(event.previous_product)),
        ("entitlements", json!(event.entitlements)),
        ("active_entitlements", json!(active)),
        (
            "transaction_id",
            json!(transaction.map(|transaction| &transaction.id)),
        ),
        (
            "original_transaction_id",
            json!(purchase.map(|purchase| &purchase.chain)),
        ),
        ("phase", json!(purchase.map(|purchase| purchase.phase))),
        (
            "purchased_at",
            of(transaction.map(|transaction| transaction.purchased_at)),
        ),
        (
            "expires_at",
            of(purchase.and_then(|purchase| purchase.expires_at)),
        ),
        (
            "will_renew",
            json!(purchase.map(|purchase| purchase.will_renew)),
        ),
        ("is_family_share", json!(family)),
        (
            "quantity",
            json!(transaction.map(|transaction| transaction.quantity)),
        ),
        (
            "currency",
            json!(price.map(|price| price.currency.to_string())),
        ),
        ("price", amount(event, local, Basis::Price)),
        ("proceeds", amount(event, local, Basis::Proceeds)),
        ("net", amount(event, local, Basis::Net)),
        ("price_usd", amount(event, usd, Basis::Price)),
        ("proceeds_usd", amount(event, usd, Basis::Proceeds)),
        ("net_usd", amount(event, usd, Basis::Net)),
        (
            "country",
            json!(transaction.and_then(|transaction| transaction.country.as_ref())),
        ),
        ("offer_id", json!(offer.and_then(|offer| offer.id.as_ref()))),
        (
            "offering_id",
            json!(purchase.and_then(|purchase| purchase.offering.as_ref())),
        ),
        ("cancellation_reason", json!(event.cancellation_reason)),
        ("historical", event.historical.into()),
        ("late", event.late.into()),
        (
            "attributes",
            json!(with_attributes.then(|| Value::from(attributes).to_string())),
        ),
    ])
}
