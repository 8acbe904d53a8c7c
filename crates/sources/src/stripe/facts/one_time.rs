//! One-time purchases: a checkout that was paid, or a charge that nothing else explains.

use super::{
    super::model::{Charge, Session},
    about::{About, money},
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
        seen.transactions = vec![self.one_time(
            id,
            product.map_or("payment", String::as_str),
            at,
            money(charge.amount, &charge.currency),
            None,
            1,
            country,
        )];
        seen.refunds = self.refunds_taking_away(charge.amount, &charge.currency);
        seen
    }

    pub(super) fn session(&self, session: &Session) -> Option<Observation> {
        let id = &self.answer.question.id;
        let mut seen = Self::chain(id, session.livemode);
        seen.user_token = self.owner(session.metadata.as_ref());
        let items = session.line_items.as_ref();
        let item = items.and_then(|items| items.data.first());
        let product = item.and_then(|item| item.price.as_ref()?.name())?;
        let currency = session.currency.as_deref().unwrap_or_default();
        let total = session.amount_total.unwrap_or(0);
        let country = session
            .customer_details
            .as_ref()
            .and_then(|details| details.address.as_ref()?.country.clone());
        seen.transactions = vec![
            self.one_time(
                id,
                &product,
                session.created.unwrap_or(self.version()),
                money(total, currency),
                session
                    .total_details
                    .as_ref()
                    .and_then(|details| money(details.amount_tax, currency)),
                item.and_then(|item| item.quantity).unwrap_or(1),
                country,
            ),
        ];
        seen.refunds = self.refunds_taking_away(total, currency);
        Some(seen)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one fact, all of them different things"
    )]
    fn one_time(
        &self,
        id: &str,
        product: &str,
        at: Timestamp,
        price: Option<Money>,
        tax: Option<Money>,
        quantity: u32,
        country: Option<String>,
    ) -> TransactionFact {
        TransactionFact {
            quantity: quantity.max(1),
            price,
            tax,
            reason: Some(TransactionReason::Purchase),
            country,
            begins_chain: true,
            ..TransactionFact::new(
                id,
                TransactionKind::NonConsumable,
                product,
                at,
                self.version(),
            )
        }
    }
}
