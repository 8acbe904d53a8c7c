//! What truly happens when somebody wants it otherwise: renewal switched off, a pause, another product, more of the same.

use super::{
    ADDON_PRICE, DAY, LARGER, MORE_PRICE, ONCE_PRICE, PASS_LASTS, Walk, after,
    line::{Increase, Once, Stand},
};
use crate::truth::{
    deed::Deed,
    names::Paper,
    told::{Charge, Happened, How, Why},
};

impl Walk {
    /// Renewal is switched off or on again, or all is stopped at once.
    pub(super) fn switch(&mut self, deed: Deed, share: u8) {
        self.within(share);
        match deed {
            Deed::SwitchOn => {
                self.line.is_renewing = true;
                self.tell(Happened::SwitchedOn);
            }
            Deed::StopNow => {
                if self.line.is_renewing {
                    self.tell(Happened::SwitchedOff);
                }
                self.end(Why::Cancelled);
            }
            _ => {
                self.line.is_renewing = false;
                self.tell(Happened::SwitchedOff);
            }
        }
    }

    /// A pause is asked for, begins and ends.
    pub(super) fn pause(&mut self, deed: Deed, share: u8) {
        match deed {
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
            _ => {
                if self.habits.keeps_dates {
                    // A period went by.
                    self.at = self.ends_at() + self.lasts();
                } else {
                    self.pass(30 * DAY, share);
                }
                self.next(self.at);
                self.at = after(self.at, self.habits.paid_after);
            }
        }
    }

    /// Another charge before the period ends: of the larger product, of a period that starts anew, or of one more period.
    pub(super) fn buy_again(&mut self, deed: Deed, share: u8) {
        self.within(share);
        let (product, paper, how) = match deed {
            Deed::Upgrade => (LARGER, Paper::First, How::AtOnce),
            Deed::StartAnew => (self.line.product, Paper::Next, How::Anew),
            _ => (self.line.product, Paper::First, How::Renewed),
        };
        let mut charge = self.charge(product, self.at, paper);
        match deed {
            Deed::Upgrade if !self.habits.credits => {}
            Deed::Upgrade | Deed::StartAnew => charge.micros -= self.left(),
            // What was left is not lost.
            _ => charge.until = Some(self.ends_at() + self.lasts()),
        }
        self.charged(product, charge, how);
    }

    /// Another product is wanted with the next period, or no longer.
    pub(super) fn plan(&mut self, deed: Deed, share: u8) {
        self.within(share);
        self.line.is_planned = deed == Deed::Plan;
        if deed == Deed::Unplan {
            return self.tell(Happened::PlanWithdrawn);
        }
        let planned = self.habits.products[self.planned()];
        self.tell(Happened::Planned(planned.to_owned()));
        if !self.line.is_renewing {
            self.line.is_renewing = true;
            self.tell(Happened::SwitchedOn);
        }
    }

    /// The end of the period moves.
    pub(super) fn move_end(&mut self, share: u8) {
        self.within(share);
        let until = after(self.ends_at(), 10 * DAY);
        self.line.charge.until = Some(until);
        self.line.is_moved = true;
        self.tell(Happened::Moved(until));
    }

    /// More of the same until the end of the period.
    pub(super) fn take_more(&mut self, share: u8) {
        self.within(share);
        let more = Charge {
            micros: MORE_PRICE,
            until: None,
            ..self.charge(self.line.product, self.at, Paper::Next)
        };
        self.line.more = Some(more.clone());
        self.tell(Happened::TookMore(more));
    }

    /// A further product is taken.
    pub(super) fn join(&mut self, share: u8) {
        self.within(share);
        if self.habits.joins_at_renewal {
            self.line.is_joining = true;
            return;
        }
        let id = self.charge(self.line.product, self.at, Paper::First).id;
        self.add_on(id, self.left_of(ADDON_PRICE));
    }

    /// The further product leaves with the period.
    pub(super) fn leave(&mut self, share: u8) {
        self.within(share);
        if let Some(side) = &mut self.line.side {
            side.is_leaving = true;
            let purchase = side.purchase;
            self.tell_of(purchase, Happened::SwitchedOff);
        }
    }

    /// The price goes up.
    pub(super) fn raise(&mut self, deed: Deed, share: u8) {
        self.within(share);
        let (increase, what) = match deed {
            Deed::Announce => (Increase::Announced, Happened::IncreaseAnnounced),
            Deed::Inform => (Increase::Informed, Happened::IncreaseAccepted),
            _ => (Increase::Accepted, Happened::IncreaseAccepted),
        };
        self.line.increase = increase;
        self.tell(what);
    }

    /// What is bought once is a purchase of its own.
    pub(super) fn trade_once(&mut self, deed: Deed, share: u8) {
        self.pass(self.room(), share);
        if deed == Deed::RefundOnce {
            return self.refund_once();
        }
        let purchase = self.purchases;
        self.purchases += 1;
        let is_pass = deed == Deed::BuyPass;
        let charge = Charge {
            product: if is_pass {
                self.habits.pass
            } else {
                self.habits.once
            }
            .to_owned(),
            micros: ONCE_PRICE,
            until: None,
            ..self.charge(0, self.at, Paper::Once)
        };
        self.traded = self.once.len();
        self.once.push(Once {
            charge: charge.clone(),
            purchase,
            is_given_back: false,
        });
        self.tell_of(
            purchase,
            if is_pass {
                Happened::BoughtFor(charge, after(self.at, PASS_LASTS))
            } else {
                Happened::BoughtOnce(charge)
            },
        );
    }

    /// What is left of the present period is worth, in whole cents.
    fn left(&self) -> i64 {
        let charge = &self.line.charge;
        self.left_of(if charge.is_trial { 0 } else { charge.micros })
    }

    /// The same, of what costs so much for the whole of it.
    pub(super) fn left_of(&self, micros: i64) -> i64 {
        let charge = &self.line.charge;
        let lasts = charge.from.duration_until(self.ends_at()).as_secs();
        let left = self.at.duration_until(self.ends_at()).as_secs();
        micros / 10_000 * left / lasts.max(1) * 10_000
    }
}
