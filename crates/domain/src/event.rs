//! Events: self-contained facts about what happened to a customer's purchases. Never changed once written.

use crate::{
    AccessLevel, AppId, CancellationReason, Environment, EventId, EventKind, InboxId, Money,
    ProjectId, Store,
    customer::Customer,
    fact::{Offer, Ownership, TransactionKind},
    snapshot::{Phase, Standing},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

impl Event {
    /// The base line of the purchase, where the event is about a further one.
    pub fn base_of_another(&self) -> Option<&Line> {
        let base = self.lines.iter().find(|line| line.is_base);
        base.filter(|base| base.name != self.line)
    }

    /// Whether it is history to the customer: of a purchase that was old when it was first heard of, or learned of late and older than the
    /// customer. What is news is none, although a customer who is known by it alone was first seen after it.
    pub fn predates_customer(&self) -> bool {
        self.historical || (self.late && self.occurred_at < self.customer.first_seen)
    }

    /// The lines of the charge that the event is about.
    pub fn charged_lines(&self) -> impl Iterator<Item = &Line> {
        let id = self.transaction.as_ref().map(|transaction| &transaction.id);
        self.lines
            .iter()
            .filter(move |line| Some(&line.transaction) == id)
    }

    /// Money that came in with this event, or, below zero, went back: millionths of a US dollar, as far as they are known.
    /// Of a partial refund, its share of the price. A refund that is undone brings in what it had given back.
    pub fn revenue_usd_micros(&self) -> i64 {
        let Some(transaction) = &self.transaction else {
            return 0;
        };
        let usd = transaction.price_usd.map_or(0, |price| price.micros);
        match self.kind {
            // A trial may have a fee beside it.
            kind if kind.is_charge() || kind == EventKind::TrialStarted => usd,
            kind if kind.is_refund() => transaction.of_refunded(usd).saturating_neg(),
            EventKind::RefundReversed => transaction.of_refunded(usd),
            _ => 0,
        }
    }
}

impl TransactionRef {
    /// The part of an amount of the whole transaction that is about what was given back of it.
    pub fn of_refunded(&self, whole: i64) -> i64 {
        match (self.refunded, self.price) {
            (Some(part), Some(price)) if price.micros != 0 && part.currency == price.currency => {
                let share = i128::from(whole) * i128::from(part.micros) / i128::from(price.micros);
                i64::try_from(share).unwrap_or(whole)
            }
            _ => whole,
        }
    }
}

/// The app an event belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRef {
    /// Its id.
    pub id: AppId,
    /// Its key in the project.
    pub key: String,
    /// Its store.
    pub store: Store,
    /// What a store of one's own is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_name: Option<String>,
}

/// One line of a purchase, as it stands after an event: a product with a period and an end of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name within the purchase; one has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it stands for the whole: of those that run the one that was there first, then the dearest, then the first by
    /// name.
    pub is_base: bool,
    /// Its product.
    pub product: String,
    /// The store's id of the charge that paid for it: that of the event, or else its newest.
    pub transaction: String,
    /// Number of items.
    pub quantity: u32,
    /// What of that charge was for it.
    pub price: Option<Money>,
    /// The same in US dollars, where known.
    pub price_usd: Option<Money>,
    /// Tax, where the store reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
    /// What the event's refund gave back of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// Start of the period that was paid for.
    pub purchased_at: Timestamp,
    /// Its end; `None` for one-time purchases.
    pub expires_at: Option<Timestamp>,
    /// Whether it gives access.
    pub gives_access: bool,
    /// Whether the store will renew it.
    pub will_renew: bool,
}

/// The purchase an event is about, as it stands after the event: of several lines, the line that the event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The store's id of the chain.
    pub chain: String,
    /// What was bought.
    pub kind: TransactionKind,
    /// Start of the chain.
    pub original_purchased_at: Timestamp,
    /// Start of the current period.
    pub purchased_at: Timestamp,
    /// End of the current period.
    pub expires_at: Option<Timestamp>,
    /// End of access: grace end, moment of revocation, or period end.
    pub access_until: Option<Timestamp>,
    /// What kind of period it is.
    pub phase: Phase,
    /// Where it stands.
    pub standing: Standing,
    /// Whether the store will renew.
    pub will_renew: bool,
    /// What it will renew into, where that differs.
    pub next_product: Option<String>,
    /// What the next period will cost.
    pub renewal_price: Option<Money>,
    /// Who paid.
    pub ownership: Ownership,
    /// Uninterrupted paid periods up to this one.
    pub consecutive_payments: u32,
    /// Whether they have lasted a year.
    pub over_a_year: bool,
    /// Days of the chain's free trial.
    pub trial_days: Option<i64>,
    /// The offering that led to it, where a client said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offering: Option<String>,
    /// Paid for ahead and never renewed by the store (Google's prepaid plans).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_prepaid: bool,
}

/// The store transaction an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRef {
    /// The store's id.
    pub id: String,
    /// Its start.
    pub purchased_at: Timestamp,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// Number of items.
    pub quantity: u32,
    /// What was charged, before store commission; zero for a trial.
    pub price: Option<Money>,
    /// The same in US dollars, where known.
    pub price_usd: Option<Money>,
    /// What is left after the store's commission, where that is configured.
    pub proceeds: Option<Money>,
    /// The same in US dollars, where known.
    pub proceeds_usd: Option<Money>,
    /// How much was given back, or, where a refund is undone, taken again; absent where it is all of it.
    #[serde(default)]
    pub refunded: Option<Money>,
    /// Tax, where the store reports it.
    #[serde(default)]
    pub tax: Option<Money>,
    /// The same in US dollars, where known.
    #[serde(default)]
    pub tax_usd: Option<Money>,
    /// What is left after commission and tax, where both are known.
    #[serde(default)]
    pub net: Option<Money>,
    /// The same in US dollars, where known.
    #[serde(default)]
    pub net_usd: Option<Money>,
    /// Whether it was a free trial.
    pub is_free: bool,
    /// Offer applied.
    pub offer: Option<Offer>,
    /// ISO 3166-1 alpha-2 country of the store front.
    pub country: Option<String>,
    /// Google's purchase token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What a store asks of whoever runs the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Why, in the store's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when the store waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respond_by: Option<Timestamp>,
    /// What an answer has to name, where that is not the transaction: Google's `pendingRefundToken`, Apple's
    /// `externalPurchaseId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The store's id of the transaction that it is about, where nothing else is known of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

/// What led to an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The raw message; `None` when time passing was the cause.
    pub inbox: Option<InboxId>,
    /// Name of the rule.
    pub rule: String,
}

/// Something that happened. Immutable and self-contained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Derived from project, customer and key, so the same fact always has the same id.
    pub id: EventId,
    /// Unique per customer; makes detection exactly-once.
    pub key: String,
    /// What happened.
    pub kind: EventKind,
    /// Business time; may lie in the future for renewals charged early.
    pub occurred_at: Timestamp,
    /// When the message that caused it was received.
    pub recorded_at: Timestamp,
    /// Position among the customer's events, from 1, without gaps.
    pub customer_seq: u64,
    /// Production or sandbox.
    pub environment: Environment,
    /// Its project.
    pub project: ProjectId,
    /// Its app; `None` for test events of a project without apps.
    pub app: Option<AppRef>,
    /// The customer as it was.
    pub customer: Customer,
    /// The purchase after the event.
    pub purchase: Option<Purchase>,
    /// The transaction it is about: of several lines, what of it was for the event's line.
    pub transaction: Option<TransactionRef>,
    /// The one before, where it took over from that: by a change of product, or by a top-up of what is paid for ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_transaction: Option<TransactionRef>,
    /// The line of the purchase it is about; absent where there is one only, and for the one that has no name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// Every line of a purchase that has several, the base first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// It is about a further line, and another event tells the same of the base line: one charge, one cancellation, one end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joins_base: bool,
    /// The product it is about.
    pub product: Option<String>,
    /// The product before, for a change of product.
    pub previous_product: Option<String>,
    /// Whether a change of product waits for the next renewal.
    #[serde(default)]
    pub scheduled: bool,
    /// Entitlements that the product unlocks.
    pub entitlements: Vec<String>,
    /// Why, for endings and refunds.
    pub cancellation_reason: Option<CancellationReason>,
    /// The level an access event is about.
    pub level: Option<AccessLevel>,
    /// What the customer may use after the event, by entitlement.
    pub access: BTreeMap<String, AccessLevel>,
    /// What led to it.
    pub cause: Cause,
    /// Older than the window when its chain was first seen.
    #[serde(default)]
    pub historical: bool,
    /// Learned after something newer on the same chain.
    #[serde(default)]
    pub late: bool,
    /// For what somebody has to act on: what the store asks, and until when it waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// For "still active" events: after how many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_days: Option<u32>,
    /// For transfers: whom the purchase belonged to before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_from: Option<Customer>,
}
