//! One-time purchases: a checkout that was paid, an invoice without a subscription, a charge that nothing else explains.

use super::{
    super::model::{Charge, Invoice, Session},
    about::About,
    amount::money,
};
use domain::{
    Money, Observation,
    fact::{TransactionFact, TransactionKind, TransactionReason},
};
use jiff::Timestamp;

impl About<'_> {
    pub(super) fn charge(&self, charge: &Charge) -> Observation {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, charge.livemode);
        seen.user_token = self.owner(charge.metadata.as_ref());
        let at = charge.created.unwrap_or(self.version());
        let product = charge
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.get("product_id"))
            .or(charge.description.as_ref());
        let country = charge
            .billing_details
            .as_ref()
            .and_then(|details| details.address.as_ref()?.country.clone());
        let charged = money(charge.amount, &charge.currency);
        let product = product.map_or("payment", String::as_str);
        seen.transactions = vec![TransactionFact {
            country,
            ..self.one_time(product, at, charged)
        }];
        seen.refunds = self.refunds_taking_away(charged);
        seen
    }

    pub(super) fn session(&self, session: &Session) -> Option<Observation> {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, session.livemode);
        seen.user_token = self.owner(session.metadata.as_ref());
        let items = session.line_items.as_ref();
        let item = items.and_then(|items| items.data.first());
        let product = item.and_then(|item| item.price.as_ref()?.name())?;
        let amount = |cents| money(cents, session.currency.as_deref()?);
        let charged = session.amount_total.and_then(amount);
        let taxed = session.total_details.as_ref();
        let country = session
            .customer_details
            .as_ref()
            .and_then(|details| details.address.as_ref()?.country.clone());
        let told = self.answer.question.prompt["paid_at"].as_i64();
        let at = told
            .and_then(|second| Timestamp::from_second(second).ok())
            .or(session.created)
            .unwrap_or(self.version());
        seen.transactions = vec![TransactionFact {
            quantity: item.and_then(|item| item.quantity).unwrap_or(1).max(1),
            tax: taxed.and_then(|details| amount(details.amount_tax)),
            country,
            ..self.one_time(&product, at, charged)
        }];
        seen.refunds = self.refunds_taking_away(charged);
        Some(seen)
    }

    /// An invoice without a subscription, once it is paid.
    pub(super) fn sold_by(&self, invoice: &Invoice) -> Option<Observation> {
        let mut seen = Self::chain(&invoice.id, invoice.livemode);
        let at = invoice.paid_at().filter(|_| invoice.is_paid())?;
        seen.user_token = self.owner(invoice.metadata.as_ref());
        let line = invoice.lines.data.first();
        let product = line
            .and_then(|line| line.product().or_else(|| line.description.clone()))
            .unwrap_or_else(|| "invoice".into());
        let charged = money(invoice.amount_paid, &invoice.currency);
        seen.transactions = vec![TransactionFact {
            quantity: line.and_then(|line| line.quantity).unwrap_or(1).max(1),
            tax: invoice
                .taxed()
                .and_then(|tax| money(tax, &invoice.currency)),
            country: invoice.country(),
            ..self.one_time(&product, at, charged)
        }];
        seen.refunds = self.refunds_taking_away(charged);
        Some(seen)
    }

    /// One piece of it, of which nothing else is known.
    fn one_time(&self, product: &str, at: Timestamp, price: Option<Money>) -> TransactionFact {
        TransactionFact {
            price,
            reason: Some(TransactionReason::Purchase),
            begins_chain: true,
            ..TransactionFact::new(
                &self.answer.question.id,
                TransactionKind::NonConsumable,
                product,
                at,
                self.version(),
            )
        }
    }
}
