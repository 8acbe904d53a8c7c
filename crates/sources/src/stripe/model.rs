//! Stripe's objects, as far as they are used, in the older and the newer shape. Source: Stripe, API
//! reference and "Upgrades" (2025-03-31).

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Seconds of the Unix epoch. Its beginning is no time: some write 0 for none.
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Option::<i64>::deserialize(deserializer)?
        .filter(|second| *second != 0)
        .map(|second| Timestamp::from_second(second).map_err(serde::de::Error::custom))
        .transpose()
}

/// An id, given as such or as the object itself; an empty one is none.
pub(super) fn id(value: &Value) -> Option<String> {
    value
        .as_str()
        .or_else(|| value["id"].as_str())
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
}

/// Phases of a schedule after the one that runs. The subscription changes a moment after a phase is due: which one runs, the
/// schedule says itself.
pub(super) fn phases_ahead(schedule: &Value, now: Timestamp) -> impl Iterator<Item = &Value> {
    let runs_since = schedule["current_phase"]["start_date"]
        .as_i64()
        .unwrap_or(now.as_second());
    let phases = schedule["phases"].as_array().into_iter().flatten();
    phases.filter(move |phase| {
        phase["start_date"]
            .as_i64()
            .is_some_and(|start| start > runs_since)
    })
}

pub(super) type Metadata = BTreeMap<String, String>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct List<T> {
    pub data: Vec<T>,
    pub has_more: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subscription {
    pub id: String,
    pub status: String,
    pub livemode: bool,
    pub currency: Option<String>,
    pub items: List<Item>,
    pub plan: Option<Price>,
    #[serde(deserialize_with = "seconds")]
    pub current_period_start: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub current_period_end: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub start_date: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub trial_end: Option<Timestamp>,
    pub cancel_at_period_end: bool,
    #[serde(deserialize_with = "seconds")]
    pub cancel_at: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub canceled_at: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub ended_at: Option<Timestamp>,
    pub cancellation_details: Option<CancellationDetails>,
    pub pause_collection: Option<PauseCollection>,
    pub status_details: Value,
    pub collection_method: Option<String>,
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item {
    pub id: String,
    pub price: Option<Price>,
    pub plan: Option<Price>,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub current_period_start: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub current_period_end: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Price {
    pub id: String,
    pub product: Value,
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    pub recurring: Option<Recurring>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Recurring {
    pub usage_type: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CancellationDetails {
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct PauseCollection {
    #[serde(deserialize_with = "seconds")]
    pub resumes_at: Option<Timestamp>,
}

impl Price {
    /// `product:price`.
    pub(super) fn name(&self) -> Option<String> {
        Some(format!("{}:{}", id(&self.product)?, self.id))
    }

    /// Counted first and charged afterwards: set once, when it is created. Source: Stripe, API reference, `recurring.usage_type` of a price.
    pub(super) fn is_metered(&self) -> bool {
        let recurring = self.recurring.as_ref();
        recurring.and_then(|recurring| recurring.usage_type.as_deref()) == Some("metered")
    }
}

impl Item {
    pub(super) fn price(&self) -> Option<&Price> {
        self.price.as_ref().or(self.plan.as_ref())
    }

    /// Counted first and charged afterwards.
    pub(super) fn is_metered(&self) -> bool {
        self.price().is_some_and(Price::is_metered)
    }
}

impl Subscription {
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.start_date.or(self.created)
    }

    /// Why it is paused, where Stripe says.
    pub(super) fn paused_because(&self) -> Option<&str> {
        self.status_details["paused"]["subscription"]["type"].as_str()
    }

    pub(super) fn cancelled_because(&self) -> Option<&str> {
        self.cancellation_details.as_ref()?.reason.as_deref()
    }

    /// The price of its item; of several, each is looked at by itself.
    pub(super) fn price(&self) -> Option<&Price> {
        let item = self.items.data.first();
        item.and_then(Item::price).or(self.plan.as_ref())
    }

    /// Beginning of the current period, in either shape.
    pub(super) fn period_start(&self) -> Option<Timestamp> {
        self.items
            .data
            .first()
            .and_then(|item| item.current_period_start)
            .or(self.current_period_start)
    }

    /// End of the current period, in either shape.
    pub(super) fn period_end(&self) -> Option<Timestamp> {
        self.items
            .data
            .first()
            .and_then(|item| item.current_period_end)
            .or(self.current_period_end)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Charge {
    pub id: String,
    pub amount: i64,
    pub amount_refunded: i64,
    pub currency: String,
    pub paid: bool,
    pub livemode: bool,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
    pub description: Option<String>,
    pub metadata: Option<Metadata>,
    pub billing_details: Option<BillingDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    pub country: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BillingDetails {
    pub address: Option<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refund {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub status: Option<String>,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dispute {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub status: Option<String>,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Session {
    pub id: String,
    pub payment_status: Option<String>,
    pub client_reference_id: Option<String>,
    pub metadata: Option<Metadata>,
    pub line_items: Option<List<SessionItem>>,
    pub currency: Option<String>,
    pub amount_total: Option<i64>,
    pub total_details: Option<TotalDetails>,
    pub livemode: bool,
    /// What Checkout made of it, where it does, as the object itself.
    pub invoice: Value,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
    pub customer_details: Option<BillingDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TotalDetails {
    pub amount_tax: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SessionItem {
    pub price: Option<Price>,
    pub quantity: Option<u32>,
    /// What it came to, tax and discounts in it.
    pub amount_total: Option<i64>,
    pub amount_tax: Option<i64>,
}
