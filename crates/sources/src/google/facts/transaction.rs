//! The paid orders of one leg of a subscription, line by line: the current ones, and earlier ones that were asked for.

use super::{
    super::model::{LineItem, Order, OrderLine, OrderSubscription, SubscriptionPurchase},
    about::{About, base_order, charged, plan, product, taxed},
    lines::{Leg, running},
};
use crate::naming::Naming;
use domain::fact::{
    Discount, Offer, OfferCategory, TransactionFact, TransactionKind, TransactionReason,
};
use jiff::{SignedDuration, Timestamp};

impl About<'_> {
    /// The paid orders of one leg, line by line: the current ones, and earlier ones that were asked for.
    pub(super) fn transactions(
        &self,
        (part, purchase): Leg<'_>,
        naming: &Naming,
    ) -> Vec<TransactionFact> {
        let is_pending = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_PENDING" | "SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED"
        );
        if is_pending {
            return Vec::new();
        }
        let runs = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_ACTIVE" | "SUBSCRIPTION_STATE_CANCELED"
        );
        let untold = purchase.latest_order_id.as_ref().filter(|_| runs);
        let current: Vec<TransactionFact> = running(purchase)
            .into_iter()
            .filter_map(|line| {
                let latest = line.paid_order().or(untold)?;
                Some(TransactionFact {
                    line: naming.name_then(&part.id, &line.product_id),
                    ..self.current(latest, &part.id, purchase, line)
                })
            })
            .collect();
        if current.is_empty() {
            return Vec::new();
        }
        let orders = self.orders_of(purchase);
        let mut all = Vec::new();
        for order in orders {
            for line in &order.line_items {
                let name = naming.name_then(&order.order_id, &line.product_id);
                let is_current =
                    |fact: &TransactionFact| fact.id == order.order_id && fact.line == name;
                let fact = self.past(order, line, &part.id, purchase);
                if let Some(fact) = fact.filter(|_| !current.iter().any(is_current)) {
                    all.push(TransactionFact {
                        begins_chain: fact.begins_chain || self.is_added(&fact, &name, purchase),
                        line: name,
                        ..fact
                    });
                }
            }
        }
        all.extend(current.into_iter().map(|fact| TransactionFact {
            begins_chain: fact.begins_chain || self.is_added(&fact, &fact.line, purchase),
            ..fact
        }));
        all
    }

    /// Whether a further line begins with a charge although the store renewed the purchase then: every order before it was for
    /// others, and it was no part of the purchase that this leg took over from.
    fn is_added(
        &self,
        fact: &TransactionFact,
        name: &str,
        purchase: &SubscriptionPurchase,
    ) -> bool {
        let was_there =
            |line: &LineItem| line.product_id == name && line.item_replacement.is_some();
        let start = |order: &Order| {
            let starts = order.line_items.iter().filter_map(OrderLine::service_start);
            starts.min()
        };
        let mut earlier = self
            .orders
            .iter()
            .filter(|order| start(order).is_some_and(|start| start < fact.purchased_at))
            .flat_map(|order| &order.line_items)
            .peekable();
        !name.is_empty()
            && earlier.peek().is_some()
            && !earlier.any(|line| line.product_id == name)
            && !purchase.line_items.iter().any(was_there)
    }

    fn common(
        &self,
        id: &str,
        product: String,
        purchased_at: Timestamp,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> TransactionFact {
        // What begins after its token did was charged by the store.
        let began = purchase
            .start_time
            .filter(|_| purchase.linked_purchase_token.is_some());
        let is_renewal =
            base_order(id) != id || began.is_some_and(|began| is_later(began, purchased_at));
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
        line: &OrderLine,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> Option<TransactionFact> {
        let details = line.subscription_details.as_ref()?;
        let start = details.service_period_start_time.or(order.create_time)?;
        let name = product(&line.product_id, details.base_plan_id.as_deref());
        Some(TransactionFact {
            expires_at: details.service_period_end_time,
            end_is_provisional: true,
            price: charged(order, line),
            tax: taxed(order, line),
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
        // The only line of an order paid for what it names, whatever took its place since.
        let order_line = order.and_then(|order| match order.line_items.as_slice() {
            [only] => Some(only),
            lines => lines
                .iter()
                .find(|found| found.product_id == line.product_id),
        });
        let details = order_line.and_then(|line| line.subscription_details.as_ref());
        let started = details
            .and_then(|details| details.service_period_start_time)
            .or_else(|| order.and_then(|order| order.create_time))
            .or_else(|| purchase.start_time.filter(|_| base_order(id) == id))
            .or_else(|| {
                self.prompt
                    .at
                    .filter(|_| matches!(self.prompt.kind, Some(1 | 2)))
            })
            .unwrap_or(self.version());
        let paid_until = details.and_then(|details| details.service_period_end_time);
        // One item of several may be over before its time, as the whole may.
        let is_cut = line.expiry_time < paid_until
            && line.expiry_time.is_some_and(|end| end <= self.version());
        let is_exact = !is_cut
            && matches!(
                purchase.subscription_state.as_str(),
                "SUBSCRIPTION_STATE_ACTIVE" | "SUBSCRIPTION_STATE_CANCELED"
            );
        let expires_at = if is_exact {
            line.expiry_time.or(paid_until)
        } else {
            paid_until.or(line.expiry_time)
        };
        let phase = phase(line, details);
        let paid_for = paid_for(line, order_line);
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
            tax: order
                .zip(order_line)
                .and_then(|(order, line)| taxed(order, line)),
            offer: offer(phase, offer_id, order_line.unwrap_or(&OrderLine::default())),
            is_prepaid: line.prepaid_plan.is_some() && line.auto_renewing_plan.is_none(),
            ..self.common(id, paid_for, started, leg, purchase)
        }
    }
}

/// What was paid for: what the order names, where that is something else by now.
fn paid_for(line: &LineItem, order: Option<&OrderLine>) -> String {
    let Some(paid) = order.filter(|paid| paid.product_id != line.product_id) else {
        return product(&line.product_id, plan(line));
    };
    let details = paid.subscription_details.as_ref();
    let plan = details.and_then(|details| details.base_plan_id.as_deref());
    product(&paid.product_id, plan)
}

/// What a line says that its period is, or else what its order said.
fn phase<'a>(line: &LineItem, details: Option<&'a OrderSubscription>) -> Option<&'a str> {
    let Some(phase) = &line.offer_phase else {
        return details.and_then(|details| details.offer_phase.as_deref());
    };
    if phase.free_trial.is_some() {
        Some("FREE_TRIAL")
    } else if phase.introductory_price.is_some() {
        Some("INTRODUCTORY")
    } else if phase.base_price.is_some() || phase.proration_period.is_some() {
        Some("BASE")
    } else {
        details.and_then(|details| details.offer_phase.as_deref())
    }
}

/// Whether a period begins so much later than its token that it was no part of what was bought then.
fn is_later(token: Timestamp, period: Timestamp) -> bool {
    token.duration_until(period) > SignedDuration::from_hours(1)
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
