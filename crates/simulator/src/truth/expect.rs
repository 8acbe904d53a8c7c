//! What a listener should have made of a history: which events, with which product, amount, reason and time.
//!
//! Sources: `docs/lifecycle.md`, *What a charge is*, *What a difference is*, *First sight*; what a change of product tells is
//! said by Adapty's *Event flows* and RevenueCat's *Common Webhook Flows*.
//!
//! One file, although it is long: the rules are read beside each other.

use super::{
    life::{Form, Market},
    told::{Charge, Happened, History, How, Told, Why},
};
use jiff::{SignedDuration, Timestamp};

/// A purchase that began longer ago is no news.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// When an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Then: the store says so.
    At(Timestamp),
    /// The store shows it from then on without saying since when: it dates from when it was heard.
    Shown(Timestamp),
}

/// How long a store can still be heard to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// From then on for ever: charges and refunds stay in its records.
    Recorded(Timestamp),
    /// From then on, until something else took its place.
    While(Timestamp, Option<Timestamp>),
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Of which of the customer's purchases.
    pub purchase: usize,
    /// Its kind.
    pub kind: &'static str,
    /// The product it names.
    pub product: String,
    /// Millionths of a dollar; `None` where the store does not say, or where it is about no money.
    pub micros: Option<i64>,
    /// Why; `None` where there is no reason to give.
    pub reason: Option<&'static str>,
    /// When.
    pub when: When,
    /// How long it can be heard of.
    pub lasting: Lasting,
    /// Since when that stood which it undoes: who never heard of the one hears nothing of the other.
    pub undoes: Option<Timestamp>,
    /// Since when it had stood as it does again, before that which it undoes: who never heard of that either, hears of it.
    pub again_since: Option<Timestamp>,
}

impl History {
    /// All events of a history in a store that was listened to from before its beginning.
    pub fn expected(&self, market: Market) -> Vec<Expected> {
        self.expected_since(market, |_| None)
    }

    /// Events of a history of whose purchases nothing was heard before the times given: what is older than a day then is no
    /// news, and only what says how the purchase stands is told of it.
    pub fn expected_since(
        &self,
        market: Market,
        first_heard: impl Fn(usize) -> Option<Timestamp>,
    ) -> Vec<Expected> {
        if self.form == Form::Family {
            // Who is let in by somebody else has bought nothing.
            return Vec::new();
        }
        let mut all = Vec::new();
        for purchase in 0..self.purchases() {
            let before = all.len();
            let told = self.of(purchase);
            let is_ordinary = self.form == Form::Plain && self.unlocks(purchase) != "hd";
            let mut reader = Reader::of(market, is_ordinary, &told);
            let heard = first_heard(purchase).unwrap_or(Timestamp::MIN);
            let began = told.first().map_or(Timestamp::MAX, |told| told.at);
            let is_old = began.duration_until(heard) > NEWS;
            let mut standing = Standing::default();
            for (index, what) in told.iter().enumerate() {
                let events = reader.read(index);
                if is_old && market.shows_at(what) <= heard {
                    standing.follow(&what.what, &events);
                } else {
                    all.extend(standing.since.take());
                    all.extend(events);
                }
            }
            all.extend(standing.since);
            let of_this = all.iter_mut().skip(before);
            of_this.for_each(|event| event.purchase = purchase);
        }
        all
    }
}

/// The one event that says how a purchase stands.
#[derive(Default)]
struct Standing {
    since: Option<Expected>,
    /// That of the present period.
    charge: Option<Expected>,
    /// That of the failed charge, and of the pause that was asked for.
    issue: Option<Expected>,
    pause: Option<Expected>,
}

impl Standing {
    fn follow(&mut self, what: &Happened, events: &[Expected]) {
        let last = events.last().cloned();
        match what {
            Happened::Charged(..) | Happened::BoughtOnce(_) | Happened::BoughtFor(..) => {
                self.charge.clone_from(&last);
                self.since = last;
            }
            Happened::SwitchedOff
            | Happened::GaveBack {
                takes_access: true, ..
            } => self.since = last,
            Happened::Ended(_) => self.since = last.or(self.since.take()),
            Happened::ChargeFailed { .. } => {
                self.issue = events.first().cloned();
                self.since = last;
            }
            Happened::GraceEnded => self.since.clone_from(&self.issue),
            Happened::SwitchedOn | Happened::TookAgain(_) => self.since.clone_from(&self.charge),
            Happened::PauseAsked => self.pause = last,
            Happened::PauseBegan => self.since.clone_from(&self.pause),
            Happened::GaveBack { .. }
            | Happened::TookMore(_)
            | Happened::Planned(_)
            | Happened::PlanWithdrawn
            | Happened::Moved(_)
            | Happened::IncreaseAnnounced
            | Happened::IncreaseAccepted
            | Happened::SharingEnded => {}
        }
    }
}

/// Goes through what happened to one purchase.
struct Reader<'a> {
    market: Market,
    /// It is no charge of a term, and no further product.
    is_ordinary: bool,
    told: &'a [&'a Told],
    charge: Option<&'a Charge>,
    /// Money was taken for it before.
    is_paid: bool,
    /// The present period was refunded, and what was bought is taken back.
    is_taken_back: bool,
}

impl<'a> Reader<'a> {
    const fn of(market: Market, is_ordinary: bool, told: &'a [&'a Told]) -> Self {
        Self {
            market,
            is_ordinary,
            told,
            charge: None,
            is_paid: false,
            is_taken_back: false,
        }
    }

    /// What the `index`th thing that happened comes to.
    fn read(&mut self, index: usize) -> Vec<Expected> {
        let told = self.told[index];
        let mut events = self.events(index, told);
        for event in &mut events {
            if let Lasting::Recorded(since) = &mut event.lasting {
                *since = told.at;
            }
        }
        events
    }

    fn events(&mut self, index: usize, told: &'a Told) -> Vec<Expected> {
        match &told.what {
            Happened::Charged(charge, how) => self.charged(charge, *how),
            Happened::TookMore(charge) => vec![money("subscription_renewed", charge)],
            Happened::BoughtOnce(charge) | Happened::BoughtFor(charge, _) => {
                vec![money("non_subscription_purchase", charge)]
            }
            Happened::GaveBack {
                charge,
                micros,
                takes_access,
            } => {
                self.is_taken_back |= *takes_access;
                let kind = if charge.until.is_some() {
                    "subscription_refunded"
                } else {
                    "non_subscription_purchase_refunded"
                };
                vec![Expected {
                    micros: Some(*micros),
                    reason: Some("refund"),
                    when: When::At(told.at),
                    ..money(kind, charge)
                }]
            }
            Happened::TookAgain(charge) => {
                self.is_taken_back = false;
                vec![Expected {
                    micros: None,
                    when: self.shown(told.at),
                    ..money("refund_reversed", charge)
                }]
            }
            Happened::SwitchedOff => vec![Expected {
                // Of charges that go on, no store says since when they will end, nor of what is taken off at the renewal.
                when: if self.market.dates_intent() && self.is_ordinary {
                    When::At(told.at)
                } else {
                    When::Shown(told.at)
                },
                ..self.state(index, "renewal_cancelled")
            }],
            Happened::SwitchedOn => vec![self.state(index, "renewal_reactivated")],
            Happened::ChargeFailed { grace } => {
                let mut events = vec![self.named(index, "billing_issue_detected")];
                if grace.is_some() {
                    events.push(self.named(index, "entered_grace_period"));
                }
                events
            }
            Happened::Ended(_) if self.is_taken_back => Vec::new(),
            Happened::Ended(why) => {
                let reason = match why {
                    Why::Cancelled => "voluntarily_cancelled",
                    Why::Unpaid => "billing_error",
                };
                let is_dated = *why == Why::Cancelled || self.market.dates_intent();
                let named = self.state(index, "expired");
                vec![Expected {
                    reason: Some(reason),
                    when: if is_dated {
                        When::At(told.at)
                    } else {
                        named.when
                    },
                    ..named
                }]
            }
            Happened::PauseAsked => vec![self.named(index, "subscription_paused")],
            Happened::Planned(product) => vec![Expected {
                product: product.clone(),
                ..self.named(index, "product_changed")
            }],
            Happened::PlanWithdrawn => vec![self.named(index, "product_changed")],
            Happened::Moved(_) => vec![self.named(index, self.market.moved())],
            Happened::IncreaseAnnounced => vec![self.named(index, "price_increase_pending")],
            Happened::IncreaseAccepted => vec![self.named(index, "price_increase_accepted")],
            // It was told when it was asked for; what ends here is access.
            Happened::PauseBegan | Happened::GraceEnded | Happened::SharingEnded => Vec::new(),
        }
    }

    fn charged(&mut self, charge: &'a Charge, how: How) -> Vec<Expected> {
        let was_paid = self.is_paid;
        let old = self.charge.replace(charge);
        self.is_paid |= charge.micros > 0;
        self.is_taken_back = false;
        let is_converted = !was_paid && charge.micros > 0;
        let kind = match how {
            How::First if charge.is_trial => "trial_started",
            How::First => "subscription_started",
            _ if is_converted => "trial_converted",
            How::AtOnce | How::AtRenewal => "subscription_started",
            How::Renewed | How::CameBack | How::Anew => "subscription_renewed",
        };
        let mut events = Vec::new();
        if let Some(old) = old {
            let changed = old.product != charge.product;
            if changed && matches!(how, How::AtOnce | How::CameBack) {
                events.push(Expected {
                    micros: None,
                    ..money("product_changed", charge)
                });
            }
            if how == How::AtOnce && old.micros > 0 {
                // No store says what it gave back for the rest of the old period.
                events.push(Expected {
                    micros: None,
                    reason: Some("upgraded"),
                    when: When::At(charge.from),
                    ..money("subscription_refunded", old)
                });
            }
            if how == How::AtRenewal && old.micros > 0 {
                events.push(Expected {
                    micros: None,
                    reason: Some("new_subscription_replace"),
                    when: When::At(old.until.unwrap_or(charge.from)),
                    ..money("subscription_expired", old)
                });
            }
        }
        events.push(money(kind, charge));
        events
    }

    /// Something that the store shows for a while, about the present period.
    fn named(&self, index: usize, kind: &'static str) -> Expected {
        let at = self.told[index].at;
        let product = self.charge.map(|charge| charge.product.clone());
        Expected {
            purchase: 0,
            kind,
            product: product.unwrap_or_default(),
            micros: None,
            reason: None,
            when: self.shown(at),
            lasting: Lasting::While(at, self.replaced_at(index)),
            undoes: self.undone_since(index),
            again_since: self.again_since(index),
        }
    }

    /// The same, of a trial or a subscription.
    fn state(&self, index: usize, what: &str) -> Expected {
        let is_trial = self.charge.is_some_and(|charge| charge.is_trial);
        let kind = match (what, is_trial) {
            ("renewal_cancelled", true) => "trial_renewal_cancelled",
            ("renewal_cancelled", false) => "subscription_renewal_cancelled",
            ("renewal_reactivated", true) => "trial_renewal_reactivated",
            ("renewal_reactivated", false) => "subscription_renewal_reactivated",
            (_, true) => "trial_expired",
            (_, false) => "subscription_expired",
        };
        self.named(index, kind)
    }

    /// Since when that stood which the `index`th thing that happened undoes. Who last heard of a refund hears, when it is undone
    /// and renewal is switched on again, that it is undone.
    fn undone_since(&self, index: usize) -> Option<Timestamp> {
        let undone = |earlier: &Happened| match &self.told[index].what {
            Happened::SwitchedOn => {
                matches!(earlier, Happened::SwitchedOff | Happened::TookAgain(_))
            }
            Happened::SwitchedOff => *earlier == Happened::SwitchedOn,
            Happened::PlanWithdrawn => matches!(earlier, Happened::Planned(_)),
            _ => false,
        };
        self.in_period(index)
            .rfind(|told| undone(&told.what))
            .map(|told| told.at)
    }

    /// Since when it stood before as the `index`th thing leaves it, where something else was between.
    fn again_since(&self, index: usize) -> Option<Timestamp> {
        let what = &self.told[index].what;
        let mut earlier = self.in_period(index);
        let is_again = *what == Happened::SwitchedOff;
        let found = earlier.rfind(|told| is_again && told.what == *what);
        found.map(|told| told.at)
    }

    /// What happened before the `index`th thing, in the same period.
    fn in_period(&self, index: usize) -> impl DoubleEndedIterator<Item = &&'a Told> {
        let earlier = &self.told[..index];
        let begins = |told: &&Told| matches!(told.what, Happened::Charged(..));
        let from = earlier.iter().rposition(begins).unwrap_or(0);
        earlier[from..].iter()
    }

    /// When the store no longer shows what it shows since the `index`th thing happened.
    fn replaced_at(&self, index: usize) -> Option<Timestamp> {
        let what = &self.told[index].what;
        let ends_it = |later: &Happened| {
            matches!(
                later,
                Happened::Charged(..)
                    | Happened::Ended(_)
                    | Happened::GaveBack {
                        takes_access: true,
                        ..
                    }
            )
        };
        let undoes_it = |later: &Happened| match what {
            Happened::SwitchedOff => *later == Happened::SwitchedOn,
            Happened::SwitchedOn => *later == Happened::SwitchedOff,
            Happened::Planned(_) => {
                matches!(later, Happened::PlanWithdrawn | Happened::SwitchedOff)
            }
            Happened::PlanWithdrawn => matches!(later, Happened::Planned(_)),
            Happened::IncreaseAnnounced => *later == Happened::IncreaseAccepted,
            Happened::ChargeFailed { .. } => *later == Happened::GraceEnded,
            Happened::PauseAsked => *later == Happened::PauseBegan,
            _ => false,
        };
        let mut later = self.told[index + 1..].iter();
        let replaced = later.find(|told| ends_it(&told.what) || undoes_it(&told.what));
        replaced.map(|told| told.at)
    }

    /// The time of what a store shows without a date of its own. A notification of the App Store is signed when it happened, an
    /// answer when it was asked for: who missed the one and got the other knows no better.
    const fn shown(&self, at: Timestamp) -> When {
        if self.market.dates_all() {
            When::At(at)
        } else {
            When::Shown(at)
        }
    }
}

impl Market {
    /// Whether everything is said with the time at which it was so.
    const fn dates_all(self) -> bool {
        match self {
            Self::Stated => true,
            Self::AppStore | Self::Play | Self::Stripe => false,
        }
    }

    /// Whether a cancellation and the end of what was not paid are shown with their times.
    const fn dates_intent(self) -> bool {
        match self {
            Self::Play | Self::Stripe | Self::Stated => true,
            Self::AppStore => false,
        }
    }

    /// When a store's records show it: where money is taken some time after a period began, a charge is none before.
    fn shows_at(self, told: &Told) -> Timestamp {
        match &told.what {
            Happened::Charged(charge, How::Renewed) if charge.from == told.at => {
                told.at + SignedDuration::from_secs(self.habits().paid_after)
            }
            _ => told.at,
        }
    }

    /// What it is called when a period ends later.
    const fn moved(self) -> &'static str {
        match self {
            Self::AppStore | Self::Stripe | Self::Stated => "subscription_extended",
            Self::Play => "subscription_deferred",
        }
    }
}

/// What happened to a charge, when the period that it pays for begins.
fn money(kind: &'static str, charge: &Charge) -> Expected {
    Expected {
        purchase: 0,
        kind,
        product: charge.product.clone(),
        micros: Some(charge.micros),
        reason: None,
        when: When::At(charge.from),
        lasting: Lasting::Recorded(charge.from),
        undoes: None,
        again_since: None,
    }
}
