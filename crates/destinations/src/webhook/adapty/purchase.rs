//! Events about a purchase, and the money they move.

use super::{
    super::options::Options,
    common::{Common, Number, category, common, discount, number},
};
use crate::told::Prices;
use domain::{
    Currency, Event, EventKind, Money,
    event::TransactionRef,
    fact::{Discount, TransactionKind},
};
use serde::Serialize;

/// Fields of events about a purchase.
#[derive(Serialize)]
pub(super) struct Purchase<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    price_usd: Number,
    price_local: Number,
    original_price_usd: Number,
    original_price_local: Number,
    discount_amount_usd: Number,
    discount_amount_local: Number,
    consecutive_payments: u32,
    rate_after_first_year: bool,
    promotional_offer_id: Option<&'a str>,
    store_offer_category: Option<&'static str>,
    store_offer_discount_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_offer_number_of_periods: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_duration: Option<String>,
    #[serde(flatten)]
    revenue: Option<Revenue>,
}

/// Fields of events that move money.
#[derive(Serialize)]
struct Revenue {
    proceeds_usd: Number,
    proceeds_local: Number,
    net_revenue_usd: Number,
    net_revenue_local: Number,
    tax_amount_usd: Number,
    tax_amount_local: Number,
}

pub(super) fn purchase<'a>(event: &'a Event, options: &Options) -> Purchase<'a> {
    let transaction = event.transaction.as_ref();
    let about = event.purchase.as_ref();
    let offer = transaction.and_then(|transaction| transaction.offer.as_ref());
    let standard = transaction.and_then(|transaction| standard_price(event, transaction));
    let told = told(event, options, standard);
    let saved = saved(transaction, standard);
    let ended_early = event.kind.is_refund()
        || matches!(
            event.kind,
            EventKind::BillingIssueDetected | EventKind::EnteredGracePeriod
        );
    let expires_at = if ended_early {
        about.and_then(|about| about.access_until)
    } else {
        transaction.and_then(|transaction| transaction.expires_at)
    };
    let one_time = about.is_some_and(|about| about.kind != TransactionKind::Subscription);
    let with_reason = matches!(
        event.kind,
        EventKind::SubscriptionExpired | EventKind::TrialExpired | EventKind::SubscriptionRefunded
    );
    let with_trial = matches!(
        event.kind,
        EventKind::TrialStarted | EventKind::TrialConverted | EventKind::TrialExpired
    );
    let money = transaction.filter(|_| event.kind.is_charge() || event.kind.is_refund());
    Purchase {
        common: common(event, expires_at.filter(|_| !one_time)),
        price_usd: number(told.dollars),
        price_local: number(told.charged),
        original_price_usd: number(in_usd(standard)),
        original_price_local: number(standard),
        discount_amount_usd: number(in_usd(saved)),
        discount_amount_local: number(saved),
        consecutive_payments: about.map_or(0, |about| about.consecutive_payments),
        rate_after_first_year: about.is_some_and(|about| about.over_a_year),
        promotional_offer_id: offer.and_then(|offer| offer.id.as_deref()),
        store_offer_category: offer.and_then(|offer| offer.category).map(category),
        store_offer_discount_type: offer.and_then(|offer| offer.discount).map(discount),
        store_offer_number_of_periods: offer.map(|_| None),
        cancellation_reason: event
            .cancellation_reason
            .filter(|_| with_reason)
            .map(domain::CancellationReason::id),
        trial_duration: about
            .and_then(|about| about.trial_days)
            .filter(|_| with_trial)
            .map(|days| format!("{days} days")),
        revenue: money.map(Revenue::of),
    }
}

/// What is told as the price.
fn told(event: &Event, options: &Options, standard: Option<Money>) -> Prices {
    let Some(transaction) = &event.transaction else {
        return Prices::default();
    };
    if transaction.is_free {
        let shown = options.send_trial_price && event.kind == EventKind::TrialStarted;
        let standard = standard.filter(|_| shown);
        return Prices {
            charged: standard,
            dollars: in_usd(standard),
        };
    }
    // A partial refund moves less than was charged.
    if transaction.refunded.is_some() {
        let whole = transaction.price_usd;
        return Prices {
            charged: transaction.refunded,
            dollars: whole.map(|whole| of_refunded(transaction, whole)),
        };
    }
    Prices {
        charged: transaction.price,
        dollars: transaction.price_usd,
    }
}

/// What an offer takes off the price.
fn saved(transaction: Option<&TransactionRef>, standard: Option<Money>) -> Option<Money> {
    let transaction = transaction?;
    let discount = transaction.offer.as_ref().and_then(|offer| offer.discount);
    if discount == Some(Discount::PayUpFront) {
        return None;
    }
    if transaction.is_free {
        return standard;
    }
    standard?.checked_sub(transaction.price?).ok()
}

impl Revenue {
    fn of(transaction: &TransactionRef) -> Self {
        let moved =
            |whole: Option<Money>| number(whole.map(|whole| of_refunded(transaction, whole)));
        Self {
            proceeds_usd: moved(transaction.proceeds_usd),
            proceeds_local: moved(transaction.proceeds),
            net_revenue_usd: moved(transaction.net_usd),
            net_revenue_local: moved(transaction.net),
            tax_amount_usd: moved(transaction.tax_usd),
            tax_amount_local: moved(transaction.tax),
        }
    }
}

/// The undiscounted price: the renewal price of a subscription where the store vouches for it, or the price itself.
/// Source: Adapty docs, "Webhook event types and fields", `original_price_usd` and its siblings.
fn standard_price(event: &Event, transaction: &TransactionRef) -> Option<Money> {
    let purchase = event.purchase.as_ref()?;
    if transaction.offer.is_none() || purchase.kind != TransactionKind::Subscription {
        return transaction.price;
    }
    purchase
        .renewal_price
        .filter(|_| purchase.will_renew && purchase.next_product.is_none())
}

/// The part of an amount that is about what was given back, where that is not all.
fn of_refunded(transaction: &TransactionRef, whole: Money) -> Money {
    Money {
        micros: transaction.of_refunded(whole.micros),
        ..whole
    }
}

fn in_usd(amount: Option<Money>) -> Option<Money> {
    amount.filter(|amount| amount.currency == Currency::USD)
}
