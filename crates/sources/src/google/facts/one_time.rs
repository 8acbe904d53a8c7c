//! A one-time purchase.

use super::{
    super::model::{Order, ProductLine, ProductPurchase, read},
    about::{About, charged, environment, taxed, unreadable},
    refund::{Taken, newest_part_at},
};
use crate::{Part, Refusal, claim::carried};
use domain::{
    ChainKey, Observation, Store,
    fact::{RefundFact, TransactionFact, TransactionKind, TransactionReason, line_key},
};
use jiff::Timestamp;

impl About<'_> {
    pub(super) fn product(&self, part: &Part) -> Result<Option<Observation>, Refusal> {
        let purchase: ProductPurchase = read(part.body.clone()).map_err(unreadable)?;
        let bought = self.bought(part, &purchase)?;
        if !bought.is_paid && !bought.is_voided {
            return Ok(None);
        }
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: environment(purchase.test_purchase_context.is_some()),
            id: part.id.clone(),
        });
        observation.links = purchase.order_id.iter().cloned().collect();
        observation.user_token = carried(purchase.obfuscated_external_account_id.as_deref());
        let lines = bought.lines.iter().enumerate();
        let facts = lines.map(|(index, line)| self.line_fact(&bought, index, line));
        observation.transactions = facts.collect();
        observation.refunds = self.taken_back(&bought, &observation.transactions);
        observation.notes = self.notes();
        Ok(Some(observation))
    }

    /// Errors: it does not say what was bought, or whether it is paid for.
    fn bought<'a>(
        &'a self,
        part: &'a Part,
        purchase: &'a ProductPurchase,
    ) -> Result<Bought<'a>, Refusal> {
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
        Ok(Bought {
            token: &part.id,
            id,
            country: purchase.region_code.as_ref(),
            completed_at: purchase.purchase_completion_time,
            order,
            lines,
            is_paid,
            is_voided,
            is_taken_back,
        })
    }

    fn line_fact(&self, bought: &Bought<'_>, index: usize, line: &ProductLine) -> TransactionFact {
        let order = bought.order;
        let order_line = order.and_then(|order| match order.line_items.as_slice() {
            [only] if bought.lines.len() == 1 => Some(only),
            all => all.iter().find(|paid| paid.product_id == line.product_id),
        });
        let paid = order.zip(order_line);
        let at = bought
            .completed_at
            .or_else(|| order?.create_time)
            .or(self.prompt.at)
            .unwrap_or(self.version());
        let details = line.product_offer_details.as_ref();
        TransactionFact {
            line: name(index, line),
            quantity: details
                .and_then(|details| details.quantity)
                .unwrap_or(1)
                .max(1),
            price: paid.and_then(|(order, line)| charged(order, line)),
            tax: paid.and_then(|(order, line)| taxed(order, line)),
            reason: Some(TransactionReason::Purchase),
            country: bought.country.cloned(),
            leg: bought.token.to_owned(),
            begins_chain: true,
            ..TransactionFact::new(
                bought.id,
                kind_of(line),
                &line.product_id,
                at,
                self.version(),
            )
        }
    }

    /// What was given back: some pieces, or all of it.
    fn taken_back(&self, bought: &Bought<'_>, facts: &[TransactionFact]) -> Vec<RefundFact> {
        let has_fewer = |index: usize| {
            left(bought.lines[index]).is_some_and(|left| left < facts[index].quantity)
        };
        let order_state = bought.order.and_then(|order| order.state.as_deref());
        let is_in_pieces = self.prompt.partial
            || (order_state == Some("PARTIALLY_REFUNDED")
                && (0..bought.lines.len()).any(has_fewer));
        let (price, quantity) = (facts[0].price, facts[0].quantity);
        let voided_id = self.prompt.voided.as_deref().unwrap_or(bought.id);
        if is_in_pieces && let [only] = bought.lines[..] {
            let left = Some(left(only).unwrap_or(0));
            return self.refunds_of_pieces(voided_id, price, quantity, left);
        }
        if is_in_pieces {
            let lines = bought.lines.iter().enumerate();
            let given_back =
                lines.filter(|(index, line)| left(line).is_none() || has_fewer(*index));
            return given_back
                .map(|(index, line)| self.pieces_of_line(bought, voided_id, (index, line)))
                .collect();
        }
        let voided = self.prompt.voided.iter().collect();
        let taken_back = std::iter::once(bought.id).filter(|_| bought.is_taken_back);
        let taken_back = taken_back.collect();
        if bought.lines.len() > 1 || quantity == 1 {
            return self.refunds(&voided, Taken::Access, &taken_back);
        }
        let mut all = self.refunds_of_pieces(bought.id, price, quantity, None);
        all.extend(self.whole_refunds(&voided, Taken::Access, &taken_back));
        all
    }

    /// Pieces of one line of several. The order says when, whatever the message is about.
    fn pieces_of_line(
        &self,
        bought: &Bought<'_>,
        voided_id: &str,
        (index, line): (usize, &ProductLine),
    ) -> RefundFact {
        let at = bought.order.and_then(newest_part_at).or(self.prompt.at);
        let (left, name) = (left(line).unwrap_or(0), name(index, line));
        let own = line_key(&format!("{voided_id}/{left}"), &name);
        RefundFact {
            line: Some(name),
            pieces_left: Some(left),
            ..self.refund(own, voided_id, at, None, Taken::by_pieces(left))
        }
    }
}

/// A purchase, as far as every step needs it.
struct Bought<'a> {
    token: &'a str,
    /// Its order, or its token.
    id: &'a String,
    country: Option<&'a String>,
    completed_at: Option<Timestamp>,
    order: Option<&'a Order>,
    /// By product; the first has no name of its own.
    lines: Vec<&'a ProductLine>,
    is_paid: bool,
    is_voided: bool,
    is_taken_back: bool,
}

fn name(index: usize, line: &ProductLine) -> String {
    if index == 0 {
        String::new()
    } else {
        line.product_id.clone()
    }
}

/// Pieces that were not given back.
fn left(line: &ProductLine) -> Option<u32> {
    let details = line.product_offer_details.as_ref();
    details.and_then(|details| details.refundable_quantity)
}

/// What is used up may be bought again.
fn kind_of(line: &ProductLine) -> TransactionKind {
    let details = line.product_offer_details.as_ref();
    match details.and_then(|details| details.consumption_state.as_deref()) {
        Some("CONSUMPTION_STATE_CONSUMED") => TransactionKind::Consumable,
        _ => TransactionKind::NonConsumable,
    }
}
