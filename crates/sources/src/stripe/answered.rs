//! What can be seen of objects as they were answered, before anything is read from them.

use super::{
    invoice::{Invoice, Line, subscription_paid_by},
    model::id,
};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn took_money(invoice: &Value) -> bool {
    invoice["amount_paid"].as_i64() > Some(0)
}

/// Prices on an invoice whose lines cost nothing and do not say whether they are of usage.
pub(super) fn uncounted_prices(invoice: &Value) -> BTreeSet<String> {
    let invoice = serde_json::from_value::<Invoice>(invoice.clone()).unwrap_or_default();
    let lines = invoice.lines.data.iter();
    let lines = lines.filter(|line| line.amount == 0 && !line.is_beside());
    let silent = lines.filter(|line| line.pricing.is_some() && line.quantity != Some(0));
    silent.filter_map(Line::price_id).collect()
}

/// How much of an invoice was paid, wherever.
pub(super) fn paid(invoice: &Value) -> i64 {
    let read = serde_json::from_value::<Invoice>(invoice.clone());
    read.map_or(0, |invoice| {
        invoice.with_what_was_paid_elsewhere().amount_paid
    })
}

/// Whether the subscription was read before something happened and its invoices after it: the newest of them is missing, is not the newest,
/// or is paid although the subscription says that it is not. Source: Stripe, "How subscriptions work", subscription statuses.
pub(super) fn is_torn(subscription: &Value, invoices: &[Value]) -> bool {
    let Some(latest) = id(&subscription["latest_invoice"]) else {
        return false;
    };
    let is_unpaid = matches!(
        subscription["status"].as_str(),
        Some("incomplete" | "past_due" | "unpaid")
    );
    let found = invoices
        .iter()
        .find(|invoice| invoice["id"] == latest.as_str());
    let is_newer = |than: &Value, invoice: &Value| {
        invoice["created"].as_i64() > than["created"].as_i64()
            && subscription_paid_by(invoice).is_some()
    };
    found.is_none_or(|latest| {
        (is_unpaid && latest["status"] == "paid")
            || invoices.iter().any(|invoice| is_newer(latest, invoice))
    })
}
