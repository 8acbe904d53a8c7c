//! One-time purchases: a checkout that was paid, an invoice without a subscription, a charge that nothing else explains.

use super::{
    super::{
        invoice::{Invoice, InvoicePayment},
        model::{Charge, Session, SessionItem},
    },
    about::{About, objects},
    amount::money,
};
use crate::Refusal;
use domain::{
    Money, Observation,
    fact::{TransactionFact, TransactionKind, TransactionReason, share},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// A payment that is through so soon after its charge was made did not wait for a bank: the charge says when, whatever message comes first.
const AT_ONCE: SignedDuration = SignedDuration::from_hours(1);

/// When something was paid, or no later than which it was not.
#[derive(Clone, Copy)]
struct Paid {
    at: Timestamp,
    is_provisional: bool,
}

impl Paid {
    const fn at(at: Timestamp) -> Self {
        Self {
            at,
            is_provisional: false,
        }
    }
}

fn seconds(value: &Value) -> Option<Timestamp> {
    Timestamp::from_second(value.as_i64().filter(|second| *second != 0)?).ok()
}

/// So much of a product, in the store's minor units.
struct Bought {
    product: String,
    quantity: u32,
    amount: Option<i64>,
    tax: Option<i64>,
}

impl Bought {
    fn add(&mut self, more: &Self) {
        let sum = |one: Option<i64>, other: Option<i64>| Some(one?.saturating_add(other?));
        self.quantity = self.quantity.saturating_add(more.quantity);
        self.amount = sum(self.amount, more.amount);
        self.tax = sum(self.tax, more.tax);
    }
}

impl About<'_> {
    pub(super) fn charge(&self, charge: &Charge) -> Observation {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, charge.livemode);
        seen.user_token = self.owner(charge.metadata.as_ref());
        let paid = self.paid(Some(charge), None);
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
            ..self.one_time(product, paid, charged)
        }];
        seen.refunds = self.refunds_taking_away(charged);
        seen
    }

    pub(super) fn session(&self, session: &Session) -> Option<Observation> {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, session.livemode);
        seen.user_token = self.owner(session.metadata.as_ref());
        let items = session.line_items.as_ref();
        let items: Vec<&SessionItem> = items.iter().flat_map(|items| &items.data).collect();
        let bought: Vec<Bought> = items
            .iter()
            .filter_map(|item| {
                Some(Bought {
                    product: item.price.as_ref()?.name()?,
                    quantity: item.quantity.unwrap_or(1),
                    amount: item.amount_total,
                    tax: item.amount_tax,
                })
            })
            .collect();
        let amount = |cents| money(cents, session.currency.as_deref()?);
        let charged = session.amount_total.and_then(amount);
        let tax = session.total_details.as_ref();
        let tax = tax.and_then(|details| amount(details.amount_tax));
        let country = session
            .customer_details
            .as_ref()
            .and_then(|details| details.address.as_ref()?.country.clone());
        // The session says when it was opened; a failed try may have come before the charge.
        let charge = self.charges.iter().find(|charge| charge.paid);
        let invoice = seconds(&session.invoice["status_transitions"]["paid_at"]);
        let paid = invoice.map_or_else(|| self.paid(charge, session.created), Paid::at);
        seen.transactions = self.cart(bought, paid, charged, tax, country.as_ref());
        if seen.transactions.is_empty() {
            return None;
        }
        seen.refunds = self.refunds_taking_away(charged);
        Some(seen)
    }

    /// An invoice without a subscription, once it is paid, or given up after some of it was.
    pub(super) fn sold_by(&self, invoice: &Invoice) -> Result<Option<Observation>, Refusal> {
        let mut seen = Self::chain(&invoice.id, invoice.livemode);
        let is_in_part = invoice.is_given_up() && invoice.amount_paid > 0;
        let payments: Vec<InvoicePayment> = objects(self.answer, "invoice_payment")?;
        let last = payments.iter().filter_map(InvoicePayment::paid_at).max();
        let paid_at = last.filter(|_| is_in_part).or(invoice.paid_at());
        let Some(at) = paid_at.filter(|_| invoice.is_paid() || is_in_part) else {
            return Ok(None);
        };
        seen.user_token = self.owner(invoice.metadata.as_ref());
        let lines = invoice.lines.data.iter().filter(|line| line.amount >= 0);
        let mut bought: Vec<Bought> = lines
            .map(|line| Bought {
                product: line
                    .product()
                    .or_else(|| line.description.clone())
                    .unwrap_or_else(|| "invoice".into()),
                quantity: line.quantity.unwrap_or(1),
                amount: Some(line.net()),
                tax: Some(line.taxed()),
            })
            .collect();
        if bought.is_empty() {
            bought.push(Bought {
                product: "invoice".into(),
                quantity: 1,
                amount: None,
                tax: None,
            });
        }
        let charged = money(invoice.amount_paid, &invoice.currency);
        let tax = invoice
            .taxed()
            .and_then(|tax| money(tax, &invoice.currency));
        seen.transactions = self.cart(
            bought,
            Paid::at(at),
            charged,
            tax,
            invoice.country().as_ref(),
        );
        seen.refunds = self.refunds_taking_away(charged);
        Ok(Some(seen))
    }

    /// When a payment was through. A charge says when it was made, which is the same but where a bank takes its time; then only a message
    /// says. That the money is on its way is no sign either. Source: Stripe, "Changes to Balance Transaction behavior for debit payment
    /// methods".
    fn paid(&self, charge: Option<&Charge>, opened: Option<Timestamp>) -> Paid {
        let told = seconds(&self.answer.question.prompt["paid_at"]);
        let made = charge.and_then(|charge| charge.created);
        match (told, made) {
            (Some(told), Some(made)) if made.duration_until(told) <= AT_ONCE => Paid::at(made),
            (Some(told), _) => Paid::at(told),
            (None, made) => Paid {
                is_provisional: true,
                ..Paid::at(made.or(opened).unwrap_or(self.version()))
            },
        }
    }

    /// Every product that was bought at once, with its share of what was charged. The unnamed line is the first by product, in
    /// whatever order they are listed.
    fn cart(
        &self,
        bought: Vec<Bought>,
        paid: Paid,
        charged: Option<Money>,
        tax: Option<Money>,
        country: Option<&String>,
    ) -> Vec<TransactionFact> {
        let mut products: BTreeMap<String, Bought> = BTreeMap::new();
        for more in bought {
            match products.get_mut(&more.product) {
                Some(known) => known.add(&more),
                None => {
                    products.insert(more.product.clone(), more);
                }
            }
        }
        let part = |whole: Option<Money>, of: fn(&Bought) -> Option<i64>, product: &str| {
            let whole = whole?;
            let weights = products.iter().map(|(product, bought)| {
                let weight = of(bought).map(|weight| Money::new(weight, whole.currency));
                (product.as_str(), weight)
            });
            share(whole, weights, product)
        };
        let is_taxed = products.values().any(|bought| bought.tax.unwrap_or(0) > 0);
        let lines = products.iter().enumerate();
        lines
            .map(|(index, (product, bought))| TransactionFact {
                line: Some(product.clone())
                    .filter(|_| index > 0)
                    .unwrap_or_default(),
                quantity: bought.quantity.max(1),
                tax: part(
                    tax,
                    if is_taxed {
                        |bought| bought.tax
                    } else {
                        |bought| bought.amount
                    },
                    product,
                ),
                country: country.cloned(),
                ..self.one_time(
                    product,
                    paid,
                    part(charged, |bought| bought.amount, product),
                )
            })
            .collect()
    }

    /// One piece of it, of which nothing else is known.
    fn one_time(&self, product: &str, paid: Paid, price: Option<Money>) -> TransactionFact {
        TransactionFact {
            price,
            start_is_provisional: paid.is_provisional,
            reason: Some(TransactionReason::Purchase),
            begins_chain: true,
            ..TransactionFact::new(
                &self.answer.question.id,
                TransactionKind::NonConsumable,
                product,
                paid.at,
                self.version(),
            )
        }
    }
}
