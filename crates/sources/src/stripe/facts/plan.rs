//! What a schedule does to each line of a subscription after the running phase. Source: Stripe, "Subscription schedules": a phase names the
//! prices that it consists of, not what each takes the place of.

use super::{
    super::model::{Item, Price, Subscription, id, phases_ahead},
    about::About,
    lines::Alone,
};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// It goes on as it is.
    Stays,
    /// Another product takes its place.
    Becomes(String),
    /// Nothing does: the next phase is without it.
    Ends,
}

impl About<'_> {
    /// The plans of the lines of a subscription, by their names; of none where no phase is ahead.
    ///
    /// A line whose price the phase has stays. Of the prices that no item has now, one of the same product takes the place of a line that
    /// goes; then they are given in order, the unnamed line first.
    pub(super) fn plans(&self, whole: &Subscription, lines: &[Alone]) -> BTreeMap<String, Plan> {
        let schedule = self.answer.parts("schedule").next();
        let phase =
            schedule.and_then(|schedule| phases_ahead(&schedule.body, self.version()).next());
        let items = phase.and_then(|phase| phase["items"].as_array());
        let planned: BTreeSet<String> = items
            .into_iter()
            .flatten()
            .filter_map(|item| id(&item["price"]))
            .collect();
        if planned.is_empty() {
            return BTreeMap::new();
        }
        let current: BTreeSet<String> = whole
            .items
            .data
            .iter()
            .filter_map(Item::price)
            .chain(&whole.plan)
            .map(|price| price.id.clone())
            .collect();
        let mut new: Vec<&String> = planned.difference(&current).collect();
        let mut plans = BTreeMap::new();
        let mut going = Vec::new();
        for line in lines {
            match line.subscription.as_ref().and_then(Subscription::price) {
                Some(price) if planned.contains(&price.id) => {
                    plans.insert(line.name.clone(), Plan::Stays);
                }
                Some(price) => going.push((&line.name, id(&price.product))),
                None => {}
            }
        }
        let names = self.names(whole, lines);
        going.retain(|(name, product)| {
            let is_of_it = |price: &&String| {
                let named = names.get(*price).and_then(|name| name.split_once(':'));
                named.is_some_and(|(of, _)| Some(of) == product.as_deref())
            };
            let Some(at) = new.iter().position(is_of_it) else {
                return true;
            };
            let becomes = Plan::Becomes(named(&names, new.remove(at)));
            plans.insert((*name).clone(), becomes);
            false
        });
        for (name, _) in going {
            let plan = if new.is_empty() {
                Plan::Ends
            } else {
                Plan::Becomes(named(&names, new.remove(0)))
            };
            plans.insert(name.clone(), plan);
        }
        plans
    }

    /// Prices with their products, by their ids: those of the phases ahead as the account knows them, and whatever else was answered of any.
    fn names(&self, whole: &Subscription, lines: &[Alone]) -> BTreeMap<String, String> {
        let invoices = lines.iter().flat_map(|line| &line.invoices);
        let charged = invoices.flat_map(|invoice| &invoice.lines.data);
        let charged = charged.filter_map(|line| line.price_id().zip(line.product()));
        let subscribed = whole.items.data.iter().filter_map(Item::price);
        let asked = self.answer.parts("price");
        let asked: Vec<Price> = asked
            .filter_map(|part| serde_json::from_value(part.body.clone()).ok())
            .collect();
        let known = subscribed.chain(&asked);
        let known = known.filter_map(|price| Some((price.id.clone(), price.name()?)));
        charged.chain(known).collect()
    }
}

/// A price with its product. One that the account does not know any more, and of which nothing else is known, is called what the schedule calls
/// it.
fn named(names: &BTreeMap<String, String>, price: &str) -> String {
    let known = names.get(price).cloned();
    known.unwrap_or_else(|| price.to_owned())
}
