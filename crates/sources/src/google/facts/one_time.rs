//! A one-time purchase.

use super::{
    super::model::{Price, ProductPurchase},
    about::{About, charged, environment, unreadable},
};
use crate::{Part, Refusal};
use domain::{
    ChainKey, Observation, Store,
    fact::{TransactionFact, TransactionKind, TransactionReason},
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
        let Some(line) = purchase.product_line_item.first() else {
            return Err(unreadable("the purchase has no `productLineItem`"));
        };
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
        let details = line.product_offer_details.as_ref();
        let is_consumed = details.is_some_and(|details| {
            details.consumption_state.as_deref() == Some("CONSUMPTION_STATE_CONSUMED")
        });
        let kind = if is_consumed {
            TransactionKind::Consumable
        } else {
            TransactionKind::NonConsumable
        };
        let order = self.order(id);
        let order_line = order.and_then(|order| order.line_items.first());
        let at = purchase
            .purchase_completion_time
            .or_else(|| order?.create_time)
            .or(self.prompt.at)
            .unwrap_or(self.version());
        observation.user_token = purchase
            .obfuscated_external_account_id
            .clone()
            .filter(|id| !id.is_empty());
        observation.transactions = vec![TransactionFact {
            quantity: details
                .and_then(|details| details.quantity)
                .unwrap_or(1)
                .max(1),
            price: order
                .zip(order_line)
                .and_then(|(order, line)| charged(order, line)),
            tax: order
                .and_then(|order| order.tax.as_ref())
                .and_then(Price::money),
            reason: Some(TransactionReason::Purchase),
            country: purchase.region_code.clone(),
            leg: part.id.clone(),
            begins_chain: true,
            ..TransactionFact::new(id, kind, &line.product_id, at, self.version())
        }];
        observation.refunds = self.refunds(self.prompt.voided.as_ref(), !self.prompt.partial);
        let is_partial = self.prompt.partial
            || order.and_then(|order| order.state.as_deref()) == Some("PARTIALLY_REFUNDED");
        if is_partial && let Some(refund) = observation.refunds.first_mut() {
            // Each partial refund leaves fewer to refund, and that is all that tells them apart.
            let left = details.and_then(|details| details.refundable_quantity);
            refund.pieces_left = Some(left.unwrap_or(0));
            refund.id = format!("{}/{}", refund.id, left.unwrap_or(0));
            refund.revokes = false;
        }
        Ok(Some(observation))
    }
}
