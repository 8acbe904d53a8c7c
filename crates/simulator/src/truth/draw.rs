//! Lives that are drawn: which deeds are tried, and how often.

use super::{
    deed::{Deed, PlayDeed, StripeDeed},
    life::{Beginning, Form, Life, Market},
    walk::Walk,
};
use crate::random::Random;
use jiff::{SignedDuration, Timestamp};

/// Which lives there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// Of ordinary subscriptions, with what is bought once.
    Ordinary,
    /// And of terms, of what is bought for a time, and of customers that are named late.
    Single,
    /// And of further products, and of other products that another purchase brings at the renewal.
    All,
}

impl Kinds {
    fn has(self, market: Market, deed: Deed) -> bool {
        let is_plan = market == Market::Play && deed == Deed::Plan;
        match deed {
            Deed::AddOn | Deed::DropAddOn => self == Self::All,
            Deed::BuyPass => self != Self::Ordinary,
            Deed::Stripe(_) => self == Self::All && market == Market::Stripe,
            Deed::Play(_) => self == Self::All && market == Market::Play,
            _ => !is_plan || self == Self::All,
        }
    }

    /// What kind of purchase a life has.
    fn form(self, market: Market, random: &mut Random) -> Form {
        if self == Self::Ordinary {
            let is_family = market == Market::AppStore && random.chance(4);
            return if is_family { Form::Family } else { Form::Plain };
        }
        let is_stripe = self == Self::All && market == Market::Stripe;
        match random.below(100) {
            0..10 if is_stripe => Form::SetUp,
            10..20 if is_stripe => Form::Invoiced,
            36..50 if is_stripe => Form::Metered,
            0..4 => Form::Family,
            4..20 => Form::Committed,
            20..31 if self == Self::All => Form::Addon,
            31..36 if self == Self::All => Form::Item,
            36..44 => Form::Nameless,
            44..52 => Form::Prepaid,
            _ => Form::Plain,
        }
    }
}

impl Life {
    /// One of `seed`, beginning within `spread` after `start`, over within `lasts` of it.
    pub fn random(
        market: Market,
        kinds: Kinds,
        seed: u64,
        (start, spread): (Timestamp, SignedDuration),
        lasts: SignedDuration,
    ) -> Self {
        let mut random = Random::new(seed);
        let seconds = random.below(u64::try_from(spread.as_secs()).unwrap_or(1));
        let begins = start + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default());
        let mut life = Self {
            market,
            begins,
            beginning: match random.below(3) {
                0 => Beginning::Trial,
                1 => Beginning::Intro,
                _ => Beginning::Full,
            },
            has_grace: random.chance(60),
            form: kinds.form(market, &mut random),
            deeds: Vec::new(),
        };
        let mut walk = Walk::begin(&life, 0);
        while walk.now() < start + lasts {
            let Some(deed) = choose(&walk, (market, kinds), &mut random) else {
                break;
            };
            let share = u8::try_from(5 + random.below(90)).unwrap_or(50);
            walk.step(deed, share);
            life.deeds.push((deed, share));
        }
        life
    }
}

/// Something that can be done now.
fn choose(walk: &Walk, (market, kinds): (Market, Kinds), random: &mut Random) -> Option<Deed> {
    let of_stripe = StripeDeed::ALL.map(|(deed, weight)| (Deed::Stripe(deed), weight));
    let of_play = PlayDeed::ALL.map(|(deed, weight)| (Deed::Play(deed), weight));
    let open: Vec<_> = Deed::ALL
        .into_iter()
        .chain(of_stripe)
        .chain(of_play)
        .filter(|(deed, _)| kinds.has(market, *deed) && walk.can(*deed))
        .collect();
    let mut drawn = random.below(open.iter().map(|(_, weight)| weight).sum());
    open.into_iter().find_map(|(deed, weight)| {
        let is_it = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        is_it.then_some(deed)
    })
}
