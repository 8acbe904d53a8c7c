//! A one-time purchase.

use super::{
    super::model::{ProductLine, ProductPurchase},
    about::{About, charged, environment, taxed, unreadable},
};
use crate::{Part, Refusal};
use domain::{
    ChainKey, Observation, Store,
    fact::{RefundFact, TransactionFact, TransactionKind, TransactionReason, line_key},
};

impl About<'_> {
    pub(super) fn product(&self, part: &Part) -> Result<Option<Observation>, Refusal> {
        let purchase: ProductPurchase =
            serde_json::from_value(part.body.clone()).map_err(unreadable)?;
        let state = purchase
            .purchase_state_context
            .as_ref()
            .and_then(|context| context.purchase_state.as_deref());
        let is_voided = self.prompt.voided.is_some();
        let is_paid = match state {
            Some("PURCHASED") => true,
            None | Some("PURCHASE_STATE_UNSPECIFIED") if !is_voided => {
                return Err(unreadable(
                    "the purchase does not say whether it is paid for",
                ));
            }
            _ => false,
        };
        let mut lines: Vec<&ProductLine> = purchase.product_line_item.iter().collect();
        if lines.is_empty() {
            return Err(unreadable("the purchase has no `productLineItem`"));
        }
        // The unnamed line is the first by id, in whatever order they are listed.
        lines.sort_by(|a, b| a.product_id.cmp(&b.product_id));
        // A purchase without an order is a promotion; its token is all there is to name it by.
        let id = purchase.order_id.as_ref().unwrap_or(&part.id);
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: environment(purchase.test_purchase_context.is_some()),
            id: part.id.clone(),
        });
        if !is_paid && !is_voided {
            return Ok(None);
        }
        let order = self.order(id);
        let at = purchase
            .purchase_completion_time
            .or_else(|| order?.create_time)
            .or(self.prompt.at)
            .unwrap_or(self.version());
        observation.user_token = purchase
            .obfuscated_external_account_id
            .clone()
            .filter(|id| !id.is_empty());
        let name = |index: usize, line: &ProductLine| {
            if index == 0 {
                String::new()
            } else {
                line.product_id.clone()
            }
        };
        let line_fact = |(index, line): (usize, &&ProductLine)| {
            let details = line.product_offer_details.as_ref();
            let order_line = order.and_then(|order| match order.line_items.as_slice() {
                [only] if lines.len() == 1 => Some(only),
                all => all.iter().find(|paid| paid.product_id == line.product_id),
            });
            let paid = order.zip(order_line);
            TransactionFact {
                line: name(index, line),
                quantity: details
                    .and_then(|details| details.quantity)
                    .unwrap_or(1)
                    .max(1),
                price: paid.and_then(|(order, line)| charged(order, line)),
                tax: paid.and_then(|(order, line)| taxed(order, line)),
                reason: Some(TransactionReason::Purchase),
                country: purchase.region_code.clone(),
                leg: part.id.clone(),
                begins_chain: true,
                ..TransactionFact::new(id, kind_of(line), &line.product_id, at, self.version())
            }
        };
        observation.transactions = lines.iter().enumerate().map(line_fact).collect();
        let voided = self.prompt.voided.iter().collect();
        observation.refunds = self.refunds(&voided, !self.prompt.partial);
        let is_partial = self.prompt.partial
            || order.and_then(|order| order.state.as_deref()) == Some("PARTIALLY_REFUNDED");
        if is_partial && let Some(refund) = observation.refunds.first().cloned() {
            // Each partial refund leaves fewer to refund, and that is all that tells them apart.
            let left = |line: &ProductLine| {
                let details = line.product_offer_details.as_ref();
                details.and_then(|details| details.refundable_quantity)
            };
            let fewer = |line: &ProductLine| {
                let details = line.product_offer_details.as_ref();
                let bought = details.and_then(|details| details.quantity).unwrap_or(1);
                left(line).is_none_or(|left| left < bought)
            };
            let is_only = lines.len() == 1;
            let of_lines = lines.iter().enumerate();
            observation.refunds = of_lines
                .filter(|(_, line)| is_only || fewer(line))
                .map(|(index, line)| RefundFact {
                    line: Some(name(index, line)).filter(|_| !is_only),
                    pieces_left: Some(left(line).unwrap_or(0)),
                    id: line_key(
                        &format!("{}/{}", refund.id, left(line).unwrap_or(0)),
                        &name(index, line),
                    ),
                    amount: refund.amount.filter(|_| is_only),
                    revokes: false,
                    ..refund.clone()
                })
                .collect();
        }
        Ok(Some(observation))
    }
}

/// What is used up may be bought again.
fn kind_of(line: &ProductLine) -> TransactionKind {
    let details = line.product_offer_details.as_ref();
    match details.and_then(|details| details.consumption_state.as_deref()) {
        Some("CONSUMPTION_STATE_CONSUMED") => TransactionKind::Consumable,
        _ => TransactionKind::NonConsumable,
    }
}
