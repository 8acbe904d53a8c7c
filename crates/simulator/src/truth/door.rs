//! Whom what was bought lets in, and until when.

use super::{
    life::Form,
    told::{Happened, History, How, Told},
};
use jiff::Timestamp;

/// What somebody may use, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// By this product.
    pub product: String,
    /// Until then, as far as anybody knows.
    pub until: Timestamp,
    /// Another period will follow, as far as anybody knows.
    pub renews: bool,
    /// It is not paid for, and goes on for a while.
    pub in_grace: bool,
}

impl History {
    /// Whether a subscription let the customer in at `now`.
    pub fn has_access(&self, now: Timestamp) -> bool {
        let mut all = 0..self.purchases();
        all.any(|purchase| self.unlocks(purchase) == "premium" && self.lets_in(purchase, now))
    }

    /// The same, by one of the purchases.
    pub fn lets_in(&self, purchase: usize, now: Timestamp) -> bool {
        self.door(purchase, now).is_open_at(now)
    }

    /// What lets the customer use `what` at `now`: each purchase that does.
    pub fn levels(&self, what: &str, now: Timestamp) -> Vec<Level> {
        let all = (0..self.purchases()).filter(|purchase| self.unlocks(*purchase) == what);
        all.filter_map(|purchase| self.door(purchase, now).level_at(now))
            .collect()
    }

    fn door(&self, purchase: usize, now: Timestamp) -> Door {
        let known = self.of(purchase);
        let so_far = known.into_iter().filter(|told| told.at <= now);
        Door::after(self.form, so_far)
    }
}

/// Whether what was bought lets its customer in.
#[derive(Default)]
pub(super) struct Door {
    product: String,
    /// Start and end of what is paid for.
    paid: Option<(Timestamp, Timestamp)>,
    /// What was paid for before, while the present period has not begun.
    before: Option<Timestamp>,
    grace: Option<Timestamp>,
    renews: bool,
    is_shut: bool,
    /// It was given back, and taken with it.
    is_taken_back: bool,
}

impl Door {
    pub(super) fn is_open_at(&self, now: Timestamp) -> bool {
        let is_paid = self.paid.is_some_and(|(from, until)| {
            now < until && (from <= now || self.before.is_some_and(|before| now < before))
        });
        let is_shut = self.is_shut || self.is_taken_back;
        !is_shut && (is_paid || self.grace.is_some_and(|until| now < until))
    }

    /// How it stands, while it is open.
    pub(super) fn level_at(self, now: Timestamp) -> Option<Level> {
        if !self.is_open_at(now) {
            return None;
        }
        let paid = self.paid.map(|(_, until)| until);
        Some(Level {
            until: self.grace.or(paid)?,
            product: self.product,
            renews: self.renews,
            in_grace: self.grace.is_some(),
        })
    }

    /// As it stands after all that.
    pub(super) fn after<'a>(form: Form, told: impl Iterator<Item = &'a Told>) -> Self {
        let mut door = Self::default();
        let mut last = None;
        for told in told {
            match &told.what {
                Happened::Charged(charge, how) => {
                    door.product.clone_from(&charge.product);
                    // A term that will not be followed by another is charged to its end.
                    door.renews = form != Form::Prepaid && (door.renews || *how != How::Renewed);
                    door.before = door.paid.map(|(_, until)| until);
                    door.paid = charge.until.map(|until| (charge.from, until));
                    door.grace = None;
                    (door.is_shut, door.is_taken_back) = (false, false);
                    last = Some(charge.id.as_str());
                }
                Happened::GaveBack {
                    charge,
                    takes_access,
                    ..
                } if *takes_access && last == Some(charge.id.as_str()) => door.is_taken_back = true,
                Happened::TookAgain(charge) if last == Some(charge.id.as_str()) => {
                    door.is_taken_back = false;
                }
                Happened::BoughtFor(charge, until) => {
                    door.product.clone_from(&charge.product);
                    door.paid = Some((charge.from, *until));
                    last = Some(charge.id.as_str());
                }
                Happened::Joined(product, until) => {
                    (door.product, door.renews) = (product.clone(), true);
                    door.paid = Some((told.at, *until));
                }
                Happened::RanOn(from, until) => {
                    // It begins so, or goes on.
                    door.renews |= door.paid.is_none();
                    door.before = door.paid.map(|(_, until)| until);
                    door.paid = Some((*from, *until));
                }
                Happened::ChargeFailed { grace } => {
                    (door.grace, door.paid) = (*grace, None);
                }
                Happened::Moved(until) => door.paid = door.paid.map(|(from, _)| (from, *until)),
                Happened::GraceEnded
                | Happened::Ended(_)
                | Happened::HadEnded(..)
                | Happened::PauseBegan
                | Happened::Paused
                | Happened::TakenOff
                | Happened::SharingEnded => door.is_shut = true,
                Happened::SwitchedOff => door.renews = false,
                Happened::SwitchedOn => door.renews = true,
                Happened::BoughtOnce(_)
                | Happened::TookMore(_)
                | Happened::GaveBack { .. }
                | Happened::TookAgain(_)
                | Happened::RefundAsked(_)
                | Happened::RefundDeclined(_)
                | Happened::Repeated(_)
                | Happened::PauseAsked
                | Happened::PauseWithdrawn
                | Happened::Planned(_)
                | Happened::PlanWithdrawn
                | Happened::IncreaseAnnounced
                | Happened::IncreaseAccepted => {}
            }
        }
        door
    }
}
