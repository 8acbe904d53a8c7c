//! Where a life stands, what can be done there, and what truly happens when it is done.

mod can;
mod line;
mod order;
mod own;
mod play;
mod refund;
mod step;
mod stripe;
mod wish;

pub(super) use line::{Back, Increase, Offer, Stand, Term};
pub(super) use order::Part;

use super::{
    deed::{Deed, StripeDeed},
    habits::Habits,
    life::{Beginning, Form, Life, Market},
    names::{Count, Paper},
    purse::Purse,
    told::{Charge, Happened, History, How, Told},
};
use jiff::{SignedDuration, Timestamp};
use line::{Line, Once, Side};
use order::Order;
use own::Own;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The smaller and the larger product, and the smallest: how long a period is, and what it costs in millionths of a dollar.
const PRODUCTS: [(i64, i64); 3] = [
    (30 * DAY, 9_990_000),
    (365 * DAY, 59_990_000),
    (30 * DAY, 4_990_000),
];
/// Where the larger is there, and the smallest.
const LARGER: usize = 1;
const SMALLEST: usize = 2;
/// What a period of the add-on costs.
pub(super) const ADDON_PRICE: i64 = 2_990_000;
/// How many monthly charges a customer commits to.
const COMMITTED: u8 = 12;
/// How long what is bought for a time serves, as the products of a world have it.
const PASS_LASTS: i64 = 30 * DAY;
const TRIAL: i64 = 7 * DAY;
const INTRO_PRICE: i64 = 1_990_000;
/// What a trial costs that has a fee beside it.
const SET_UP_PRICE: i64 = 5_000_000;
const ONCE_PRICE: i64 = 4_990_000;
/// What more of the same costs until the end of a period.
const MORE_PRICE: i64 = 3_000_000;

/// A life on its way.
pub(super) struct Walk {
    pub(super) habits: &'static Habits,
    pub(super) line: Line,
    pub(super) once: Vec<Once>,
    /// Which of them was bought or given back last.
    pub(super) traded: usize,
    market: Market,
    number: u64,
    has_grace: bool,
    form: Form,
    /// What the customer pays with.
    pub(super) purse: Purse,
    at: Timestamp,
    count: Count,
    purchases: usize,
    ended_at: Timestamp,
    undone: Option<Back>,
    /// What stands in Stripe only, and the dispute that was decided last, with the purchase that it is about.
    pub(super) own: Own,
    pub(super) decided: Option<(usize, Back)>,
    /// The order of several products that was bought last.
    pub(super) order: Option<Order>,
    told: Vec<Told>,
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at + SignedDuration::from_secs(seconds)
}

impl Walk {
    pub(super) fn begin(life: &Life, number: u64) -> Self {
        let habits = life.market.habits();
        let mut walk = Self {
            habits,
            line: Line {
                purchase: 0,
                charge: Charge {
                    id: String::new(),
                    product: String::new(),
                    micros: 0,
                    is_trial: false,
                    from: life.begins,
                    until: None,
                },
                earlier: Vec::new(),
                product: 0,
                is_renewing: true,
                is_planned: false,
                stand: Stand::Running,
                increase: Increase::None,
                given_back: Vec::new(),
                is_moved: false,
                is_pause_asked: false,
                more: None,
                side: None,
                former_sides: Vec::new(),
                term: None,
                is_joining: false,
                is_offered: false,
                offer: None,
                asked: None,
                had_side: false,
            },
            once: Vec::new(),
            traded: 0,
            market: life.market,
            number,
            has_grace: life.has_grace,
            form: life.form(),
            purse: life.purse(),
            at: life.begins,
            count: Count::default(),
            purchases: 1,
            ended_at: life.begins,
            undone: None,
            own: Own::default(),
            decided: None,
            order: None,
            told: Vec::new(),
        };
        let mut first = walk.charge(0, life.begins, Paper::First);
        match life.beginning {
            Beginning::Trial => {
                first.is_trial = true;
                first.micros = 0;
                first.until = Some(after(life.begins, TRIAL));
            }
            Beginning::Intro => first.micros = INTRO_PRICE,
            Beginning::Full => {}
        }
        if walk.form == Form::SetUp {
            first.micros = SET_UP_PRICE;
        }
        walk.line.charge = first.clone();
        if walk.form == Form::Invoiced {
            walk.owe(first);
            return walk;
        }
        walk.tell(Happened::Charged(first, How::First));
        match walk.form {
            Form::Committed => walk.commit(),
            Form::Addon => walk.add_on(walk.line.charge.id.clone(), ADDON_PRICE),
            Form::Metered => walk.count_usage(),
            Form::Prepaid => walk.line.is_renewing = false,
            Form::Plain
            | Form::Family
            | Form::Nameless
            | Form::Item
            | Form::SetUp
            | Form::Invoiced => {}
        }
        walk
    }

    fn commit(&mut self) {
        self.line.term = Some(Term {
            number: 1,
            of: COMMITTED,
        });
    }

    /// A further product joins the purchase, for what is left of its period.
    fn add_on(&mut self, id: String, micros: i64) {
        let from = self.at;
        let charge = Charge {
            id,
            micros,
            from,
            ..self.line.charge.clone()
        };
        self.add_charged(charge);
    }

    /// A further product joins with the charge of a period.
    fn joined(&mut self, charge: &Charge) {
        self.add_charged(Charge {
            micros: ADDON_PRICE,
            ..charge.clone()
        });
    }

    fn add_charged(&mut self, charge: Charge) {
        let charge = Charge {
            product: self.habits.addon.to_owned(),
            ..charge
        };
        let purchase = self.purchases;
        self.purchases += 1;
        self.line.had_side = true;
        self.line.side = Some(Side {
            purchase,
            charge: charge.clone(),
            earlier: Vec::new(),
            is_leaving: false,
            given_back_at: None,
            is_owed: false,
            since: self.at,
        });
        self.tell_of(purchase, Happened::Charged(charge, How::First));
    }

    /// A further product joins, and is charged with the next period: alone, or with what the rest of this one is worth.
    fn add_owed(&mut self) {
        let is_prorated = self.number.is_multiple_of(2);
        let waits = if is_prorated {
            self.left_of(ADDON_PRICE)
        } else {
            0
        };
        let charge = Charge {
            id: String::new(),
            product: self.habits.addon.to_owned(),
            micros: waits,
            from: self.at,
            ..self.line.charge.clone()
        };
        let purchase = self.purchases;
        self.purchases += 1;
        self.line.had_side = true;
        let joined = Happened::Joined(charge.product.clone(), self.ends_at());
        self.line.side = Some(Side {
            purchase,
            charge,
            earlier: Vec::new(),
            is_leaving: false,
            given_back_at: None,
            is_owed: true,
            since: self.at,
        });
        self.tell_of(purchase, joined);
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.at
    }

    /// What happens when nobody does anything.
    pub(super) fn by_itself(&self) -> Option<(Deed, u8)> {
        let deed = match self.line.stand {
            Stand::Running if self.line.increase == Increase::Announced => Deed::Accept,
            Stand::Running if self.own.is_new => Deed::Stripe(StripeDeed::PayLate),
            Stand::Running if self.line.is_pause_asked => Deed::Pause,
            Stand::Running if self.line.is_renewing || self.is_committed() => Deed::Renew,
            Stand::Running => Deed::RunOut,
            Stand::Grace(_) => Deed::EndGrace,
            Stand::Retry => Deed::GiveUp,
            Stand::Paused if self.own.is_paused => Deed::Stripe(StripeDeed::ResumeNow),
            Stand::Paused => Deed::Resume,
            Stand::Over | Stand::Refunded => return None,
        };
        Some((deed, 50)).filter(|(deed, _)| self.can(*deed))
    }

    /// How many things happened.
    pub(super) const fn told_so_far(&self) -> usize {
        self.told.len()
    }

    /// What happened after the first `count` things did not.
    pub(super) fn forget(&mut self, count: usize) {
        self.told.truncate(count);
    }

    /// What happened until then.
    pub(super) fn history(self, until: Timestamp) -> History {
        let mut told = self.told;
        told.retain(|told| told.at <= until);
        told.sort_by_key(|told| told.at);
        History {
            told,
            form: self.form,
            purse: self.purse,
        }
    }

    /// End of what is paid for.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.line.charge.until.unwrap_or(self.at)
    }

    /// What a period of the present product costs.
    pub(super) fn price(&self) -> i64 {
        PRODUCTS[self.line.product].1
    }

    /// How long that is.
    pub(super) const fn lasts(&self) -> SignedDuration {
        SignedDuration::from_secs(PRODUCTS[self.line.product].0)
    }

    /// How much that was, with what was given back of a further product.
    pub(super) fn given_back(&self, back: &Back) -> i64 {
        let told = self.told.iter().filter(|told| told.at == back.at);
        let of_charge = told.filter_map(|told| match &told.what {
            Happened::GaveBack { charge, micros, .. } if charge.id == back.charge.id => {
                Some(micros)
            }
            _ => None,
        });
        of_charge.sum()
    }

    /// Which product is chosen for the next period, where another is.
    pub(super) const fn planned(&self) -> usize {
        if self.line.product == LARGER {
            self.habits.planned
        } else {
            SMALLEST
        }
    }

    /// What the charge of the next period will be called.
    pub(super) fn next_id(&self) -> String {
        let count = Count {
            all: self.count.all + 1,
            in_leg: self.count.in_leg + 1,
            ..self.count
        };
        self.market.charge_id(self.number, Paper::Next, count)
    }

    /// When the subscription ended.
    pub(super) const fn ended_at(&self) -> Timestamp {
        self.ended_at
    }

    /// The refund that was undone last.
    pub(super) const fn undone(&self) -> Option<&Back> {
        self.undone.as_ref()
    }

    /// What happens to the purchase happens to each product in it.
    fn tell(&mut self, what: Happened) {
        let side = self.line.side.as_ref();
        let side = side.filter(|side| side.given_back_at.is_none());
        let side = side.map(|side| side.purchase);
        let usage = self.own.usage.as_ref();
        let beside = side.or(usage.map(|usage| usage.purchase));
        if let Some(beside) = beside.filter(|_| what.is_of_the_whole()) {
            self.tell_of(beside, what.clone());
        }
        self.tell_of(self.line.purchase, what);
    }

    fn tell_of(&mut self, purchase: usize, what: Happened) {
        self.tell_then(self.at, purchase, what);
    }

    fn tell_then(&mut self, at: Timestamp, purchase: usize, what: Happened) {
        self.told.push(Told { at, purchase, what });
    }

    /// What the store calls a product.
    fn product(&self, product: usize) -> String {
        let names = self.habits.products;
        // Who sells items names them, not what holds them.
        if self.has_items() {
            "gold"
        } else {
            names[product]
        }
        .to_owned()
    }

    /// Whether what is bought are items of a purchase that may hold several.
    fn has_items(&self) -> bool {
        let has_items = matches!(self.form, Form::Addon | Form::Item);
        has_items && self.market == Market::AppStore
    }

    /// Whether charges go on although the customer wants no other term.
    pub(super) fn is_committed(&self) -> bool {
        self.line.term.is_some_and(Term::goes_on)
    }

    /// The number of the further product, where there is one.
    pub(super) fn further(&self) -> Option<usize> {
        let side = self.line.side.as_ref().map(|side| side.purchase);
        side.or(self.own.usage.as_ref().map(|usage| usage.purchase))
    }

    /// The price of a period of `product` from `from` on.
    fn charge(&mut self, product: usize, from: Timestamp, paper: Paper) -> Charge {
        let (lasts, micros) = PRODUCTS[product];
        self.count.all += 1;
        match paper {
            Paper::First => (self.count.legs, self.count.in_leg) = (self.count.legs + 1, 0),
            Paper::Next => self.count.in_leg += 1,
            Paper::Once => {}
        }
        Charge {
            id: self.market.charge_id(self.number, paper, self.count),
            product: self.product(product),
            micros,
            is_trial: false,
            from,
            until: Some(after(from, lasts)),
        }
    }

    /// Lets a part of `seconds` pass, whole minutes and at least one.
    fn pass(&mut self, seconds: i64, share: u8) {
        let minutes = (seconds * i64::from(share) / 100 / 60).max(1);
        self.at = after(self.at, minutes * 60);
    }

    /// Lets a part of what is left of the period pass.
    fn within(&mut self, share: u8) {
        let left = self.at.duration_until(self.ends_at()).as_secs();
        self.pass(left, share);
    }
}
