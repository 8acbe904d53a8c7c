//! A life that is lived: what truly happened, and what its store did.

use super::{
    act::Act,
    apple::AppStore,
    deed::Deed,
    life::{Life, Market},
    maker::Maker,
    names::{APPLE_EACH, APPLE_IDS},
    play::Play,
    stated::Stated,
    stripe::Stripe,
    told::History,
    walk::Walk,
};
use jiff::Timestamp;

/// A life that was lived.
pub struct Lived {
    number: u64,
    /// What the app calls the customer.
    pub who: String,
    /// What the store did, in order.
    pub acts: Vec<Act>,
    /// What truly happened.
    pub history: History,
}

impl Lived {
    /// Whether a chain of the App Store is this customer's.
    pub fn owns(&self, chain: &str) -> bool {
        let number = chain
            .parse::<u64>()
            .ok()
            .and_then(|id| id.checked_sub(APPLE_IDS));
        number.is_some_and(|number| number / APPLE_EACH == self.number)
    }
}

impl Life {
    /// Lives it until then, as customer `number`. Nothing stands still: when all deeds are done, it goes on as subscriptions do
    /// of which nobody takes care.
    pub fn live(&self, number: u64, until: Timestamp) -> Lived {
        let mut walk = Walk::begin(self, number);
        let mut maker = self.maker(number);
        let first = maker.show(&walk, None).into_iter();
        let mut acts: Vec<_> = first
            .map(|act| with_what_is_beside(&walk, act, walk.further()))
            .collect();
        let mut deeds = self.deeds.iter().copied();
        loop {
            let planned = deeds.find(|(deed, _)| walk.can(*deed));
            let Some((deed, share)) = planned.or_else(|| walk.by_itself()) else {
                break;
            };
            let known = walk.told_so_far();
            let before = walk.further();
            walk.step(deed, share);
            if walk.now() > until {
                walk.forget(known);
                break;
            }
            let before = before.filter(|_| !matches!(deed, Deed::Return | Deed::WinBack));
            let shown = maker.show(&walk, Some(deed)).into_iter();
            acts.extend(shown.map(|act| {
                // What is said a moment later is said of what there was before.
                let is_later = act.at > walk.now();
                let beside = before.or(walk.further().filter(|_| !is_later));
                with_what_is_beside(&walk, act, beside)
            }));
        }
        acts.sort_by_key(|act| act.at);
        Lived {
            number,
            who: self.market.who(number),
            acts,
            history: walk.history(until),
        }
    }

    /// The store it is lived in.
    fn maker(&self, number: u64) -> Box<dyn Maker> {
        match self.market {
            Market::AppStore => Box::new(AppStore::new(self, number)),
            Market::Play => Box::new(Play::new(self, number)),
            Market::Stripe => Box::new(Stripe::new(self, number)),
            Market::Stated => Box::new(Stated::new(number)),
        }
    }
}

/// What is said of the subscription is said of its further product.
fn with_what_is_beside(walk: &Walk, act: Act, beside: Option<usize>) -> Act {
    let is_of_it = act.purchase == walk.line.purchase;
    Act {
        beside: act.beside.or(beside.filter(|_| is_of_it)),
        ..act
    }
}
