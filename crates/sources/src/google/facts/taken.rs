//! What a refund took besides the money: the whole of a purchase, or one of its items. Source: Google, purchases.subscriptionsv2.revoke,
//! `fullRefund`, `proratedRefund` and `itemBasedRefund`; orders, `state` and `orderHistory`.

use super::{
    super::model::{LineItem, Order, OrderLine, SubscriptionPurchase},
    about::{About, charged},
    lines::running,
    refund::PART,
    renewal::EXPIRED,
};
use crate::naming::Naming;
use domain::{
    Money,
    fact::{RefundFact, line_key},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// A refund and the end of what it took are of one moment; the clocks that say when are not.
const ONE_MOMENT: SignedDuration = SignedDuration::from_mins(5);

/// An item that was taken alone, and when it ended, where it is still shown.
struct Gone<'a> {
    product: &'a str,
    ended: Option<Timestamp>,
}

impl About<'_> {
    /// The orders that a revocation is about, which names none: all that paid for what is over. Where some of several items go on, it was about
    /// others; one that the store shows to run is not taken by it.
    pub(super) fn revoked<'a>(
        &'a self,
        purchase: &'a SubscriptionPurchase,
    ) -> impl Iterator<Item = &'a String> {
        let items = running(purchase);
        let is_whole = purchase.subscription_state == EXPIRED || items.len() < 2;
        let orders = items.into_iter().filter_map(LineItem::paid_order);
        orders.filter(move |order| is_whole || !self.taken_alone(purchase, order).is_empty())
    }

    /// The orders whose purchase the store took back, whatever the message says.
    pub(super) fn orders_taken_back<'a>(
        &'a self,
        purchase: &'a SubscriptionPurchase,
    ) -> BTreeSet<&'a String> {
        let paid = running(purchase).into_iter();
        paid.filter_map(LineItem::paid_order)
            .filter(|order| self.is_taken_back(purchase, order))
            .collect()
    }

    /// Whether the period that `order` paid for was given back, or a part of it, and ended there and then, or one of its items did: what ends
    /// access so is a refund, also when the message that says so comes later, or never. What another purchase took over from ended for that.
    fn is_taken_back(&self, purchase: &SubscriptionPurchase, order: &str) -> bool {
        let Some(order) = self.order(order) else {
            return false;
        };
        let context = purchase.canceled_state_context.as_ref();
        let is_replaced = context.is_some_and(|it| it.replacement_cancellation.is_some());
        let is_over = || {
            purchase.subscription_state == EXPIRED
                && !is_replaced
                && ended(purchase)
                    .zip(paid_until(&order.line_items))
                    .is_some_and(|(ended, paid)| ended < paid)
        };
        match order.state.as_deref() {
            Some("REFUNDED") => is_over(),
            Some(PART) => is_over() || !self.taken_alone(purchase, &order.order_id).is_empty(),
            _ => false,
        }
    }

    /// Of the items that `order` paid for, those that are over before their time, or that the purchase has no longer, while others go on.
    fn taken_alone<'a>(&'a self, purchase: &'a SubscriptionPurchase, order: &str) -> Vec<Gone<'a>> {
        let known = self.order(order);
        let is_whole = known.and_then(|order| order.state.as_deref()) == Some("REFUNDED");
        let is_over = |item: &LineItem| item.expiry_time.is_some_and(|end| end <= self.version());
        let paid = |item: &&LineItem| item.paid_order().is_some_and(|paid| paid == order);
        let mut own = purchase.line_items.iter().filter(paid);
        let goes_on = own.any(|item| !is_over(item));
        if purchase.subscription_state == EXPIRED || is_whole || !goes_on {
            return Vec::new();
        }
        let lines = || known.into_iter().flat_map(|order| &order.line_items);
        let is_early = |item: &LineItem| {
            let of_it = lines().filter(|line| line.product_id == item.product_id);
            known.is_none() || item.expiry_time < paid_until(of_it)
        };
        let over = purchase
            .line_items
            .iter()
            .filter(|item| paid(item) && is_over(item) && is_early(item));
        let over = over.map(|item| Gone {
            product: &item.product_id,
            ended: item.expiry_time,
        });
        let is_named = |line: &OrderLine| {
            let product = &line.product_id;
            purchase.line_items.iter().any(|item| {
                let replaced = item.item_replacement.as_ref();
                let replaced = replaced.and_then(|replaced| replaced.product_id.as_ref());
                item.product_id == *product || replaced == Some(product)
            })
        };
        let no_longer = lines().filter(|line| {
            paid_until([*line]).is_some_and(|end| self.version() < end) && !is_named(line)
        });
        let no_longer = no_longer.map(|line| Gone {
            product: &line.product_id,
            ended: None,
        });
        over.chain(no_longer).collect()
    }

    /// A refund of a current order, of which one item alone was taken: it is about that.
    pub(super) fn of_what_is_over(
        &self,
        refund: RefundFact,
        purchase: &SubscriptionPurchase,
        naming: &Naming,
    ) -> RefundFact {
        let gone = self.taken_alone(purchase, &refund.transaction);
        let apart = |gone: &Gone<'_>| {
            let ended = gone.ended?;
            Some(ended.duration_until(refund.at).abs())
        };
        let nearest = gone
            .iter()
            .min_by_key(|gone| apart(gone).unwrap_or(SignedDuration::MAX));
        let is_of_it = |gone: &&Gone<'_>| {
            refund.revokes || apart(gone).is_some_and(|apart| apart <= ONE_MOMENT)
        };
        let Some(gone) = nearest.filter(is_of_it) else {
            return refund;
        };
        let line = naming.name_then(&refund.transaction, gone.product);
        let is_whole = refund.id == refund.transaction;
        RefundFact {
            // Each item may be given back by itself.
            id: if is_whole {
                line_key(&refund.id, &line)
            } else {
                refund.id
            },
            line: Some(line),
            revokes: true,
            ..refund
        }
    }

    /// A refund of a part of an order of which nothing says how large: what it took before its time was worth what was left of it, and
    /// what took nothing counts as nothing until the store says more.
    pub(super) fn in_part(
        &self,
        refund: RefundFact,
        purchase: &SubscriptionPurchase,
        naming: &Naming,
    ) -> RefundFact {
        let order = self.order(&refund.transaction);
        let Some(order) = order.filter(|order| order.state.as_deref() == Some(PART)) else {
            return refund;
        };
        if refund.amount.is_some() || refund.pieces_left.is_some() || refund.pieces.is_some() {
            return refund;
        }
        let is_about = |product: &str| {
            let line = refund.line.as_ref();
            line.is_none_or(|line| naming.name_then(&order.order_id, product) == *line)
        };
        let lines = order.line_items.iter();
        let lines: Vec<&OrderLine> = lines.filter(|line| is_about(&line.product_id)).collect();
        let items = purchase.line_items.iter();
        let ended = items.filter(|item| is_about(&item.product_id));
        let ended = ended.filter_map(|item| item.expiry_time).max();
        let amount = worth_of_the_rest(order, &lines, ended.unwrap_or(refund.at));
        RefundFact { amount, ..refund }
    }
}

/// When all of a purchase had ended.
fn ended(purchase: &SubscriptionPurchase) -> Option<Timestamp> {
    let ends = purchase.line_items.iter();
    ends.filter_map(|line| line.expiry_time).max()
}

/// Until when the lines of an order paid.
fn paid_until<'a>(lines: impl IntoIterator<Item = &'a OrderLine>) -> Option<Timestamp> {
    let ends = lines.into_iter();
    ends.filter_map(|line| line.subscription_details.as_ref()?.service_period_end_time)
        .max()
}

/// What the time after `ended` was worth, of what these lines of an order cost. Source: Google, purchases.subscriptionsv2.revoke,
/// `proratedRefund`.
fn worth_of_the_rest(order: &Order, lines: &[&OrderLine], ended: Timestamp) -> Option<Money> {
    let mut all: Option<Money> = None;
    for line in lines {
        let whole = charged(order, line)?;
        let from = line.service_start()?;
        let until = paid_until([*line])?;
        let seconds = |from: Timestamp, until| i128::from(from.duration_until(until).as_secs());
        let lasts = seconds(from, until);
        let left = seconds(ended, until).clamp(0, lasts.max(0));
        if lasts <= 0 {
            return None;
        }
        let micros = i64::try_from(i128::from(whole.micros) * left / lasts).ok()?;
        let rest = Money { micros, ..whole };
        all = Some(match all {
            None => rest,
            Some(sum) => sum.checked_add(rest).ok()?,
        });
    }
    all
}
