//! Money that is asked for, given back, and taken again.

use super::{
    DAY, Walk,
    line::{Back, Side, Stand},
};
use crate::truth::{
    deed::Deed,
    life::Form,
    told::{Charge, Happened, Told, Why},
};

impl Walk {
    /// What is done about money that was taken for the subscription.
    pub(super) fn refund(&mut self, deed: Deed, share: u8) {
        match deed {
            Deed::Refund => self.give_back(100, share),
            Deed::RefundPart => self.give_back(40, share),
            Deed::RefundEarlier => {
                self.within(share);
                if let Some(charge) = self.earlier_to_give_back().cloned() {
                    self.gave_back_beside(&charge, false);
                    self.gave_back(charge.micros, charge, false);
                }
            }
            Deed::RefundItem => self.give_back_item(share),
            Deed::Undo => self.take_again(share),
            Deed::UndoLate => self.take_again_late(share),
            Deed::UndoEarlier => {
                self.within(share);
                self.undone = self.line.given_back.pop();
                if let Some(back) = &self.undone {
                    let charge = back.charge.clone();
                    self.tell(Happened::TookAgain(charge));
                }
            }
            Deed::AskRefund => {
                self.within(share);
                let charge = self.line.charge.clone();
                self.line.asked = Some((charge.clone(), false));
                self.tell(Happened::RefundAsked(charge));
            }
            _ => {
                self.within(share);
                if let Some((charge, is_declined)) = &mut self.line.asked {
                    *is_declined = true;
                    let charge = charge.clone();
                    self.tell(Happened::RefundDeclined(charge));
                }
            }
        }
    }

    fn take_again(&mut self, share: u8) {
        self.within(share);
        self.undone = self.line.given_back.pop();
        // What was taken back runs again; what ended is over all the same.
        if self.line.stand == Stand::Refunded {
            self.line.stand = Stand::Running;
        }
        if let Some(side) = &self.line.side {
            let (purchase, charge) = (side.purchase, side.charge.clone());
            self.tell_of(purchase, Happened::TookAgain(charge));
        }
        self.tell(Happened::TookAgain(self.line.charge.clone()));
    }

    /// What was taken back is the customer's again, and over: nobody has charged for what would have followed.
    fn take_again_late(&mut self, share: u8) {
        let ends_at = self.ends_at();
        self.at = self.at.max(ends_at);
        self.pass(30 * DAY, share);
        self.undone = self.line.given_back.pop();
        self.tell(Happened::TookAgain(self.line.charge.clone()));
        let why = if self.line.is_renewing {
            Why::PaidUp
        } else {
            Why::Cancelled
        };
        self.close();
        self.tell(Happened::HadEnded(why, ends_at));
    }

    /// Whether what had ended meanwhile had been cancelled before.
    pub(in crate::truth) fn had_been_cancelled(&self) -> bool {
        let mut told = self.told.iter().rev();
        let had_ended = |told: &&Told| matches!(told.what, Happened::HadEnded(..));
        let last = told.find(had_ended);
        last.is_some_and(|told| matches!(told.what, Happened::HadEnded(Why::Cancelled, _)))
    }

    /// A further product is taken off there and then.
    fn give_back_item(&mut self, share: u8) {
        self.within(share);
        let Some(side) = &mut self.line.side else {
            return;
        };
        side.given_back_at = Some(self.at);
        let purchase = side.purchase;
        let what = Happened::GaveBack {
            micros: side.charge.micros,
            charge: side.charge.clone(),
            takes_access: true,
        };
        self.tell_of(purchase, what);
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
        if self.form == Form::Family {
            return self.tell(Happened::SharingEnded);
        }
        self.gave_back_beside(&charge, takes_access);
        let part = charge.micros * percent / 100;
        self.gave_back(
            part / self.habits.part_of * self.habits.part_of,
            charge,
            takes_access,
        );
    }

    /// What else the same charge paid for, unless that was given back alone.
    fn gave_back_beside(&mut self, charge: &Charge, takes_access: bool) {
        let line = &self.line;
        let paid_for = |side: &Side| {
            let is_left = side.given_back_at.is_none();
            let last = std::iter::once(&side.charge).filter(|_| is_left);
            let mut all = side.earlier.iter().chain(last);
            let beside = all.find(|beside| beside.id == charge.id)?;
            Some((side.purchase, beside.clone()))
        };
        let sides = line.former_sides.iter().chain(&line.side);
        let beside: Vec<_> = sides.filter_map(paid_for).collect();
        for (purchase, charge) in beside {
            let what = Happened::GaveBack {
                micros: charge.micros,
                charge,
                takes_access,
            };
            self.tell_of(purchase, what);
        }
    }

    pub(super) fn gave_back(&mut self, micros: i64, charge: Charge, takes_access: bool) {
        self.line.given_back.push(Back {
            charge: charge.clone(),
            at: self.at,
        });
        self.tell(Happened::GaveBack {
            charge,
            micros,
            takes_access,
        });
    }

    pub(super) fn refund_once(&mut self) {
        let Some(index) = self.once.iter().rposition(|once| !once.is_given_back) else {
            return;
        };
        self.traded = index;
        let once = &mut self.once[index];
        once.is_given_back = true;
        let (purchase, charge) = (once.purchase, once.charge.clone());
        let what = Happened::GaveBack {
            micros: charge.micros,
            charge,
            takes_access: true,
        };
        self.tell_of(purchase, what);
    }
}
