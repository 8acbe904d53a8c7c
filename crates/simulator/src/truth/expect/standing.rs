//! Of an old purchase: how it stands.

use super::expected::Expected;
use crate::truth::told::{Happened, How};

/// The one event that says how a purchase stands.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) since: Option<Expected>,
    /// That of the present period.
    charge: Option<Expected>,
    /// That of the failed charge, and of the pause that was asked for.
    issue: Option<Expected>,
    pause: Option<Expected>,
    /// That of the end that was asked for, and to which charges go on.
    off: Option<Expected>,
}

impl Standing {
    /// It goes on after a pause, although it is not charged yet.
    pub(super) fn resume(&mut self) {
        if self.since == self.pause {
            self.since.clone_from(&self.charge);
        }
    }

    pub(super) fn follow(&mut self, what: &Happened, events: &[Expected]) {
        let last = events.last().cloned();
        match what {
            Happened::Charged(_, How::Renewed) if self.off.is_some() => {
                self.charge = last;
                self.since.clone_from(&self.off);
            }
            Happened::Charged(..) | Happened::BoughtOnce(_) | Happened::BoughtFor(..) => {
                self.charge.clone_from(&last);
                self.since = last;
                self.off = None;
            }
            Happened::SwitchedOff => {
                self.off.clone_from(&last);
                self.since = last;
            }
            Happened::Paused
            | Happened::TakenOff
            | Happened::GaveBack {
                takes_access: true, ..
            } => self.since = last,
            Happened::Ended(_) | Happened::HadEnded(..) => self.since = last.or(self.since.take()),
            Happened::ChargeFailed { .. } => {
                self.issue = events.first().cloned();
                self.since = last;
            }
            Happened::GraceEnded => self.since.clone_from(&self.issue),
            Happened::SwitchedOn => {
                self.off = None;
                self.since.clone_from(&self.charge);
            }
            Happened::TookAgain(_) => self.since = self.off.clone().or(self.charge.clone()),
            Happened::PauseAsked => self.pause = last,
            Happened::PauseBegan => self.since.clone_from(&self.pause),
            Happened::GaveBack { .. }
            | Happened::RefundAsked(_)
            | Happened::RefundDeclined(_)
            | Happened::Repeated(_)
            | Happened::TookMore(_)
            | Happened::PauseWithdrawn
            | Happened::RanOn(..)
            | Happened::Joined(..)
            | Happened::Planned(_)
            | Happened::PlanWithdrawn
            | Happened::Moved(_)
            | Happened::IncreaseAnnounced
            | Happened::IncreaseAccepted
            | Happened::SharingEnded => {}
        }
    }
}
