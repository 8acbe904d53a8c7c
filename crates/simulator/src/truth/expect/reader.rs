//! What each thing that happened to a purchase comes to.

use super::expected::{Expected, Lasting, When, money};
use crate::truth::{
    life::Market,
    told::{Charge, Happened, How, Told, Why},
};
use jiff::{SignedDuration, Timestamp};

/// Goes through what happened to one purchase.
pub(super) struct Reader<'a> {
    market: Market,
    /// It is no charge of a term, and no further product.
    is_ordinary: bool,
    told: &'a [&'a Told],
    charge: Option<&'a Charge>,
    /// End of the present period, which may have moved.
    ends: Option<Timestamp>,
    /// Of the last charge it was told that the next one failed: once, however many follow of which nothing was charged.
    failed: Option<&'a str>,
    /// Money was taken for it before.
    is_paid: bool,
    /// The present period was refunded, and what was bought is taken back.
    is_taken_back: bool,
}

impl<'a> Reader<'a> {
    pub(super) const fn of(market: Market, is_ordinary: bool, told: &'a [&'a Told]) -> Self {
        Self {
            market,
            is_ordinary,
            told,
            charge: None,
            ends: None,
            failed: None,
            is_paid: false,
            is_taken_back: false,
        }
    }

    /// What the `index`th thing that happened comes to.
    pub(super) fn read(&mut self, index: usize) -> Vec<Expected> {
        let told = self.told[index];
        let mut events = self.events(index, told);
        for event in &mut events {
            if let Lasting::Recorded(since) = &mut event.lasting {
                *since = told.at;
            }
            event.is_said_poorly = self.is_said_poorly(&told.what);
            event.is_unsaid = self.is_unsaid(&told.what);
        }
        events
    }

    /// Whether there are copies of the charge that leave out what it cost.
    fn is_said_poorly(&self, what: &Happened) -> bool {
        let (Happened::Charged(charge, _) | Happened::GaveBack { charge, .. }) = what else {
            return false;
        };
        let mut told = self.told.iter();
        told.any(|told| matches!(&told.what, Happened::Repeated(of) if of.id == charge.id))
    }

    /// Whether it is a part of a purchase for which nothing was charged yet: what happens to the rest is told of that.
    fn is_unsold(&self) -> bool {
        let begins = self.told.first().map(|told| &told.what);
        self.charge.is_none() && matches!(begins, Some(Happened::Joined(..)))
    }

    /// Google says of a refund of a part nothing, and shows it in the order. Source: Google, "Real-time developer notifications reference
    /// guide", *VoidedPurchaseNotification*: of full refunds, and of quantities.
    fn is_unsaid(&self, what: &Happened) -> bool {
        let is_part = |charge: &Charge, micros| micros < charge.micros;
        matches!(what, Happened::GaveBack { charge, micros, .. }
            if self.market == Market::Play && is_part(charge, *micros))
    }

    fn events(&mut self, index: usize, told: &'a Told) -> Vec<Expected> {
        match &told.what {
            what if self.is_unsold() && !matches!(what, Happened::Charged(..)) => Vec::new(),
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
                vec![gave_back(charge, *micros, told.at)]
            }
            Happened::TookAgain(charge) => {
                self.is_taken_back = false;
                vec![Expected {
                    micros: None,
                    when: self.shown(told.at),
                    ..money("refund_reversed", charge)
                }]
            }
            Happened::RefundAsked(charge) => vec![said("refund_requested", charge, told.at)],
            Happened::RefundDeclined(charge) => vec![said("refund_declined", charge, told.at)],
            Happened::SwitchedOff => vec![self.switched_off(index, told.at)],
            Happened::SwitchedOn => vec![self.state(index, "renewal_reactivated")],
            Happened::ChargeFailed { .. }
                if self.failed == self.charge.map(|charge| charge.id.as_str()) =>
            {
                Vec::new()
            }
            Happened::ChargeFailed { grace } => {
                self.failed = self.charge.map(|charge| charge.id.as_str());
                let mut events = vec![self.named(index, "billing_issue_detected")];
                if grace.is_some() {
                    events.push(self.named(index, "entered_grace_period"));
                }
                events
            }
            Happened::Ended(_) if self.is_taken_back => Vec::new(),
            Happened::HadEnded(why, at) => vec![Expected {
                reason: why.reason(),
                when: When::At(*at),
                ..self.state(index, "expired")
            }],
            Happened::Ended(why) => vec![self.ended(index, *why, told.at)],
            Happened::PauseAsked | Happened::Paused => vec![Expected {
                lasting: self.shows_pause(index),
                ..self.named(index, "subscription_paused")
            }],
            // Stripe shows the rest of the subscription, not since when.
            Happened::TakenOff => vec![Expected {
                reason: Some("voluntarily_cancelled"),
                ..self.state(index, "expired")
            }],
            Happened::Planned(product) => vec![Expected {
                product: product.clone(),
                ..self.named(index, "product_changed")
            }],
            Happened::PlanWithdrawn => vec![self.named(index, "product_changed")],
            Happened::Moved(until) => {
                self.ends = Some(*until);
                vec![self.named(index, self.market.moved())]
            }
            Happened::IncreaseAnnounced => vec![self.named(index, "price_increase_pending")],
            Happened::IncreaseAccepted => vec![self.named(index, "price_increase_accepted")],
            // A pause was told when it was asked for, and what ends here is access; what is asked for no more, runs unpaid or is
            // said once more is what it was.
            Happened::PauseBegan
            | Happened::GraceEnded
            | Happened::SharingEnded
            | Happened::PauseWithdrawn
            | Happened::RanOn(..)
            | Happened::Joined(..)
            | Happened::Repeated(_) => Vec::new(),
        }
    }

    fn switched_off(&self, index: usize, at: Timestamp) -> Expected {
        Expected {
            // Of charges that go on, no store says since when they will end, nor of what is taken off at the renewal.
            when: if self.market.dates_intent() && self.is_ordinary {
                When::At(at)
            } else {
                When::Shown(at)
            },
            ..self.state(index, "renewal_cancelled")
        }
    }

    fn ended(&self, index: usize, why: Why, at: Timestamp) -> Expected {
        let is_dated = why != Why::Unpaid || self.market.dates_intent();
        let named = self.state(index, "expired");
        Expected {
            reason: why.reason(),
            when: if is_dated { When::At(at) } else { named.when },
            ..named
        }
    }

    fn charged(&mut self, charge: &'a Charge, how: How) -> Vec<Expected> {
        let was_paid = self.is_paid;
        let old = self.charge.replace(charge);
        let old_ends = std::mem::replace(&mut self.ends, charge.until);
        // A fee beside a trial is no price of it, and what costs nothing since hardly anything is left of a period is no trial.
        self.is_paid |= !charge.is_trial;
        self.is_taken_back = false;
        let is_converted = !was_paid && !charge.is_trial;
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
            // A fee beside a trial paid for no period.
            let was_paid_for = old.micros > 0 && !old.is_trial;
            if how == How::AtOnce && was_paid_for {
                // No store says what it gave back for the rest of the old period.
                events.push(Expected {
                    micros: None,
                    charge: None,
                    reason: Some("upgraded"),
                    when: When::At(charge.from),
                    ..money("subscription_refunded", old)
                });
            }
            if how == How::AtRenewal && was_paid_for {
                events.push(Expected {
                    micros: None,
                    reason: Some("new_subscription_replace"),
                    when: When::At(old_ends.unwrap_or(charge.from)),
                    ..money("subscription_expired", old)
                });
            }
        }
        events.push(money(kind, charge));
        events
    }

    /// How long it shows that a pause was asked for. Google says that once and shows nothing before it begins. Source: Google,
    /// purchases.subscriptionsv2, `pausedStateContext`: only of what is paused.
    fn shows_pause(&self, index: usize) -> Lasting {
        let at = self.told[index].at;
        let is_only_said =
            self.market == Market::Play && self.told[index].what == Happened::PauseAsked;
        Lasting::While(
            at,
            if is_only_said {
                Some(at + SignedDuration::from_secs(1))
            } else {
                self.replaced_at(index)
            },
        )
    }

    /// Something that the store shows for a while, about the present period.
    fn named(&self, index: usize, kind: &'static str) -> Expected {
        let at = self.told[index].at;
        let (of, product) = self
            .charge
            .map(|charge| (charge.id.clone(), charge.product.clone()))
            .unwrap_or_default();
        Expected {
            purchase: 0,
            kind,
            product,
            micros: None,
            of,
            charge: None,
            reason: None,
            when: self.shown(at),
            lasting: Lasting::While(at, self.replaced_at(index)),
            undoes: self.undone_since(index),
            again_since: self.again_since(index),
            is_said_poorly: false,
            is_unsaid: false,
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
                    | Happened::HadEnded(..)
                    | Happened::TakenOff
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
            Happened::PauseAsked => {
                matches!(later, Happened::PauseBegan | Happened::PauseWithdrawn)
            }
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

    /// What it is called when a period ends later.
    const fn moved(self) -> &'static str {
        match self {
            Self::AppStore | Self::Stripe | Self::Stated => "subscription_extended",
            Self::Play => "subscription_deferred",
        }
    }
}

/// What the store says once and shows nowhere: who misses it hears of it never.
fn said(kind: &'static str, charge: &Charge, at: Timestamp) -> Expected {
    Expected {
        micros: None,
        when: When::At(at),
        lasting: Lasting::While(at, Some(at + SignedDuration::from_secs(1))),
        ..money(kind, charge)
    }
}

fn gave_back(charge: &Charge, micros: i64, at: Timestamp) -> Expected {
    let kind = if charge.until.is_some() {
        "subscription_refunded"
    } else {
        "non_subscription_purchase_refunded"
    };
    Expected {
        micros: Some(micros),
        reason: Some("refund"),
        when: When::At(at),
        ..money(kind, charge)
    }
}

impl Why {
    /// The reason that is given for it.
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Cancelled => Some("voluntarily_cancelled"),
            Self::Unpaid => Some("billing_error"),
            Self::Refused => Some("price_increase"),
            // The store gives none, or one that is told as a refund.
            Self::PaidUp | Self::Disputed => None,
        }
    }
}
