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
        going.retain(|(name, product)| {
            let is_of_it = |price: &&String| {
                let known = self.known_price(price);
                product.is_some() && known.and_then(|price| id(&price.product)) == *product
            };
            let Some(at) = new.iter().position(is_of_it) else {
                return true;
            };
            let becomes = Plan::Becomes(self.named(new.remove(at)));
            plans.insert((*name).clone(), becomes);
            false
        });
        for (name, _) in going {
            let plan = if new.is_empty() {
                Plan::Ends
            } else {
                Plan::Becomes(self.named(new.remove(0)))
            };
            plans.insert(name.clone(), plan);
        }
        plans
    }

    fn known_price(&self, price: &str) -> Option<Price> {
        let known = self.answer.parts("price").find(|known| known.id == price)?;
        serde_json::from_value(known.body.clone()).ok()
    }

    /// A price with its product. One that its account does not know any more is called what the schedule calls it.
    fn named(&self, price: &str) -> String {
        let known = self.known_price(price).and_then(|known| known.name());
        known.unwrap_or_else(|| price.to_owned())
    }
}
