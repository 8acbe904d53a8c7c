//! The lines of a subscription: its items, told apart by product, over all of its legs and orders.
//!
//! The unnamed line is the item that there was first, of several by id, and what took its place since; any other is named by its
//! product. Source: Google, "Subscriptions with add-ons" and the resource purchases.subscriptionsv2, `lineItems`.

use super::{
    super::model::{LineItem, Order, OrderLine, SubscriptionPurchase},
    about::{About, base_order},
};
use crate::{Part, naming::Naming};
use std::collections::BTreeSet;

/// One leg of a subscription.
pub(super) type Leg<'a> = (&'a Part, &'a SubscriptionPurchase);

/// The items that were paid for; of a purchase that does not say which, all. One that waits for the place of another has neither
/// an order nor an end.
pub(super) fn running(purchase: &SubscriptionPurchase) -> Vec<&LineItem> {
    let all = &purchase.line_items;
    let paid: Vec<_> = all
        .iter()
        .filter(|line| line.paid_order().is_some())
        .collect();
    if paid.is_empty() {
        all.iter()
            .filter(|line| line.expiry_time.is_some() || all.len() == 1)
            .collect()
    } else {
        paid
    }
}

impl About<'_> {
    /// The orders of one leg, oldest first: those of the same numbers as the ones that its items were paid by.
    pub(super) fn orders_of(&self, purchase: &SubscriptionPurchase) -> Vec<&Order> {
        let latest = purchase.line_items.iter().filter_map(LineItem::paid_order);
        let latest = latest.chain(&purchase.latest_order_id);
        let bases: Vec<&str> = latest.map(|order| base_order(order)).collect();
        let is_charge = |order: &&Order| {
            bases.contains(&base_order(&order.order_id))
                && !matches!(order.state.as_deref(), Some("CANCELED" | "PENDING"))
        };
        let mut orders: Vec<_> = self.orders.iter().filter(is_charge).collect();
        orders.sort_by_key(|order| {
            let line = order.line_items.iter();
            let starts = line.filter_map(OrderLine::service_start);
            (starts.min().or(order.create_time), number(&order.order_id))
        });
        orders
    }

    /// The names of all items there were, by product.
    pub(super) fn naming(&self, legs: &[Leg<'_>]) -> Naming {
        let mut naming = Naming::default();
        // The numbers of the orders that the items of a moment ago were paid by.
        let mut paid_by: BTreeSet<&str> = BTreeSet::new();
        for (leg, purchase) in legs.iter().rev() {
            for order in self.orders_of(purchase) {
                let base = base_order(&order.order_id);
                // An order shows all items only where it goes on with the numbers of the one before.
                if paid_by.is_empty() || paid_by.contains(base) {
                    let lines = order.line_items.iter();
                    let products = lines.map(|line| &*line.product_id);
                    step(&mut naming, &order.order_id, purchase, products);
                    paid_by = BTreeSet::from([base]);
                }
            }
            let items = running(purchase);
            let products = items.iter().map(|line| &*line.product_id);
            step(&mut naming, &leg.id, purchase, products);
            let latest = items.iter().filter_map(|line| line.paid_order());
            paid_by = latest.map(|order| base_order(order)).collect();
        }
        naming
    }
}

fn step<'a>(
    naming: &mut Naming,
    occasion: &str,
    purchase: &SubscriptionPurchase,
    products: impl Iterator<Item = &'a str>,
) {
    let mut products: Vec<&str> = products.collect();
    products.sort_by_key(|product| rank(purchase, product));
    naming.step(occasion, products);
}

/// What was there before, by what it was there as; then what is new.
fn rank<'a>(purchase: &'a SubscriptionPurchase, product: &'a str) -> (bool, &'a str) {
    let replaced = purchase
        .line_items
        .iter()
        .find(|line| line.product_id == product)
        .and_then(|line| line.item_replacement.as_ref()?.product_id.as_deref());
    (replaced.is_none(), replaced.unwrap_or(product))
}

/// 2 of `GPA.1..1`, 0 of `GPA.1`.
fn number(order: &str) -> u64 {
    order
        .split_once("..")
        .and_then(|(_, number)| number.parse::<u64>().ok())
        .map_or(0, |number| number.saturating_add(1))
}
