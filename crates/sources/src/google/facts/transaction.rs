//! The paid orders of one leg of a subscription: the current one, and earlier ones that were asked for.

use super::{
    super::model::{LineItem, Order, OrderLine, Price, SubscriptionPurchase},
    about::{About, base_order, charged, main_line, plan, product},
};
use domain::fact::{
    Discount, Offer, OfferCategory, TransactionFact, TransactionKind, TransactionReason,
};
use jiff::Timestamp;

impl About<'_> {
    /// The paid orders of one leg: the current one, and earlier ones that were asked for.
    pub(super) fn transactions(
        &self,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> Vec<TransactionFact> {
        let Some(line) = main_line(purchase) else {
            return Vec::new();
        };
        let is_pending = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_PENDING" | "SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED"
        );
        let runs = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_ACTIVE" | "SUBSCRIPTION_STATE_CANCELED"
        );
        let paid = line
            .paid_order()
            .or_else(|| purchase.latest_order_id.as_ref().filter(|_| runs));
        let Some(latest) = paid.filter(|_| !is_pending) else {
            return Vec::new();
        };
        let base = base_order(latest);
        let earlier = self.orders.iter().filter(|order| {
            order.order_id != *latest
                && base_order(&order.order_id) == base
                && order.state.as_deref() != Some("CANCELED")
                && order.state.as_deref() != Some("PENDING")
        });
        let mut all: Vec<TransactionFact> = earlier
            .filter_map(|order| self.past(order, leg, purchase))
            .collect();
        all.push(self.current(latest, leg, purchase, line));
        all
    }

    fn common(
        &self,
        id: &str,
        product: String,
        purchased_at: Timestamp,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> TransactionFact {
        let is_renewal = base_order(id) != id;
        TransactionFact {
            original_purchased_at: purchase.start_time.unwrap_or(purchased_at),
            reason: Some(if is_renewal {
                TransactionReason::Renewal
            } else {
                TransactionReason::Purchase
            }),
            country: purchase.region_code.clone(),
            leg: leg.to_owned(),
            replaces: purchase.linked_purchase_token.clone(),
            begins_chain: !is_renewal && purchase.predecessor().is_none(),
            ..TransactionFact::new(
                id,
                TransactionKind::Subscription,
                product,
                purchased_at,
                self.version(),
            )
        }
    }

    fn past(
        &self,
        order: &Order,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> Option<TransactionFact> {
        let line = order.line_items.first()?;
        let details = line.subscription_details.as_ref()?;
        let start = details.service_period_start_time.or(order.create_time)?;
        let name = product(&line.product_id, details.base_plan_id.as_deref());
        Some(TransactionFact {
            expires_at: details.service_period_end_time,
            end_is_provisional: true,
            price: charged(order, line),
            tax: line
                .tax
                .as_ref()
                .or(order.tax.as_ref())
                .and_then(Price::money),
            offer: offer(
                details.offer_phase.as_deref(),
                details.offer_id.as_deref(),
                line,
            ),
            ..self.common(&order.order_id, name, start, leg, purchase)
        })
    }

    fn current(
        &self,
        id: &str,
        leg: &str,
        purchase: &SubscriptionPurchase,
        line: &LineItem,
    ) -> TransactionFact {
        let order = self.order(id);
        let order_line = order.and_then(|order| {
            order
                .line_items
                .iter()
                .find(|found| found.product_id == line.product_id)
                .or_else(|| order.line_items.first())
        });
        let details = order_line.and_then(|line| line.subscription_details.as_ref());
        let is_first = base_order(id) == id;
        let started = details
            .and_then(|details| details.service_period_start_time)
            .or_else(|| order.and_then(|order| order.create_time))
            .or_else(|| purchase.start_time.filter(|_| is_first))
            .or_else(|| {
                self.prompt
                    .at
                    .filter(|_| matches!(self.prompt.kind, Some(1 | 2)))
            })
            .unwrap_or(self.version());
        let is_exact = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_ACTIVE" | "SUBSCRIPTION_STATE_CANCELED"
        );
        let paid_until = details.and_then(|details| details.service_period_end_time);
        let expires_at = if is_exact {
            line.expiry_time.or(paid_until)
        } else {
            paid_until.or(line.expiry_time)
        };
        let phase = line.offer_phase.as_ref();
        let phase = if phase.is_some_and(|phase| phase.free_trial.is_some()) {
            Some("FREE_TRIAL")
        } else if phase.is_some_and(|phase| phase.introductory_price.is_some()) {
            Some("INTRODUCTORY")
        } else if phase
            .is_some_and(|phase| phase.base_price.is_some() || phase.proration_period.is_some())
        {
            Some("BASE")
        } else {
            details.and_then(|details| details.offer_phase.as_deref())
        };
        let offer_id = line
            .offer_details
            .as_ref()
            .and_then(|offer| offer.offer_id.as_deref());
        TransactionFact {
            expires_at,
            end_is_provisional: !is_exact,
            price: order
                .zip(order_line)
                .and_then(|(order, line)| charged(order, line)),
            tax: order_line
                .and_then(|line| line.tax.as_ref())
                .or_else(|| order?.tax.as_ref())
                .and_then(Price::money),
            offer: offer(phase, offer_id, order_line.unwrap_or(&OrderLine::default())),
            is_prepaid: line.prepaid_plan.is_some() && line.auto_renewing_plan.is_none(),
            ..self.common(
                id,
                product(&line.product_id, plan(line)),
                started,
                leg,
                purchase,
            )
        }
    }
}

/// `offer_phase` is a FREE_TRIAL, INTRODUCTORY or BASE. An offer on a base price is a full price.
fn offer(phase: Option<&str>, id: Option<&str>, line: &OrderLine) -> Option<Offer> {
    let is_free = line
        .total
        .as_ref()
        .is_some_and(|total| total.units == 0 && total.nanos == 0);
    let discount = match phase {
        Some("FREE_TRIAL") => Discount::FreeTrial,
        Some("INTRODUCTORY") => Discount::PayAsYouGo,
        None if id.is_some() && is_free => Discount::FreeTrial,
        _ => return None,
    };
    Some(Offer {
        category: Some(OfferCategory::Introductory),
        discount: Some(discount),
        id: id.map(str::to_owned),
    })
}
