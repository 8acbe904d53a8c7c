//! A one-time purchase.

use super::{
    super::model::{ProductLine, ProductPurchase},
    about::{About, charged, environment, taxed, unreadable},
    refund::Taken,
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
        // A purchase without an order is a promotion; its token is all there is to name it by.
        let id = purchase.order_id.as_ref().unwrap_or(&part.id);
        let order = self.order(id);
        let order_state = order.and_then(|order| order.state.as_deref());
        // Cancelled after it was paid for: only a refund does that.
        let is_taken_back = state == Some("CANCELLED") && order_state == Some("REFUNDED");
        let is_voided = self.prompt.voided.is_some() || is_taken_back;
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
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: environment(purchase.test_purchase_context.is_some()),
            id: part.id.clone(),
        });
        if !is_paid && !is_voided {
            return Ok(None);
        }
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
        let left = |line: &ProductLine| {
            let details = line.product_offer_details.as_ref();
            details.and_then(|details| details.refundable_quantity)
        };
        let has_fewer = |(index, line): (usize, &&ProductLine)| {
            left(line).is_some_and(|left| left < observation.transactions[index].quantity)
        };
        let is_in_pieces = self.prompt.partial
            || (order_state == Some("PARTIALLY_REFUNDED")
                && lines.iter().enumerate().any(has_fewer));
        let is_only = lines.len() == 1;
        let first = &observation.transactions[0];
        let (price, quantity) = (first.price, first.quantity);
        let voided_id = self.prompt.voided.as_ref().unwrap_or(id);
        observation.refunds = if is_in_pieces && is_only {
            let left = Some(left(lines[0]).unwrap_or(0));
            self.refunds_of_pieces(voided_id, price, quantity, left)
        } else if is_in_pieces {
            let of_lines = lines.iter().enumerate();
            of_lines
                .filter(|line| left(line.1).is_none() || has_fewer(*line))
                .map(|(index, line)| {
                    let (left, name) = (left(line).unwrap_or(0), name(index, line));
                    let own = line_key(&format!("{voided_id}/{left}"), &name);
                    RefundFact {
                        line: Some(name),
                        pieces_left: Some(left),
                        ..self.refund(own, voided_id, self.prompt.at, None, Taken::Nothing)
                    }
                })
                .collect()
        } else {
            let voided = self.prompt.voided.iter().collect();
            let taken_back = std::iter::once(id).filter(|_| is_taken_back).collect();
            if is_only && quantity > 1 {
                let mut all = self.refunds_of_pieces(id, price, quantity, None);
                all.extend(self.whole_refunds(&voided, Taken::Access, &taken_back));
                all
            } else {
                self.refunds(&voided, Taken::Access, &taken_back)
            }
        };
        observation.notes = self.notes();
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
