//! A purchase as somebody states it, in the words of the API.

use crate::{Refusal, RefusalCode, Wrong};
use domain::{
    Environment,
    fact::{Discount, OfferCategory},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was bought.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = StatedKind))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Renews until cancelled.
    Subscription,
    /// Bought once.
    OneTimePurchase,
}

/// A price as it is written: a decimal number as text, `"9.99"`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedPrice {
    /// Decimal number with up to six digits after the point.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

/// A purchase as somebody states it.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The app's name for the customer.
    pub app_user_id: String,
    /// What was bought.
    pub kind: Kind,
    /// Real or test; production when absent.
    #[serde(default = "production")]
    pub environment: Environment,
    /// The store's product id.
    pub product_id: String,
    /// Id of this charge; another than `original_transaction_id` is a renewal, unless `originally_purchased_at` says that it
    /// is the first.
    pub transaction_id: String,
    /// Id of the subscription, usually that of its first charge; for one-time purchases the same as `transaction_id`.
    pub original_transaction_id: String,
    /// When all of this was true. An older statement never overwrites a newer one.
    pub updated_at: Timestamp,
    /// Start of the period, or the time of purchase.
    pub purchased_at: Timestamp,
    /// First purchase of the subscription. Equal to `purchased_at`, this is the first, and earlier it is not, whatever the ids are. When
    /// absent, the ids alone say whether it is, and the earliest charge known is the beginning.
    #[serde(default)]
    pub originally_purchased_at: Option<Timestamp>,
    /// End of the period; subscriptions need it.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Whether it will renew; true when absent.
    #[serde(default)]
    pub will_renew: Option<bool>,
    /// When renewal was switched off.
    #[serde(default)]
    pub renewal_cancelled_at: Option<Timestamp>,
    /// When a charge failed.
    #[serde(default)]
    pub billing_issue_detected_at: Option<Timestamp>,
    /// End of access after a failed charge.
    #[serde(default)]
    pub grace_period_expires_at: Option<Timestamp>,
    /// It is over, and why: `voluntarily_cancelled`, `billing_error`, `unknown`.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// When it was refunded.
    #[serde(default)]
    pub refunded_at: Option<Timestamp>,
    /// What was charged; zero for a free trial.
    #[serde(default)]
    pub price: Option<StatedPrice>,
    /// The offer applied.
    #[serde(default)]
    pub offer: Option<StatedOffer>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// Somebody in the family paid.
    #[serde(default)]
    pub is_family_shared: bool,
    /// Entitlements it unlocks by itself, beside those of its product.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

/// The end of a subscription.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why; unknown when absent.
    #[serde(default)]
    pub reason: Option<EndReason>,
}

/// Why a subscription ended.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The customer cancelled it.
    VoluntarilyCancelled,
    /// A charge failed for good.
    BillingError,
    /// Nobody knows.
    Unknown,
}

/// An offer.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedOffer {
    /// Its category.
    pub category: OfferCategory,
    /// How it is paid.
    #[serde(rename = "type")]
    pub kind: Discount,
    /// Its id; introductory offers have none.
    #[serde(default)]
    pub id: Option<String>,
}

const fn production() -> Environment {
    Environment::Production
}

/// What every statement says.
const REQUIRED: [&str; 7] = [
    "app_user_id",
    "kind",
    "product_id",
    "transaction_id",
    "original_transaction_id",
    "updated_at",
    "purchased_at",
];

/// What it may say besides.
const OPTIONAL: [&str; 14] = [
    "environment",
    "originally_purchased_at",
    "expires_at",
    "will_renew",
    "renewal_cancelled_at",
    "billing_issue_detected_at",
    "grace_period_expires_at",
    "ended",
    "refunded_at",
    "price",
    "offer",
    "country",
    "is_family_shared",
    "entitlements",
];

/// A refusal of a statement, with what is wrong by field.
pub(super) fn refused(wrong: Vec<Wrong>) -> Refusal {
    Refusal::of_fields(RefusalCode::InvalidPurchase, wrong)
}

impl Statement {
    /// Reads a body; what cannot be read is told field by field.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let said: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| Refusal::refuse(RefusalCode::InvalidPurchase, error.to_string()))?;
        let missing = REQUIRED.iter().filter(|name| !said.contains_key(**name));
        let unknown = said.keys().filter(|name| {
            let name = name.as_str();
            !REQUIRED.contains(&name) && !OPTIONAL.contains(&name)
        });
        let wrong: Vec<_> = missing
            .map(|name| Wrong::new(*name, "is missing"))
            .chain(unknown.map(|name| Wrong::new(name, "is no field of a purchase")))
            .collect();
        if !wrong.is_empty() {
            return Err(refused(wrong));
        }
        serde_path_to_error::deserialize(Value::Object(said)).map_err(|error| {
            let field = error.path().to_string();
            refused(vec![Wrong::new(field, error.inner().to_string())])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn least() -> Value {
        json!({
            "app_user_id": "ann", "kind": "subscription", "product_id": "gold", "transaction_id": "1",
            "original_transaction_id": "1", "updated_at": "2026-01-01T00:00:00Z", "purchased_at": "2026-01-01T00:00:00Z",
        })
    }

    /// The fields that a read statement writes are those that are known, and what it cannot be read without is required.
    #[test]
    fn every_field_is_known_and_those_are_required_that_it_needs() {
        let whole: Statement = serde_json::from_value(least()).unwrap();
        let written = serde_json::to_value(&whole).unwrap();
        let written = written.as_object().unwrap().keys();
        let mut known: Vec<_> = REQUIRED.iter().chain(&OPTIONAL).collect();
        known.sort_unstable();
        assert!(written.eq(known.into_iter().copied()));
        for name in REQUIRED {
            let mut less = least();
            less.as_object_mut().unwrap().remove(name);
            assert!(serde_json::from_value::<Statement>(less).is_err(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_field() {
        let with = |name: &str, value: Value| {
            let mut statement = least();
            statement[name] = value;
            statement
        };
        for (statement, fields) in [
            (json!({ "kind": "gift" }), &REQUIRED[..1]),
            (with("colour", json!("red")), &["colour"][..]),
            (with("kind", json!("gift")), &["kind"]),
            (
                with("price", json!({ "amount": 1, "currency": "EUR" })),
                &["price.amount"],
            ),
            (with("expires_at", json!("soon")), &["expires_at"]),
            (with("entitlements", json!(["a", 1])), &["entitlements[1]"]),
        ] {
            let refusal = Statement::read(statement.to_string().as_bytes()).unwrap_err();
            let told: Vec<_> = refusal
                .fields
                .iter()
                .map(|wrong| wrong.field.as_str())
                .collect();
            assert!(told.starts_with(fields), "{statement}: {told:?}");
            assert!(refusal.detail.starts_with(&format!("{}: ", fields[0])));
        }
    }
}
