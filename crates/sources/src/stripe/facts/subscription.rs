//! A subscription: every paid invoice that bought a period is a transaction.

use super::{
    super::model::{Invoice, Line, Price, Subscription, TaxAmount},
    about::{About, money, objects},
};
use crate::Refusal;
use domain::{
    Observation,
    fact::{Discount, Offer, OfferCategory, TransactionFact, TransactionKind, TransactionReason},
};
use jiff::Timestamp;

impl About<'_> {
    pub(super) fn subscription(
        &self,
        subscription: &Subscription,
    ) -> Result<Option<Observation>, Refusal> {
        let mut seen = Self::chain(&subscription.id, subscription.livemode);
        seen.user_token = self.owner(subscription.metadata.as_ref());
        let mut invoices: Vec<Invoice> = objects(self.answer, "invoice")?;
        invoices.sort_by_key(|invoice| invoice.created);
        let began = subscription.start_date.or(subscription.created);
        for invoice in &invoices {
            let Some(fact) = self.invoice(invoice, subscription, began) else {
                continue;
            };
            let is_update = invoice.billing_reason.as_deref() == Some("subscription_update");
            match seen.transactions.last_mut() {
                // Another quantity or anchor, not another product: the period may end later, nothing else.
                Some(last) if is_update && last.product == fact.product => {
                    last.expires_at = last.expires_at.max(fact.expires_at);
                }
                _ => seen.transactions.push(fact),
            }
        }
        if seen.transactions.is_empty() {
            // The first payment is open, or never came.
            return Ok(None);
        }
        // A trial that was made longer has no invoice of its own.
        if subscription.status == "trialing"
            && let (Some(end), Some(last)) = (subscription.trial_end, seen.transactions.last_mut())
            && last.is_free()
        {
            last.expires_at = Some(end);
        }
        seen.refunds.clone_from(&self.refunds);
        seen.renewals = vec![self.renewal(subscription)];
        Ok(Some(seen))
    }

    /// A paid invoice that bought a period. Prorations of quantity, thresholds and manual invoices bought none.
    fn invoice(
        &self,
        invoice: &Invoice,
        subscription: &Subscription,
        began: Option<Timestamp>,
    ) -> Option<TransactionFact> {
        let reason = invoice.billing_reason.as_deref();
        let is_first = matches!(reason, Some("subscription_create"));
        if !is_first
            && !matches!(
                reason,
                Some(
                    "subscription_cycle" | "subscription_update" | "subscription" | "quote_accept"
                )
            )
        {
            return None;
        }
        let bought: Vec<&Line> = invoice
            .lines
            .data
            .iter()
            .filter(|line| !line.is_proration() || reason == Some("subscription_update"))
            .filter(|line| line.amount >= 0 && line.period.end.is_some())
            .collect();
        let line = bought.iter().max_by_key(|line| line.period.end)?;
        let (start, end) = (line.period.start?, line.period.end?);
        let paid_at = invoice.status_transitions.paid_at.or(invoice.created)?;
        let is_trial = invoice.total == 0
            && subscription
                .trial_end
                .is_some_and(|trial_end| start < trial_end && end <= trial_end);
        let product = line
            .product()
            .or_else(|| subscription.price().and_then(Price::name))?;
        let tax = invoice.tax.or_else(|| {
            let taxes = invoice.total_taxes.as_ref()?;
            Some(taxes.iter().map(|tax: &TaxAmount| tax.amount).sum())
        });
        Some(TransactionFact {
            original_purchased_at: began.unwrap_or(start),
            expires_at: Some(end),
            price: money(invoice.amount_paid, &invoice.currency),
            tax: tax.and_then(|tax| money(tax, &invoice.currency)),
            offer: is_trial.then_some(Offer {
                category: Some(OfferCategory::Introductory),
                discount: Some(Discount::FreeTrial),
                id: None,
            }),
            reason: Some(if reason == Some("subscription_cycle") {
                TransactionReason::Renewal
            } else {
                TransactionReason::Purchase
            }),
            country: invoice
                .customer_address
                .as_ref()
                .and_then(|address| address.country.clone()),
            begins_chain: is_first,
            ..TransactionFact::new(
                &invoice.id,
                TransactionKind::Subscription,
                product,
                if reason == Some("subscription_update") {
                    paid_at.min(end)
                } else {
                    start
                },
                self.version(),
            )
        })
    }
}
