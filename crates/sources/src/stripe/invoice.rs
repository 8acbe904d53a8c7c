//! Invoices, their lines and their payments, in the older and the newer shape. Source: Stripe, API reference and "Upgrades"
//! (2025-03-31).

use super::model::{Address, List, Metadata, Price, id, seconds};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Invoice {
    pub id: String,
    pub status: Option<String>,
    pub billing_reason: Option<String>,
    pub currency: String,
    pub amount_paid: i64,
    /// What is still to be paid; of one that is paid, what was not paid through Stripe.
    pub amount_remaining: i64,
    pub total: i64,
    /// What it is a later payment of.
    #[serde(skip)]
    pub part_of: Option<String>,
    /// Some of it was paid, and it is a charge all the same: whoever reads it says so.
    #[serde(skip)]
    pub is_in_part: bool,
    pub tax: Option<i64>,
    pub total_taxes: Option<Vec<TaxAmount>>,
    pub customer_address: Option<Address>,
    pub lines: List<Line>,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub period_end: Option<Timestamp>,
    pub status_transitions: Transitions,
    pub metadata: Option<Metadata>,
    pub parent: Option<InvoiceParent>,
    /// In the older shape.
    pub subscription_details: Option<SubscriptionDetails>,
    pub livemode: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct InvoiceParent {
    pub subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct SubscriptionDetails {
    pub metadata: Option<Metadata>,
}

/// A payment of an invoice. Source: Stripe, API reference, `InvoicePayment`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct InvoicePayment {
    pub id: String,
    pub invoice: String,
    pub amount_paid: i64,
    #[serde(deserialize_with = "seconds")]
    pub created: Option<Timestamp>,
    pub status_transitions: Transitions,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TaxAmount {
    pub amount: i64,
    pub tax_behavior: Option<String>,
    /// In the older shape.
    pub inclusive: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transitions {
    #[serde(deserialize_with = "seconds")]
    pub paid_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    pub amount: i64,
    pub description: Option<String>,
    pub quantity: Option<u32>,
    /// In the older shape: `subscription` or `invoiceitem`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub proration: Option<bool>,
    /// In the older shape.
    pub subscription_item: Option<String>,
    pub discount_amounts: Option<Vec<TaxAmount>>,
    pub taxes: Option<Vec<TaxAmount>>,
    /// In the older shape.
    pub tax_amounts: Option<Vec<TaxAmount>>,
    pub period: Period,
    pub price: Option<Price>,
    pub plan: Option<Price>,
    pub parent: Option<LineParent>,
    pub pricing: Option<Pricing>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Period {
    #[serde(deserialize_with = "seconds")]
    pub start: Option<Timestamp>,
    #[serde(deserialize_with = "seconds")]
    pub end: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct LineParent {
    pub subscription_item_details: Option<LineDetails>,
    pub invoice_item_details: Option<LineDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct LineDetails {
    pub proration: Option<bool>,
    pub subscription_item: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pricing {
    pub price_details: Option<PriceDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct PriceDetails {
    pub price: Value,
    pub product: Option<String>,
}

impl Invoice {
    pub(super) fn is_paid(&self) -> bool {
        self.status.as_deref() == Some("paid")
    }

    /// Whether no more will be paid of it than was.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self.status.as_deref(), Some("uncollectible" | "void"))
    }

    /// The same with what was paid beside Stripe among what was paid: the invoice is paid, and Stripe took less than was due. Source:
    /// Stripe, "Out-of-band invoices".
    pub(super) fn with_what_was_paid_elsewhere(self) -> Self {
        let elsewhere = if self.is_paid() {
            self.amount_remaining.max(0)
        } else {
            0
        };
        Self {
            amount_paid: self.amount_paid.saturating_add(elsewhere),
            amount_remaining: self.amount_remaining.saturating_sub(elsewhere),
            ..self
        }
    }

    /// Whether it is a charge: paid, or some of it.
    pub(super) fn took_money(&self) -> bool {
        self.is_paid() || self.is_in_part
    }

    pub(super) fn paid_at(&self) -> Option<Timestamp> {
        self.status_transitions.paid_at.or(self.created)
    }

    /// The metadata of its subscription, as they were when it was finalized. Source: Stripe, API reference,
    /// `parent.subscription_details.metadata` of an invoice.
    pub(super) fn metadata_then(&self) -> Option<&Metadata> {
        let parent = self.parent.as_ref();
        let details = parent.and_then(|parent| parent.subscription_details.as_ref());
        details
            .or(self.subscription_details.as_ref())?
            .metadata
            .as_ref()
    }

    pub(super) fn country(&self) -> Option<String> {
        self.customer_address.as_ref()?.country.clone()
    }

    /// In either shape.
    pub(super) fn taxed(&self) -> Option<i64> {
        let all = |taxes: &Vec<TaxAmount>| sum(taxes.iter().map(|tax| tax.amount));
        self.tax.or_else(|| self.total_taxes.as_ref().map(all))
    }

    /// Somebody wrote it, and on it is nothing that the subscription consists of: it sold something else.
    pub(super) fn is_by_hand(&self) -> bool {
        self.billing_reason.as_deref() == Some("manual")
            && self.lines.data.iter().all(Line::is_beside)
    }
}

impl InvoicePayment {
    pub(super) fn paid_at(&self) -> Option<Timestamp> {
        self.status_transitions.paid_at.or(self.created)
    }
}

impl Line {
    /// The item of the subscription that it is for, or its price, where it names no item.
    pub(super) fn item(&self) -> Option<String> {
        self.named_item().cloned().or_else(|| self.price_id())
    }

    pub(super) fn named_item(&self) -> Option<&String> {
        let parent = self.parent.as_ref();
        let item = parent.and_then(|parent| {
            let details = parent.subscription_item_details.as_ref();
            let details = details.or(parent.invoice_item_details.as_ref())?;
            details.subscription_item.as_ref()
        });
        item.or(self.subscription_item.as_ref())
    }

    pub(super) fn price_id(&self) -> Option<String> {
        if let Some(details) = self
            .pricing
            .as_ref()
            .and_then(|pricing| pricing.price_details.as_ref())
        {
            return id(&details.price);
        }
        let price = self.price.as_ref().or(self.plan.as_ref())?;
        Some(price.id.clone())
    }

    /// In either shape.
    pub(super) fn taxed(&self) -> i64 {
        let taxes = self.taxes.iter().chain(&self.tax_amounts).flatten();
        sum(taxes.map(|tax| tax.amount))
    }

    /// What it comes to: less what is taken off, with the taxes that come on top.
    pub(super) fn net(&self) -> i64 {
        let off = self.discount_amounts.iter().flatten();
        let off = sum(off.map(|off| off.amount));
        let is_on_top = |tax: &&TaxAmount| {
            tax.inclusive == Some(false) || tax.tax_behavior.as_deref() == Some("exclusive")
        };
        let taxes = self.taxes.iter().chain(&self.tax_amounts).flatten();
        let on_top = sum(taxes.filter(is_on_top).map(|tax| tax.amount));
        self.amount.saturating_sub(off).saturating_add(on_top)
    }

    /// Usage, where the older shape says so; it costs what was counted.
    pub(super) fn is_metered(&self) -> bool {
        let price = self.price.as_ref().or(self.plan.as_ref());
        price.is_some_and(Price::is_metered)
    }

    /// Something sold beside the subscription, once: a fee, hours of work.
    pub(super) fn is_beside(&self) -> bool {
        let is_item = |parent: &LineParent| parent.subscription_item_details.is_none();
        match &self.parent {
            Some(parent) => is_item(parent),
            None => self.kind.as_deref() == Some("invoiceitem"),
        }
    }

    /// What is bought costs nothing even when nothing is taken off.
    pub(super) fn is_of_a_free_price(&self) -> bool {
        let price = self.price.as_ref().or(self.plan.as_ref());
        price.and_then(|price| price.unit_amount) == Some(0)
    }

    pub(super) fn is_proration(&self) -> bool {
        let parent = self.parent.as_ref();
        let details = parent.and_then(|parent| {
            parent
                .subscription_item_details
                .as_ref()
                .or(parent.invoice_item_details.as_ref())
        });
        self.proration
            .or_else(|| details?.proration)
            .unwrap_or(false)
    }

    /// `product:price`.
    pub(super) fn product(&self) -> Option<String> {
        if let Some(details) = self
            .pricing
            .as_ref()
            .and_then(|pricing| pricing.price_details.as_ref())
        {
            return Some(format!(
                "{}:{}",
                details.product.as_ref()?,
                id(&details.price)?
            ));
        }
        self.price.as_ref().or(self.plan.as_ref())?.name()
    }
}

/// The sum of amounts. It stays at the end of what can be counted, where it is no amount of any currency any more.
pub(super) fn sum(amounts: impl IntoIterator<Item = i64>) -> i64 {
    amounts.into_iter().fold(0, i64::saturating_add)
}

/// The subscription that an invoice is about. One that somebody wrote by hand sells something else.
pub(super) fn subscription_paid_by(invoice: &Value) -> Option<String> {
    let subscription = invoice_subscription(invoice)?;
    let is_by_hand = serde_json::from_value::<Invoice>(invoice.clone())
        .is_ok_and(|invoice| invoice.is_by_hand());
    (!is_by_hand).then_some(subscription)
}

/// The subscription an invoice is of, in either shape.
fn invoice_subscription(invoice: &Value) -> Option<String> {
    id(&invoice["parent"]["subscription_details"]["subscription"])
        .or_else(|| id(&invoice["subscription"]))
}
