//! A subscription of several items: each is looked at as if it were alone, with its own lines of every invoice and its share of what
//! was paid.
//!
//! The unnamed line is the item that was billed first, of several by id, and what took its place since; any other is named by its item.
//! Items are listed in no particular order. Source: Stripe, "Subscriptions with multiple products" and the API reference,
//! `subscription_item` and `line_item`.

use super::super::{
    invoice::{Invoice, Line},
    model::{Item, List, Price, Subscription},
};
use crate::naming::Naming;
use domain::{Currency, Money, fact::share};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A line of a subscription, as if it were all of it.
pub(super) struct Alone {
    pub(super) name: String,
    /// With this item only; `None` where the subscription has it no longer.
    pub(super) subscription: Option<Subscription>,
    /// With what they say of it.
    pub(super) invoices: Vec<Invoice>,
}

/// The lines of a subscription, the unnamed one first. `invoices` are all, oldest first; `prices` are those of items that it has no longer.
pub(super) fn alone(
    subscription: &Subscription,
    invoices: &[Invoice],
    prices: &[Price],
) -> Vec<Alone> {
    let items = &subscription.items.data;
    let metered = metered(items, prices);
    let billed: BTreeSet<String> = invoices
        .iter()
        .flat_map(|invoice| billed(invoice, &metered))
        .collect();
    if items.len() < 2 && billed.len() < 2 {
        return vec![Alone {
            name: String::new(),
            subscription: Some(subscription.clone()),
            invoices: invoices.to_vec(),
        }];
    }
    let naming = named(subscription, invoices, &billed, &metered);
    let current: BTreeMap<String, &Item> = items
        .iter()
        .map(|item| (naming.name(&key(item, &billed)), item))
        .collect();
    let charged = billed.iter().map(|item| naming.name(item));
    let names: BTreeSet<String> = charged
        .chain(naming.all().cloned())
        .chain(current.keys().cloned())
        .collect();
    let lines = names.iter().map(|name| Alone {
        subscription: current.get(name).map(|item| Subscription {
            items: List {
                data: vec![(*item).clone()],
                has_more: false,
            },
            ..subscription.clone()
        }),
        invoices: invoices
            .iter()
            .filter_map(|invoice| part(invoice, name, &naming, &metered))
            .collect(),
        name: name.clone(),
    });
    lines.collect()
}

/// What an item is called on invoices: lines name it, or its price.
fn key(item: &Item, billed: &BTreeSet<String>) -> String {
    let price = item.price().map(|price| price.id.clone());
    match price {
        Some(price) if billed.contains(&price) || item.id.is_empty() => price,
        _ => item.id.clone(),
    }
}

/// What items that are counted first and charged afterwards are called on invoices: until they are charged they take nobody's place.
fn metered(items: &[Item], prices: &[Price]) -> BTreeSet<String> {
    let metered = items.iter().filter(|item| item.is_metered());
    let names = metered.flat_map(|item| {
        let price = item.price().map(|price| price.id.clone());
        std::iter::once(item.id.clone()).chain(price)
    });
    let gone = prices.iter().filter(|price| price.is_metered());
    names.chain(gone.map(|price| price.id.clone())).collect()
}

/// Whether a line charges for something: nothing was counted of what costs nothing yet.
fn counts(line: &Line, metered: &BTreeSet<String>) -> bool {
    // What it is a price of does not change; an item may have had another one.
    let sold = || line.price_id().or_else(|| line.item());
    let is_usage = || line.is_metered() || sold().is_some_and(|sold| metered.contains(&sold));
    line.amount > 0 || (line.amount == 0 && line.quantity != Some(0) && !is_usage())
}

/// The items that an invoice charges for.
fn billed(invoice: &Invoice, metered: &BTreeSet<String>) -> BTreeSet<String> {
    let lines = invoice.lines.data.iter();
    let of_item = lines.filter(|line| !line.is_beside() && counts(line, metered));
    of_item.filter_map(Line::item).collect()
}

/// The names of all items there were. What an invoice shows of a life does not change any more, so neither do they.
fn named(
    subscription: &Subscription,
    invoices: &[Invoice],
    billed_ever: &BTreeSet<String>,
    metered: &BTreeSet<String>,
) -> Naming {
    let items = subscription.items.data.iter();
    let mut current: BTreeSet<String> = items.map(|item| key(item, billed_ever)).collect();
    let mut naming = Naming::default();
    let mut present: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
    for invoice in invoices {
        let now = billed(invoice, metered);
        let lines = &invoice.lines.data;
        let taken_off: BTreeSet<String> = lines
            .iter()
            .filter(|line| line.amount < 0)
            .filter_map(Line::item)
            .collect();
        let begins = lines
            .iter()
            .filter(|line| !line.is_proration() && !line.is_beside())
            .filter_map(|line| line.period.start)
            .max();
        // Lines that name no item tell of another price of the same one as of another item.
        let is_vague = lines.iter().all(|line| line.named_item().is_none());
        let is_another_price = is_vague
            && invoice.billing_reason.as_deref() == Some("subscription_update")
            && now.iter().any(|item| !present.contains_key(item));
        // Credited and not charged for any more, or due and not billed.
        present.retain(|item, until| {
            let is_due = until
                .zip(begins)
                .is_some_and(|(until, begins)| until <= begins);
            let is_replaced = is_another_price && !current.contains(item);
            now.contains(item) || !(taken_off.contains(item) || is_due || is_replaced)
        });
        for item in now {
            let of_item = lines
                .iter()
                .filter(|line| line.item().as_ref() == Some(&item));
            let until = of_item.filter_map(|line| line.period.end).max();
            present.insert(item, until);
        }
        naming.step(&invoice.id, present.keys().map(String::as_str));
    }
    current.retain(|item| !metered.contains(item) || present.contains_key(item));
    naming.step("", current.iter().map(String::as_str));
    naming
}

/// What an invoice says of one line: of what was paid and taxed its share. What is sold beside the subscription is with the unnamed
/// one.
fn part(
    invoice: &Invoice,
    name: &str,
    naming: &Naming,
    metered: &BTreeSet<String>,
) -> Option<Invoice> {
    let name_of = |line: &Line| {
        let item = line.item().filter(|_| !line.is_beside());
        item.map_or_else(String::new, |item| naming.name_then(&invoice.id, &item))
    };
    let mut net: BTreeMap<String, i64> = BTreeMap::new();
    let mut taxed: BTreeMap<String, i64> = BTreeMap::new();
    for line in &invoice.lines.data {
        for (all, amount) in [(&mut net, line.net()), (&mut taxed, line.taxed())] {
            let all = all.entry(name_of(line)).or_default();
            *all = all.saturating_add(amount);
        }
    }
    if net.keys().all(|other| other == name) && (name.is_empty() || !net.is_empty()) {
        return Some(invoice.clone());
    }
    let own: Vec<Line> = invoice
        .lines
        .data
        .iter()
        .filter(|line| name_of(line) == name)
        .cloned()
        .collect();
    if !own.iter().any(|line| counts(line, metered)) {
        return None;
    }
    let has_taxes = taxed.values().any(|tax| *tax != 0);
    let of = |whole: i64, weights: &BTreeMap<String, i64>| {
        let money = |amount: i64| Money::new(amount, Currency::USD);
        let weights = weights
            .iter()
            .map(|(name, weight)| (name.as_str(), Some(money(*weight))));
        share(money(whole), weights, name).map(|part| part.micros)
    };
    let tax = invoice.taxed();
    Some(Invoice {
        amount_paid: of(invoice.amount_paid, &net)?,
        tax: tax.and_then(|tax| of(tax, if has_taxes { &taxed } else { &net })),
        total_taxes: None,
        lines: List {
            data: own,
            has_more: false,
        },
        ..invoice.clone()
    })
}
