//! Where a life stands, what can be done there, and what truly happens when it is done.

use super::{
    life::{Beginning, Deed, Life, Market},
    told::{Charge, Happened, History, How, Told, Why},
};
use jiff::{SignedDuration, Timestamp};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The smaller and the larger product: how long a period is, and what it costs in millionths of a dollar.
const PRODUCTS: [(i64, i64); 2] = [(30 * DAY, 9_990_000), (365 * DAY, 59_990_000)];
const TRIAL: i64 = 7 * DAY;
const INTRO_PRICE: i64 = 1_990_000;
const ONCE_PRICE: i64 = 4_990_000;
/// What more of the same costs until the end of a period.
const MORE_PRICE: i64 = 3_000_000;

/// How a store goes about subscriptions.
pub(super) struct Habits {
    /// The smaller and the larger product, and what is bought once.
    pub(super) products: [&'static str; 3],
    /// What happens in no life of this store.
    pub(super) never: &'static [Deed],
    /// Who comes back after the end goes on with the same purchase.
    pub(super) same_on_return: bool,
    /// A refund of the present period takes what was bought: a whole one, one of a part.
    pub(super) refund_takes: bool,
    pub(super) part_takes: bool,
    /// What a part is a multiple of, in millionths.
    pub(super) part_of: i64,
    /// How long before the end of a period the next one may be charged, in seconds.
    pub(super) early: i64,
    /// How long after its beginning it is, in seconds.
    pub(super) paid_after: i64,
    /// How long after the end of the last period the store says so, in seconds.
    pub(super) says_end_after: i64,
    /// Grace, in seconds.
    pub(super) grace: i64,
    /// How long the store tries to charge, in seconds.
    pub(super) tries: i64,
    /// What is paid late keeps the dates it would have had.
    pub(super) keeps_dates: bool,
    /// Choosing another product for the next period switches renewal on.
    pub(super) plan_switches_on: bool,
    /// Another product at once ends a trial.
    pub(super) upgrade_of_trial: bool,
    /// What is left of the old period is taken off the price of the new one.
    pub(super) credits: bool,
}

/// What a charge is, as far as its id depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paper {
    /// The first of what somebody bought.
    First,
    /// One after it.
    Next,
    /// Of something bought once.
    Once,
}

/// How many charges there were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) all: u64,
    /// How often something was bought.
    pub(super) legs: u64,
    /// Charges after the first of what was bought last.
    pub(super) in_leg: u64,
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Running,
    /// Unpaid, and the customer may go on until then.
    Grace(Timestamp),
    /// Unpaid.
    Retry,
    Paused,
    Over,
    Refunded,
}

/// How an increase of the price stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Increase {
    None,
    Announced,
    Accepted,
}

/// The subscription of a life, as it stands.
pub(super) struct Line {
    pub(super) purchase: usize,
    pub(super) charge: Charge,
    /// Charges before it, of the same purchase.
    pub(super) earlier: Vec<Charge>,
    /// Which product.
    pub(super) product: usize,
    pub(super) is_renewing: bool,
    /// The smaller product is chosen for the next period.
    pub(super) is_planned: bool,
    pub(super) stand: Stand,
    pub(super) increase: Increase,
    /// What was given back, in that order.
    pub(super) given_back: Vec<Back>,
    pub(super) is_pause_asked: bool,
    /// The money that was taken last in the middle of a period.
    pub(super) more: Option<Charge>,
    is_moved: bool,
}

/// Money given back.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) charge: Charge,
    pub(super) micros: i64,
    pub(super) at: Timestamp,
}

/// What was bought once.
pub(super) struct Once {
    pub(super) charge: Charge,
    pub(super) purchase: usize,
    is_given_back: bool,
}

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
    is_family_shared: bool,
    at: Timestamp,
    count: Count,
    purchases: usize,
    ended_at: Timestamp,
    undone: Option<Back>,
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
            },
            once: Vec::new(),
            traded: 0,
            market: life.market,
            number,
            has_grace: life.has_grace,
            is_family_shared: life.is_family_shared,
            at: life.begins,
            count: Count::default(),
            purchases: 1,
            ended_at: life.begins,
            undone: None,
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
        walk.line.charge = first.clone();
        walk.tell(Happened::Charged(first, How::First));
        walk
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.at
    }

    /// What happens when nobody does anything.
    pub(super) fn by_itself(&self) -> Option<(Deed, u8)> {
        let deed = match self.line.stand {
            Stand::Running if self.line.increase == Increase::Announced => Deed::Accept,
            Stand::Running if self.line.is_pause_asked => Deed::Pause,
            Stand::Running if self.line.is_renewing => Deed::Renew,
            Stand::Running => Deed::RunOut,
            Stand::Grace(_) => Deed::EndGrace,
            Stand::Retry => Deed::GiveUp,
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

    pub(super) fn history(self) -> History {
        History {
            told: self.told,
            is_family_shared: self.is_family_shared,
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

    /// When the subscription ended.
    pub(super) const fn ended_at(&self) -> Timestamp {
        self.ended_at
    }

    /// The refund that was undone last.
    pub(super) const fn undone(&self) -> Option<&Back> {
        self.undone.as_ref()
    }

    fn tell(&mut self, what: Happened) {
        let purchase = self.line.purchase;
        self.told.push(Told {
            at: self.at,
            purchase,
            what,
        });
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
            product: self.habits.products[product].to_owned(),
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

    /// Whether something can be done now.
    pub(super) fn can(&self, deed: Deed) -> bool {
        if self.habits.never.contains(&deed) {
            return false;
        }
        let line = &self.line;
        let runs = line.stand == Stand::Running && after(self.at, HOUR) < self.ends_at();
        let is_running = line.stand == Stand::Running;
        let is_new = !self.is_given_back(&line.charge);
        let goes_on = line.is_renewing && !line.is_pause_asked;
        let can_give_back = runs && line.charge.from <= self.at && line.charge.micros > 0 && is_new;
        let is_family = self.is_family_shared;
        match deed {
            Deed::Renew => is_running && goes_on && line.increase != Increase::Announced,
            Deed::SwitchOff => runs && goes_on && !is_family,
            Deed::SwitchOn => runs && !line.is_renewing && !is_family,
            Deed::Fail => is_running && goes_on && !is_family,
            Deed::EndGrace => matches!(line.stand, Stand::Grace(_)),
            Deed::Recover => matches!(line.stand, Stand::Grace(_) | Stand::Retry),
            Deed::GiveUp => line.stand == Stand::Retry,
            Deed::RunOut => is_running && !line.is_renewing,
            Deed::StopNow => runs && !line.is_pause_asked && !is_family,
            Deed::Return => matches!(line.stand, Stand::Over | Stand::Refunded) && !is_family,
            Deed::Refund => can_give_back,
            Deed::RefundPart => can_give_back && !is_family,
            Deed::RefundEarlier => runs && !is_family && self.earlier_to_give_back().is_some(),
            Deed::Undo => {
                let back = line.given_back.last();
                let is_last = back.is_some_and(|back| back.charge.id == line.charge.id);
                let is_taken = line.stand == Stand::Refunded;
                let in_time = after(self.at, HOUR) < self.ends_at();
                is_last && in_time && !is_family && is_taken == self.habits.refund_takes
            }
            Deed::Upgrade => {
                runs && goes_on
                    && line.product == 0
                    && (self.habits.upgrade_of_trial || !line.charge.is_trial)
                    && line.charge.from <= self.at
                    && !is_family
            }
            Deed::Plan => {
                runs && line.product == 1
                    && !is_family
                    && !line.is_planned
                    && (line.is_renewing || self.habits.plan_switches_on)
            }
            Deed::Unplan => runs && line.is_planned && line.is_renewing,
            Deed::Move => {
                runs && !line.charge.is_trial
                    && !line.is_moved
                    && line.charge.from <= self.at
                    && !is_family
            }
            Deed::Announce | Deed::AskPause => {
                runs && goes_on && line.increase == Increase::None && !is_family
            }
            Deed::StartAnew => {
                runs && goes_on && !line.is_planned && line.charge.from <= self.at && !is_family
            }
            Deed::TakeMore => {
                runs && goes_on
                    && !line.charge.is_trial
                    && line.charge.from <= self.at
                    && !is_family
            }
            Deed::Pause => is_running && line.is_pause_asked,
            Deed::Resume => line.stand == Stand::Paused,
            Deed::Accept => runs && line.increase == Increase::Announced,
            Deed::BuyOnce => !is_family && self.room() > HOUR,
            Deed::RefundOnce => {
                self.room() > HOUR && self.once.iter().any(|once| !once.is_given_back)
            }
        }
    }

    /// How many seconds may pass before the store does something, at most a day.
    fn room(&self) -> i64 {
        let until = match self.line.stand {
            Stand::Running => self.ends_at(),
            Stand::Grace(until) => until,
            Stand::Retry | Stand::Paused | Stand::Over | Stand::Refunded => return DAY,
        };
        self.at.duration_until(until).as_secs().min(DAY)
    }

    /// The newest earlier charge that was money and is not given back.
    fn earlier_to_give_back(&self) -> Option<&Charge> {
        let mut earlier = self.line.earlier.iter().rev();
        earlier.find(|charge| charge.micros > 0 && !self.is_given_back(charge))
    }

    fn is_given_back(&self, charge: &Charge) -> bool {
        let mut given_back = self.line.given_back.iter();
        given_back.any(|back| back.charge.id == charge.id)
    }

    /// Does it. Something that cannot be done now must not be asked for.
    pub(super) fn step(&mut self, deed: Deed, share: u8) {
        match deed {
            Deed::Renew => {
                let early = self.habits.early * i64::from(share) / 100 / 60 * 60;
                self.at = self.at.max(after(self.ends_at(), -early));
                self.next(self.ends_at());
                self.at = after(self.at, self.habits.paid_after);
            }
            Deed::SwitchOff => {
                self.within(share);
                self.line.is_renewing = false;
                self.tell(Happened::SwitchedOff);
            }
            Deed::SwitchOn => {
                self.within(share);
                self.line.is_renewing = true;
                self.tell(Happened::SwitchedOn);
            }
            Deed::Fail => self.fail(),
            Deed::EndGrace => {
                if let Stand::Grace(until) = self.line.stand {
                    self.at = self.at.max(until);
                }
                self.line.stand = Stand::Retry;
                self.tell(Happened::GraceEnded);
            }
            Deed::Recover => self.recover(share),
            Deed::GiveUp => {
                self.pass(self.habits.tries, share);
                self.end(Why::Unpaid);
            }
            Deed::RunOut => {
                self.at = self.at.max(self.ends_at());
                self.end(Why::Cancelled);
                self.at = after(self.at, self.habits.says_end_after);
            }
            Deed::StopNow => {
                self.within(share);
                if self.line.is_renewing {
                    self.tell(Happened::SwitchedOff);
                }
                self.end(Why::Cancelled);
            }
            Deed::Return => self.come_back(share),
            Deed::Refund => self.give_back(100, share),
            Deed::RefundPart => self.give_back(40, share),
            Deed::RefundEarlier => {
                self.within(share);
                if let Some(charge) = self.earlier_to_give_back().cloned() {
                    self.gave_back(charge.micros, charge, false);
                }
            }
            Deed::Undo => {
                self.within(share);
                self.undone = self.line.given_back.pop();
                self.line.stand = Stand::Running;
                self.tell(Happened::TookAgain(self.line.charge.clone()));
            }
            Deed::Upgrade => {
                self.within(share);
                let mut charge = self.charge(1, self.at, Paper::First);
                if self.habits.credits {
                    charge.micros -= self.left();
                }
                self.charged(1, charge, How::AtOnce);
            }
            Deed::Plan => {
                self.within(share);
                self.line.is_planned = true;
                self.tell(Happened::Planned(self.habits.products[0].to_owned()));
                if !self.line.is_renewing {
                    self.line.is_renewing = true;
                    self.tell(Happened::SwitchedOn);
                }
            }
            Deed::Unplan => {
                self.within(share);
                self.line.is_planned = false;
                self.tell(Happened::PlanWithdrawn);
            }
            Deed::AskPause => {
                self.within(share);
                self.line.is_pause_asked = true;
                self.tell(Happened::PauseAsked);
            }
            Deed::Pause => {
                self.at = self.at.max(self.ends_at());
                self.line.stand = Stand::Paused;
                self.tell(Happened::PauseBegan);
            }
            Deed::Resume => {
                if self.habits.keeps_dates {
                    // A period went by.
                    self.at = self.ends_at() + self.lasts();
                } else {
                    self.pass(30 * DAY, share);
                }
                self.next(self.at);
                self.at = after(self.at, self.habits.paid_after);
            }
            Deed::Move => {
                self.within(share);
                let until = after(self.ends_at(), 10 * DAY);
                self.line.charge.until = Some(until);
                self.line.is_moved = true;
                self.tell(Happened::Moved(until));
            }
            Deed::StartAnew => {
                self.within(share);
                let product = self.line.product;
                let mut charge = self.charge(product, self.at, Paper::Next);
                charge.micros -= self.left();
                self.charged(product, charge, How::Anew);
            }
            Deed::TakeMore => {
                self.within(share);
                let more = Charge {
                    micros: MORE_PRICE,
                    until: None,
                    ..self.charge(self.line.product, self.at, Paper::Next)
                };
                self.line.more = Some(more.clone());
                self.tell(Happened::TookMore(more));
            }
            Deed::Announce | Deed::Accept => self.raise(deed, share),
            Deed::BuyOnce | Deed::RefundOnce => self.trade_once(deed, share),
        }
    }

    /// The next period, from `from` on.
    fn next(&mut self, from: Timestamp) {
        let (product, how) = if self.line.is_planned {
            (0, How::AtRenewal)
        } else {
            (self.line.product, How::Renewed)
        };
        let charge = self.charge(product, from, Paper::Next);
        self.charged(product, charge, how);
    }

    /// What is left of the present period is worth, in whole cents.
    fn left(&self) -> i64 {
        let charge = &self.line.charge;
        let lasts = charge.from.duration_until(self.ends_at()).as_secs();
        let left = self.at.duration_until(self.ends_at()).as_secs();
        charge.micros / 10_000 * left / lasts.max(1) * 10_000
    }

    fn charged(&mut self, product: usize, charge: Charge, how: How) {
        let line = &mut self.line;
        let old = std::mem::replace(&mut line.charge, charge.clone());
        line.earlier.push(old);
        line.product = product;
        line.is_renewing = true;
        line.is_planned = false;
        line.is_moved = false;
        line.is_pause_asked = false;
        line.stand = Stand::Running;
        line.increase = Increase::None;
        self.tell(Happened::Charged(charge, how));
    }

    fn end(&mut self, why: Why) {
        self.line.stand = Stand::Over;
        self.line.is_renewing = false;
        self.line.is_planned = false;
        self.ended_at = self.at;
        self.tell(Happened::Ended(why));
    }

    fn fail(&mut self) {
        self.at = self.at.max(self.ends_at());
        let grace = after(self.ends_at(), self.habits.grace);
        let grace = (self.has_grace && grace > self.at).then_some(grace);
        self.line.stand = grace.map_or(Stand::Retry, Stand::Grace);
        self.tell(Happened::ChargeFailed { grace });
    }

    /// In grace the old dates stay, after it the period begins when it is paid.
    fn recover(&mut self, share: u8) {
        if let Stand::Grace(until) = self.line.stand {
            let left = self.at.duration_until(until).as_secs();
            self.pass(left, share);
            self.next(self.ends_at());
        } else {
            self.pass(self.habits.tries, share);
            self.next(if self.habits.keeps_dates {
                self.ends_at()
            } else {
                self.at
            });
        }
    }

    fn come_back(&mut self, share: u8) {
        self.pass(60 * DAY, share);
        let product = usize::from(share.is_multiple_of(3));
        let charge = self.charge(product, self.at, Paper::First);
        if self.habits.same_on_return {
            self.charged(product, charge, How::CameBack);
        } else {
            self.line.purchase = self.purchases;
            self.purchases += 1;
            self.charged(product, charge, How::First);
            self.line.earlier.clear();
            self.line.given_back.clear();
        }
    }

    fn give_back(&mut self, percent: i64, share: u8) {
        self.within(share);
        let charge = self.line.charge.clone();
        let takes_access = if percent == 100 {
            self.habits.refund_takes
        } else {
            self.habits.part_takes
        };
        if takes_access {
            self.line.stand = Stand::Refunded;
        }
        if self.is_family_shared {
            return self.tell(Happened::SharingEnded);
        }
        let part = charge.micros * percent / 100;
        self.gave_back(
            part / self.habits.part_of * self.habits.part_of,
            charge,
            takes_access,
        );
    }

    fn gave_back(&mut self, micros: i64, charge: Charge, takes_access: bool) {
        self.line.given_back.push(Back {
            charge: charge.clone(),
            micros,
            at: self.at,
        });
        self.tell(Happened::GaveBack {
            charge,
            micros,
            takes_access,
        });
    }

    fn raise(&mut self, deed: Deed, share: u8) {
        self.within(share);
        let (increase, what) = if deed == Deed::Announce {
            (Increase::Announced, Happened::IncreaseAnnounced)
        } else {
            (Increase::Accepted, Happened::IncreaseAccepted)
        };
        self.line.increase = increase;
        self.tell(what);
    }

    /// What is bought once is a purchase of its own.
    fn trade_once(&mut self, deed: Deed, share: u8) {
        let subscription = self.line.purchase;
        self.pass(self.room(), share);
        if deed == Deed::BuyOnce {
            self.line.purchase = self.purchases;
            self.purchases += 1;
            let mut charge = self.charge(0, self.at, Paper::Once);
            self.habits.products[2].clone_into(&mut charge.product);
            (charge.micros, charge.until) = (ONCE_PRICE, None);
            self.traded = self.once.len();
            self.once.push(Once {
                charge: charge.clone(),
                purchase: self.line.purchase,
                is_given_back: false,
            });
            self.tell(Happened::BoughtOnce(charge));
        } else if let Some(index) = self.once.iter().rposition(|once| !once.is_given_back) {
            self.traded = index;
            let once = &mut self.once[index];
            once.is_given_back = true;
            self.line.purchase = once.purchase;
            let charge = once.charge.clone();
            self.tell(Happened::GaveBack {
                micros: charge.micros,
                charge,
                takes_access: true,
            });
        }
        self.line.purchase = subscription;
    }
}
