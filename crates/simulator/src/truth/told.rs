//! What truly happened, as somebody would put it who stood beside.

use super::{life::Form, purse::Purse};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Money taken for something, or a free period begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The store's id of it.
    pub id: String,
    /// Product, as the store's facts name it.
    pub product: String,
    /// Millionths of what the customer pays with.
    pub micros: i64,
    /// A free trial.
    pub is_trial: bool,
    /// Start of what was paid for.
    pub from: Timestamp,
    /// Its end; `None` for what is bought once.
    pub until: Option<Timestamp>,
}

/// How a charge came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The customer bought something new.
    First,
    /// The store charged for the next period.
    Renewed,
    /// The customer took another product, and the store took back the rest of the old period.
    AtOnce,
    /// The next period, of another product that was chosen before.
    AtRenewal,
    /// The customer came back after the end.
    CameBack,
    /// The present period was over at once, and the next one was charged then.
    Anew,
}

/// Why something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The customer did not want it any more.
    Cancelled,
    /// It was not paid.
    Unpaid,
    /// The customer did not agree to pay more.
    Refused,
    /// It was paid up to then.
    PaidUp,
    /// The bank took back what was paid for it.
    Disputed,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A period of a subscription was charged, or given for free.
    Charged(Charge, How),
    /// Money was taken in the middle of a period, which goes on as it was.
    TookMore(Charge),
    /// Something was bought once and for all.
    BoughtOnce(Charge),
    /// Something was bought that serves until then.
    BoughtFor(Charge, Timestamp),
    /// Money was given back for a charge.
    GaveBack {
        /// The charge.
        charge: Charge,
        /// Millionths of what the customer pays with.
        micros: i64,
        /// The store took back what had been bought.
        takes_access: bool,
    },
    /// That did not last: the money is the seller's again, and what was taken is the customer's.
    TookAgain(Charge),
    /// The customer asked the store for the money of a charge.
    RefundAsked(Charge),
    /// The store said no.
    RefundDeclined(Charge),
    /// The store spoke of a charge once more, and said less than before.
    Repeated(Charge),
    /// The next period will not be charged.
    SwitchedOff,
    /// It will be after all.
    SwitchedOn,
    /// The next period could not be charged.
    ChargeFailed {
        /// How long the customer may go on meanwhile.
        grace: Option<Timestamp>,
    },
    /// The customer may not go on any longer, and the store still tries.
    GraceEnded,
    /// It is over.
    Ended(Why),
    /// What is the customer's again had been over since then.
    HadEnded(Why, Timestamp),
    /// A pause was asked for, from the end of the period on.
    PauseAsked,
    /// The customer wants none after all.
    PauseWithdrawn,
    /// The pause began.
    PauseBegan,
    /// It was paused at once.
    Paused,
    /// The next period began and runs until then, and nobody has paid for it.
    RanOn(Timestamp, Timestamp),
    /// A further product joined, and runs until then; nothing was charged for it yet.
    Joined(String, Timestamp),
    /// It was taken off, and the rest of the purchase goes on.
    TakenOff,
    /// The next period will be of another product.
    Planned(String),
    /// It will not.
    PlanWithdrawn,
    /// The period ends later.
    Moved(Timestamp),
    /// The price will rise, if the customer agrees.
    IncreaseAnnounced,
    /// The customer agreed.
    IncreaseAccepted,
    /// Who shared it does so no longer.
    SharingEnded,
}

impl Happened {
    /// Whether it happens to every product of a purchase.
    pub(super) const fn is_of_the_whole(&self) -> bool {
        matches!(
            self,
            Self::SwitchedOff
                | Self::SwitchedOn
                | Self::ChargeFailed { .. }
                | Self::GraceEnded
                | Self::Ended(_)
        )
    }

    /// Whether it is said once, and stands nowhere afterwards.
    pub(super) const fn is_only_said(&self) -> bool {
        matches!(self, Self::RefundAsked(_) | Self::RefundDeclined(_))
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// To which of the customer's purchases.
    pub purchase: usize,
    /// What.
    pub what: Happened,
}

/// Everything that happened to one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// In order.
    pub told: Vec<Told>,
    /// What kind of purchase it was.
    pub form: Form,
    /// What the customer paid with.
    pub purse: Purse,
}

impl History {
    /// How many purchases there were.
    pub fn purchases(&self) -> usize {
        let numbers = self.told.iter().map(|told| told.purchase + 1);
        numbers.max().unwrap_or(0)
    }

    /// What happened to one of them.
    pub(super) fn of(&self, purchase: usize) -> Vec<&Told> {
        let told = self.told.iter();
        told.filter(|told| told.purchase == purchase).collect()
    }

    /// What a purchase lets the customer use, as a world has it.
    pub fn unlocks(&self, purchase: usize) -> &'static str {
        let bought = |told: &&Told| match &told.what {
            Happened::Charged(charge, _) => Some(charge.product.contains("hd")),
            Happened::Joined(product, _) => Some(product.contains("hd")),
            _ => None,
        };
        let told = self.of(purchase);
        let is_addon = told.iter().find_map(bought).unwrap_or(false);
        if is_addon { "hd" } else { "premium" }
    }

    /// Since when it is known who the customer is, of one whom the subscription does not name.
    pub fn named_at(&self) -> Option<Timestamp> {
        if self.form != Form::Nameless {
            return Some(Timestamp::MIN);
        }
        let names = |told: &&Told| {
            matches!(
                told.what,
                Happened::BoughtOnce(_)
                    | Happened::BoughtFor(..)
                    | Happened::Charged(_, How::CameBack)
            )
        };
        self.told.iter().find(names).map(|told| told.at)
    }

    /// When access may have changed: whatever happened, and every end of what was paid for or given.
    pub fn turning_points(&self) -> BTreeSet<Timestamp> {
        let ends = |told: &Told| match &told.what {
            Happened::Charged(charge, _) => charge.until,
            Happened::ChargeFailed { grace } => *grace,
            Happened::Moved(until)
            | Happened::BoughtFor(_, until)
            | Happened::RanOn(_, until)
            | Happened::Joined(_, until) => Some(*until),
            _ => None,
        };
        let points = |told: &Told| [Some(told.at), ends(told)];
        self.told.iter().flat_map(points).flatten().collect()
    }

    /// Millionths of a dollar that the customer brought in: what was charged, less what was given back, at the rates of the day of each
    /// charge.
    pub fn brought_in(&self) -> i64 {
        if self.form == Form::Family {
            return 0;
        }
        let dollars = |charge: &Charge| self.purse.dollars(charge.micros, charge.from);
        let given_back = |charge: &Charge, micros: i64| {
            let share = i128::from(dollars(charge)) * i128::from(micros);
            let share = share / i128::from(charge.micros.max(1));
            i64::try_from(share).unwrap_or(i64::MAX)
        };
        let mut last = BTreeMap::new();
        let mut total = 0;
        for told in &self.told {
            total += match &told.what {
                Happened::Charged(charge, _)
                | Happened::TookMore(charge)
                | Happened::BoughtOnce(charge)
                | Happened::BoughtFor(charge, _) => dollars(charge),
                Happened::GaveBack { charge, micros, .. } => {
                    let back = given_back(charge, *micros);
                    last.insert((told.purchase, charge.id.as_str()), back);
                    -back
                }
                Happened::TookAgain(charge) => {
                    let known = last.get(&(told.purchase, charge.id.as_str()));
                    known.copied().unwrap_or(0)
                }
                _ => 0,
            };
        }
        total
    }

    /// Whether a refund of a part was the last that happened to a subscription: Google tells nobody, and shows it with the next charge.
    pub fn ends_untold(&self) -> bool {
        (0..self.purchases()).any(|purchase| {
            let told = self.of(purchase);
            let is_part = |told: &&Told| {
                matches!(&told.what, Happened::GaveBack { charge, micros, .. }
                    if *micros < charge.micros && charge.until.is_some())
            };
            let last = told.iter().rposition(is_part);
            last.is_some_and(|last| {
                let mut later = told[last..].iter();
                !later.any(|told| matches!(told.what, Happened::Charged(..)))
            })
        })
    }

    /// When a pause was over and the next period was charged, each time, with the purchase that it happened to.
    pub fn resumed(&self) -> Vec<(usize, Timestamp)> {
        let mut paused = BTreeSet::new();
        let mut resumed = Vec::new();
        for told in &self.told {
            match told.what {
                Happened::PauseBegan => {
                    paused.insert(told.purchase);
                }
                Happened::Charged(..) if paused.remove(&told.purchase) => {
                    resumed.push((told.purchase, told.at));
                }
                _ => {}
            }
        }
        resumed
    }
}
