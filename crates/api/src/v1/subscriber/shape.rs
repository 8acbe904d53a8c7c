//! The shapes of the subscriber object.

use domain::Currency;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whole seconds, UTC, with `Z`.
#[derive(ToSchema)]
#[schema(as = v1::Moment, value_type = String, format = DateTime)]
pub(crate) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// The subscriber, and when it was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::SubscriberAnswer)]
pub(crate) struct Shown {
    pub(super) request_date: Moment,
    pub(super) request_date_ms: i64,
    /// How many events the customer has: what a later answer may be asked to have at least, by `at_least`.
    pub(super) customer_seq: u64,
    /// Of what was bought in Google Play, what the app is to consume, by product; only in the answer to a receipt.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) purchased_products: BTreeMap<String, Consumed>,
    pub(super) subscriber: Subscriber,
}

impl Shown {
    /// The same with what is to be consumed.
    pub(crate) fn consuming(self, purchased_products: BTreeMap<String, Consumed>) -> Self {
        Self {
            purchased_products,
            ..self
        }
    }
}

/// Whether a product is consumed, so that it can be bought again.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Consumed)]
pub(crate) struct Consumed {
    pub(crate) should_consume: bool,
}

/// A customer with purchases and access.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Subscriber)]
pub(crate) struct Subscriber {
    /// By their identifiers.
    pub(super) entitlements: BTreeMap<String, Entitlement>,
    pub(super) first_seen: Moment,
    pub(super) last_seen: Moment,
    pub(super) management_url: Option<String>,
    /// By product.
    pub(super) non_subscriptions: BTreeMap<String, Vec<OneTimePurchase>>,
    pub(super) original_app_user_id: String,
    pub(super) original_application_version: Option<String>,
    pub(super) original_purchase_date: Option<Moment>,
    /// Always empty.
    pub(super) other_purchases: BTreeMap<String, OneTimePurchase>,
    /// By name; for secret keys only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subscriber_attributes: Option<BTreeMap<String, Attribute>>,
    /// By product, the latest of each.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
}

/// One purchase that is a subscription, or behaves like one.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Subscription)]
pub(crate) struct Subscription {
    pub(super) auto_resume_date: Option<Moment>,
    pub(super) billing_issues_detected_at: Option<Moment>,
    pub(super) display_name: Option<String>,
    pub(super) expires_date: Option<Moment>,
    pub(super) grace_period_expires_date: Option<Moment>,
    pub(super) is_sandbox: bool,
    pub(super) management_url: Option<String>,
    pub(super) original_purchase_date: Moment,
    /// `PURCHASED` or `FAMILY_SHARED`.
    pub(super) ownership_type: &'static str,
    /// `normal`, `trial`, `intro` or `prepaid`.
    pub(super) period_type: &'static str,
    pub(super) price: Option<Price>,
    // Left out rather than null: Android would read it as the word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product_plan_identifier: Option<String>,
    pub(super) purchase_date: Moment,
    pub(super) refunded_at: Option<Moment>,
    pub(super) store: &'static str,
    pub(super) store_transaction_id: String,
    pub(super) unsubscribe_detected_at: Option<Moment>,
}

/// Something that was bought once.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::OneTimePurchase)]
pub(crate) struct OneTimePurchase {
    pub(super) display_name: Option<String>,
    pub(super) id: String,
    pub(super) is_sandbox: bool,
    pub(super) original_purchase_date: Moment,
    pub(super) price: Option<Price>,
    pub(super) purchase_date: Moment,
    pub(super) store: &'static str,
    pub(super) store_transaction_id: String,
}

/// What somebody may use, and which purchase unlocks it.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Entitlement)]
pub(crate) struct Entitlement {
    pub(super) expires_date: Option<Moment>,
    pub(super) grace_period_expires_date: Option<Moment>,
    pub(super) product_identifier: String,
    // Left out rather than null: Android would read it as the word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product_plan_identifier: Option<String>,
    pub(super) purchase_date: Moment,
}

/// An amount with the currency's own digits; exact, because it is made of the decimal text.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Price)]
pub(crate) struct Price {
    #[schema(value_type = f64)]
    pub(super) amount: serde_json::Number,
    pub(super) currency: Currency,
}

/// An attribute and when it was written.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Attribute)]
pub(crate) struct Attribute {
    pub(super) updated_at_ms: i64,
    pub(super) value: String,
}
