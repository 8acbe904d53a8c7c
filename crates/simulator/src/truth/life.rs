//! A life: where it is lived, how it begins, and what is done in it.

use super::{
    act::{self, Act, Maker},
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

/// What a purchase is, where it is no ordinary subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It is one.
    Plain,
    /// Somebody in the family pays.
    Family,
    /// A year that is paid by the month: who cancels is charged to its end.
    Committed,
    /// Two products in one purchase.
    Addon,
    /// It names nobody; what the same store account buys later does.
    Nameless,
}

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
            _ => !is_plan || self == Self::All,
        }
    }

    /// What kind of purchase a life has.
    fn form(self, market: Market, random: &mut Random) -> Form {
        if self == Self::Ordinary {
            let is_family = market == Market::AppStore && random.chance(4);
            return if is_family { Form::Family } else { Form::Plain };
        }
        match random.below(100) {
            0..4 => Form::Family,
            4..20 => Form::Committed,
            20..36 if self == Self::All => Form::Addon,
            36..44 => Form::Nameless,
            _ => Form::Plain,
        }
    }
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
    /// A further product joins the subscription.
    AddOn,
    /// It is taken off at the renewal.
    DropAddOn,
    /// Something is bought that serves for a time.
    BuyPass,
}

impl Deed {
    /// All of them, each with how often it is tried.
    pub(super) const ALL: [(Self, u64); 30] = [
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
        (Self::AddOn, 5),
        (Self::DropAddOn, 4),
        (Self::BuyPass, 2),
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
    /// What kind of purchase it is; an ordinary one where the store, or the beginning, has no such.
    pub form: Form,
    /// What is done, and when: how many hundredths of the time there is for it have passed.
    pub deeds: Vec<(Deed, u8)>,
}

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
            .and_then(|id| id.checked_sub(act::APPLE_IDS));
        number.is_some_and(|number| number / act::APPLE_EACH == self.number)
    }
}

impl Life {
    /// What kind of purchase it is.
    pub(super) const fn form(&self) -> Form {
        let is_full = matches!(self.beginning, Beginning::Full);
        let is_there = match (self.form, self.market) {
            (Form::Plain, _) | (Form::Family | Form::Nameless, Market::AppStore) => true,
            (Form::Committed, Market::AppStore | Market::Play)
            | (Form::Addon, Market::AppStore | Market::Play | Market::Stripe) => is_full,
            _ => false,
        };
        if is_there { self.form } else { Form::Plain }
    }

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
        let first = maker.show(&walk, None).into_iter();
        let mut acts: Vec<_> = first
            .map(|act| walk.with_what_is_beside(act, walk.further()))
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
            let before = before.filter(|_| deed != Deed::Return);
            let beside = before.or(walk.further());
            let shown = maker.show(&walk, Some(deed)).into_iter();
            acts.extend(shown.map(|act| walk.with_what_is_beside(act, beside)));
        }
        acts.sort_by_key(|act| act.at);
        Lived {
            number,
            who: self.market.who(number),
            acts,
            history: walk.history(),
        }
    }
}

/// Something that can be done now.
fn choose(walk: &Walk, (market, kinds): (Market, Kinds), random: &mut Random) -> Option<Deed> {
    let open: Vec<_> = Deed::ALL
        .into_iter()
        .filter(|(deed, _)| kinds.has(market, *deed) && walk.can(*deed))
        .collect();
    let mut drawn = random.below(open.iter().map(|(_, weight)| weight).sum());
    open.into_iter().find_map(|(deed, weight)| {
        let is_it = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        is_it.then_some(deed)
    })
}
