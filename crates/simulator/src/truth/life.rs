//! A life: where it is lived, how it begins, and what is done in it.

use super::{
    act::{Act, Maker},
    apple::{self, AppStore},
    play::{self, Play},
    stated::{self, Stated},
    stripe::{self, Stripe},
    told::History,
    walk::{Habits, Walk},
};
use crate::Random;
use jiff::{SignedDuration, Timestamp};

/// A store in which lives are lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Market {
    /// The App Store.
    AppStore,
    /// Google Play.
    Play,
    /// Stripe.
    Stripe,
    /// Any other, whose purchases are stated.
    Stated,
}

impl Market {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AppStore, Self::Play, Self::Stripe, Self::Stated];

    /// How it goes about subscriptions.
    pub(super) const fn habits(self) -> &'static Habits {
        match self {
            Self::AppStore => &apple::HABITS,
            Self::Play => &play::HABITS,
            Self::Stripe => &stripe::HABITS,
            Self::Stated => &stated::HABITS,
        }
    }
}

/// What the first period costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Nothing.
    Trial,
    /// Less than later ones.
    Intro,
    /// What later ones cost.
    Full,
}

/// What a customer or a store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The store charges for the next period.
    Renew,
    /// The customer wants no next period.
    SwitchOff,
    /// The customer wants one after all.
    SwitchOn,
    /// The next period cannot be charged.
    Fail,
    /// The grace that the store gave is over.
    EndGrace,
    /// What could not be charged is paid.
    Recover,
    /// The store tries no longer.
    GiveUp,
    /// The last period ends.
    RunOut,
    /// The customer stops it, and it is over at once.
    StopNow,
    /// The customer buys again after the end.
    Return,
    /// The present period is refunded.
    Refund,
    /// A part of it is.
    RefundPart,
    /// An earlier one is.
    RefundEarlier,
    /// The refund is undone.
    Undo,
    /// The customer takes the larger product at once.
    Upgrade,
    /// The customer chooses the smaller product for the next period.
    Plan,
    /// The customer stays with the larger one.
    Unplan,
    /// The customer asks for a pause from the end of the period on.
    AskPause,
    /// The pause begins.
    Pause,
    /// It ends, and the next period is charged.
    Resume,
    /// The end of the period moves.
    Move,
    /// The price will rise.
    Announce,
    /// The customer agrees to that.
    Accept,
    /// Something is bought once.
    BuyOnce,
    /// What was bought once is refunded.
    RefundOnce,
    /// The present period ends now, and the next one is charged.
    StartAnew,
    /// Money is taken for more of it until the end of the period.
    TakeMore,
}

impl Deed {
    /// All of them, each with how often it is tried.
    pub(super) const ALL: [(Self, u64); 27] = [
        (Self::Renew, 30),
        (Self::SwitchOff, 10),
        (Self::SwitchOn, 8),
        (Self::Fail, 10),
        (Self::EndGrace, 10),
        (Self::Recover, 12),
        (Self::GiveUp, 8),
        (Self::RunOut, 12),
        (Self::StopNow, 3),
        (Self::Return, 12),
        (Self::Refund, 4),
        (Self::RefundPart, 3),
        (Self::RefundEarlier, 3),
        (Self::Undo, 4),
        (Self::Upgrade, 6),
        (Self::Plan, 6),
        (Self::Unplan, 4),
        (Self::AskPause, 4),
        (Self::Pause, 12),
        (Self::Resume, 12),
        (Self::Move, 3),
        (Self::Announce, 3),
        (Self::Accept, 8),
        (Self::BuyOnce, 3),
        (Self::RefundOnce, 2),
        (Self::StartAnew, 4),
        (Self::TakeMore, 4),
    ];
}

/// A life, as it is written before it is lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where.
    pub market: Market,
    /// When the customer comes.
    pub begins: Timestamp,
    /// How.
    pub beginning: Beginning,
    /// The store lets customers go on for a while whose charge failed.
    pub has_grace: bool,
    /// Somebody in the family pays.
    pub is_family_shared: bool,
    /// What is done, and when: how many hundredths of the time there is for it have passed.
    pub deeds: Vec<(Deed, u8)>,
}

/// A life that was lived.
pub struct Lived {
    /// What the app calls the customer.
    pub who: String,
    /// What the store did, in order.
    pub acts: Vec<Act>,
    /// What truly happened.
    pub history: History,
}

impl Life {
    /// One of `seed`, beginning within `spread` after `start`, over within `lasts` of it.
    pub fn random(
        market: Market,
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
            is_family_shared: market == Market::AppStore && random.chance(4),
            deeds: Vec::new(),
        };
        let mut walk = Walk::begin(&life, 0);
        while walk.now() < start + lasts {
            let Some(deed) = choose(&walk, &mut random) else {
                break;
            };
            let share = u8::try_from(5 + random.below(90)).unwrap_or(50);
            walk.step(deed, share);
            life.deeds.push((deed, share));
        }
        life
    }

    /// Lives it until then, as customer `number`. Nothing stands still: when all deeds are done, it goes on as subscriptions do
    /// of which nobody takes care.
    pub fn live(&self, number: u64, until: Timestamp) -> Lived {
        let mut walk = Walk::begin(self, number);
        let mut maker: Box<dyn Maker> = match self.market {
            Market::AppStore => Box::new(AppStore::new(self, number)),
            Market::Play => Box::new(Play::new(self, number)),
            Market::Stripe => Box::new(Stripe::new(self, number)),
            Market::Stated => Box::new(Stated::new(number)),
        };
        let mut acts = maker.show(&walk, None);
        let mut deeds = self.deeds.iter().copied();
        loop {
            let planned = deeds.find(|(deed, _)| walk.can(*deed));
            let Some((deed, share)) = planned.or_else(|| walk.by_itself()) else {
                break;
            };
            let known = walk.told_so_far();
            walk.step(deed, share);
            if walk.now() > until {
                walk.forget(known);
                break;
            }
            acts.extend(maker.show(&walk, Some(deed)));
        }
        acts.sort_by_key(|act| act.at);
        Lived {
            who: self.market.who(number),
            acts,
            history: walk.history(),
        }
    }
}

/// Something that can be done now.
fn choose(walk: &Walk, random: &mut Random) -> Option<Deed> {
    let open: Vec<_> = Deed::ALL
        .into_iter()
        .filter(|(deed, _)| walk.can(*deed))
        .collect();
    let mut drawn = random.below(open.iter().map(|(_, weight)| weight).sum());
    open.into_iter().find_map(|(deed, weight)| {
        let is_it = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        is_it.then_some(deed)
    })
}
