//! Invoices that are paid in parts: each payment is money taken, when it is taken. Source: Stripe, "Partial payments" and the API
//! reference, `InvoicePayment`.

use super::{
    super::{
        invoice::{Invoice, InvoicePayment, sum},
        model::Subscription,
    },
    about::{About, objects},
};
use crate::{Answer, Refusal};
use std::collections::BTreeMap;

/// Why a later payment of an invoice was asked for: it buys no period, which the first bought.
const PART: &str = "part_of_an_invoice";
/// What the payment is called that Stripe lists none for.
const REST: &str = "rest";

impl About<'_> {
    /// The invoices of a subscription, oldest first. One that several payments paid for is that of the first, and each later payment one
    /// of its own, which takes money and buys nothing.
    pub(super) fn invoices(&self, subscription: &Subscription) -> Result<Vec<Invoice>, Refusal> {
        let mut payments: BTreeMap<String, Vec<InvoicePayment>> = BTreeMap::new();
        for payment in objects::<InvoicePayment>(self.answer, "invoice_payment")? {
            payments
                .entry(payment.invoice.clone())
                .or_default()
                .push(payment);
        }
        let mut invoices = read_invoices(self.answer)?;
        // Nothing began yet: what was paid of the first invoice is taken once it is through.
        let has_begun = !matches!(
            subscription.status.as_str(),
            "incomplete" | "incomplete_expired"
        );
        for invoice in &mut invoices {
            invoice.is_in_part = has_begun && !invoice.is_paid() && invoice.amount_paid > 0;
        }
        let mut all = Vec::new();
        for invoice in invoices {
            match payments.remove(&invoice.id) {
                Some(parts) if invoice.took_money() => all.extend(in_parts(invoice, parts)),
                _ => all.push(invoice),
            }
        }
        all.sort_by_key(|invoice| invoice.created);
        Ok(all)
    }
}

/// All that were answered.
pub(super) fn read_invoices(answer: &Answer) -> Result<Vec<Invoice>, Refusal> {
    let all: Vec<Invoice> = objects(answer, "invoice")?;
    let all = all.into_iter();
    Ok(all.map(Invoice::with_what_was_paid_elsewhere).collect())
}

/// What was paid beside the payments that Stripe lists, as one more.
fn rest(whole: &Invoice, payments: &[InvoicePayment]) -> Option<InvoicePayment> {
    let listed = sum(payments.iter().map(|payment| payment.amount_paid));
    let amount_paid = whole.amount_paid.checked_sub(listed)?;
    (amount_paid > 0).then(|| InvoicePayment {
        id: format!("{}_{REST}", whole.id),
        invoice: whole.id.clone(),
        amount_paid,
        created: None,
        status_transitions: whole.status_transitions.clone(),
    })
}

/// An invoice for each payment, the first under the name of the whole.
fn in_parts(whole: Invoice, mut payments: Vec<InvoicePayment>) -> Vec<Invoice> {
    payments.sort_by(|a, b| (a.paid_at(), &a.id).cmp(&(b.paid_at(), &b.id)));
    payments.extend(rest(&whole, &payments));
    let listed = sum(payments.iter().map(|payment| payment.amount_paid));
    let tax = whole.taxed();
    let mut paid = 0_i64;
    let mut parts = Vec::new();
    for payment in payments {
        // Rounded so that the parts of the tax add up to all of it.
        let up_to = |paid: i64| {
            let tax =
                i128::from(tax?) * i128::from(paid) / i128::from(whole.total.max(listed).max(1));
            i64::try_from(tax).ok()
        };
        let before = up_to(paid);
        paid = paid.saturating_add(payment.amount_paid);
        let tax = up_to(paid)
            .zip(before)
            .and_then(|(after, before)| after.checked_sub(before));
        let paid_at = payment.paid_at();
        let mut part = Invoice {
            amount_paid: payment.amount_paid,
            tax,
            total_taxes: None,
            ..whole.clone()
        };
        part.status_transitions.paid_at = paid_at;
        parts.push(if parts.is_empty() {
            part
        } else {
            Invoice {
                id: payment.id,
                part_of: Some(whole.id.clone()),
                billing_reason: Some(PART.into()),
                created: paid_at.or(whole.created),
                ..part
            }
        });
    }
    parts
}
