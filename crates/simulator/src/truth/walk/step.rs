//! What truly happens when something is done. What somebody wants otherwise is in `wish`.

use super::{
    ADDON_PRICE, DAY, INTRO_PRICE, TRIAL, Walk, after,
    line::{Increase, Offer, Stand, Term},
};
use crate::truth::{
    deed::Deed,
    life::Form,
    names::Paper,
    told::{Charge, Happened, How, Why},
};
use jiff::Timestamp;

impl Walk {
    /// Does it. Something that cannot be done now must not be asked for.
    pub(in crate::truth) fn step(&mut self, deed: Deed, share: u8) {
        match deed {
            Deed::Renew => self.renew(share),
            Deed::Fail => self.fail(share),
            Deed::EndGrace => self.end_grace(),
            Deed::Recover => self.recover(share),
            Deed::GiveUp => {
                self.pass(self.tries(), share);
                self.end(Why::Unpaid);
            }
            Deed::RunOut => self.run_out(if self.form == Form::Prepaid {
                Why::PaidUp
            } else {
                Why::Cancelled
            }),
            Deed::Refuse => self.run_out(Why::Refused),
            Deed::Return | Deed::WinBack => self.come_back(deed, share),
            Deed::SwitchOff | Deed::SwitchOn | Deed::StopNow => self.switch(deed, share),
            Deed::AskPause | Deed::Pause | Deed::Resume => self.pause(deed, share),
            Deed::Refund
            | Deed::RefundPart
            | Deed::RefundEarlier
            | Deed::RefundItem
            | Deed::Undo
            | Deed::UndoLate
            | Deed::UndoEarlier
            | Deed::AskRefund
            | Deed::DeclineRefund => self.refund(deed, share),
            Deed::Upgrade | Deed::StartAnew | Deed::TopUp => self.buy_again(deed, share),
            Deed::Plan | Deed::Unplan => self.plan(deed, share),
            Deed::Move => self.move_end(share),
            Deed::TakeMore => self.take_more(share),
            Deed::Announce | Deed::Accept | Deed::Inform => self.raise(deed, share),
            Deed::Redeem => {
                self.within(share);
                self.line.is_offered = true;
            }
            Deed::Repeat => {
                self.within(share);
                self.tell(Happened::Repeated(self.line.charge.clone()));
            }
            Deed::AddOn => self.join(share),
            Deed::DropAddOn => self.leave(share),
            Deed::BuyOnce | Deed::BuyPass | Deed::RefundOnce => self.trade_once(deed, share),
            Deed::Stripe(deed) => self.step_in_stripe(deed, share),
            Deed::Play(deed) => self.step_on_play(deed, share),
        }
    }

    fn renew(&mut self, share: u8) {
        let early = self.habits.early * i64::from(share) / 100 / 60 * 60;
        self.at = self.at.max(after(self.ends_at(), -early));
        self.next(self.ends_at());
        self.at = after(self.at, self.habits.paid_after);
    }

    fn end_grace(&mut self) {
        if let Stand::Grace(until) = self.line.stand {
            self.at = self.at.max(until);
        }
        self.line.stand = Stand::Retry;
        self.tell(Happened::GraceEnded);
    }

    /// The period ends, and none follows.
    fn run_out(&mut self, why: Why) {
        self.at = self.at.max(self.ends_at());
        self.end(why);
        self.at = after(self.at, self.habits.says_end_after);
    }

    /// The next period, from `from` on.
    pub(super) fn next(&mut self, from: Timestamp) {
        let (product, how) = if self.line.is_planned {
            (self.planned(), How::AtRenewal)
        } else {
            (self.line.product, How::Renewed)
        };
        let is_bought = how == How::AtRenewal && self.habits.plan_is_bought;
        let paper = if is_bought { Paper::First } else { Paper::Next };
        let mut charge = self.charge(product, from, paper);
        charge.micros -= self.own.credit;
        (self.own.credited, self.own.credit) = (self.own.credit, 0);
        let is_offered = self.line.is_offered && how == How::Renewed;
        if is_offered {
            charge.micros = INTRO_PRICE;
        }
        self.charged(product, charge, how);
        self.line.offer = is_offered.then_some(Offer::Promotional);
    }

    pub(super) fn charged(&mut self, product: usize, charge: Charge, how: How) {
        let line = &mut self.line;
        let old = std::mem::replace(&mut line.charge, charge.clone());
        line.earlier.push(self.own.before.take().unwrap_or(old));
        line.product = product;
        let is_cancelled = !line.is_renewing && line.term.is_some_and(Term::goes_on);
        let is_paid_ahead = self.form == Form::Prepaid;
        line.is_renewing = !(is_paid_ahead || is_cancelled && how == How::Renewed);
        line.is_planned = false;
        line.is_moved = false;
        line.is_pause_asked = false;
        line.stand = Stand::Running;
        (self.own.runs_unpaid, self.own.owed) = (false, None);
        line.increase = Increase::None;
        (line.is_offered, line.offer, line.asked) = (false, None, None);
        if let Some(term) = &mut line.term {
            let number = if term.goes_on() && how == How::Renewed {
                term.number + 1
            } else {
                1
            };
            *term = Term { number, ..*term };
        }
        self.charged_beside(&charge);
        self.charged_for_usage(&charge, how);
        self.tell(Happened::Charged(charge, how));
    }

    /// A further product is charged with the first, or was taken off.
    fn charged_beside(&mut self, charge: &Charge) {
        if std::mem::take(&mut self.line.is_joining) {
            return self.joined(charge);
        }
        let Some(mut side) = self.line.side.take() else {
            return;
        };
        if side.given_back_at.is_some() {
            return self.line.former_sides.push(side);
        }
        if side.is_leaving {
            // Where the next period is charged ahead, the old one runs to its end all the same.
            let ends = side
                .charge
                .until
                .map_or(self.at, |until| until.max(self.at));
            self.tell_then(ends, side.purchase, Happened::Ended(Why::Cancelled));
            return self.line.former_sides.push(side);
        }
        let is_first = std::mem::take(&mut side.is_owed);
        let waits = if is_first { side.charge.micros } else { 0 };
        let next = Charge {
            product: side.charge.product.clone(),
            micros: ADDON_PRICE + waits,
            ..charge.clone()
        };
        let how = if is_first { How::First } else { How::Renewed };
        self.tell_of(side.purchase, Happened::Charged(next.clone(), how));
        let old = std::mem::replace(&mut side.charge, next);
        side.earlier.extend(Some(old).filter(|_| !is_first));
        self.line.side = Some(side);
    }

    pub(super) fn end(&mut self, why: Why) {
        self.close();
        self.tell(Happened::Ended(why));
    }

    /// Nothing follows any more.
    pub(super) fn close(&mut self) {
        self.line.stand = Stand::Over;
        self.line.is_renewing = false;
        self.line.is_planned = false;
        (self.own.owed, self.own.credit, self.own.credited) = (None, 0, 0);
        self.line.is_joining = false;
        self.ended_at = self.at;
    }

    fn fail(&mut self, share: u8) {
        if self.line.stand == Stand::Paused {
            // The charge that would end the pause.
            self.pass(30 * DAY, share);
            self.line.stand = Stand::Retry;
            return self.tell(Happened::ChargeFailed { grace: None });
        }
        self.at = self.at.max(self.ends_at());
        let grace = after(self.ends_at(), self.habits.grace);
        let grace = (self.has_grace && grace > self.at).then_some(grace);
        self.line.stand = grace.map_or(Stand::Retry, Stand::Grace);
        self.tell(Happened::ChargeFailed { grace });
    }

    /// How long the store tries to charge, in seconds.
    const fn tries(&self) -> i64 {
        if self.line.term.is_some() {
            self.habits.tries_committed
        } else {
            self.habits.tries
        }
    }

    /// In grace the old dates stay, after it the period begins when it is paid.
    fn recover(&mut self, share: u8) {
        if let Stand::Grace(until) = self.line.stand {
            let left = self.at.duration_until(until).as_secs();
            self.pass(left, share);
            self.next(self.ends_at());
        } else {
            self.pass(self.tries(), share);
            self.next(if self.habits.keeps_dates {
                self.ends_at()
            } else {
                self.at
            });
        }
    }

    fn come_back(&mut self, deed: Deed, share: u8) {
        let side = self.line.side.take();
        self.line.former_sides.extend(side);
        self.own.usage = None;
        self.pass(60 * DAY, share);
        let is_plain = matches!(self.form, Form::Plain | Form::Nameless);
        let is_won_back = deed == Deed::WinBack;
        let product = usize::from(is_plain && !is_won_back && share.is_multiple_of(3));
        let mut charge = self.charge(product, self.at, Paper::First);
        if is_won_back && share.is_multiple_of(2) {
            charge.is_trial = true;
            charge.micros = 0;
            charge.until = Some(after(self.at, TRIAL));
        } else if is_won_back {
            charge.micros = INTRO_PRICE;
        }
        if self.habits.same_on_return {
            self.charged(product, charge, How::CameBack);
        } else {
            self.line.purchase = self.purchases;
            self.purchases += 1;
            self.charged(product, charge, How::First);
            self.line.had_side = false;
            self.line.former_sides.clear();
            self.line.earlier.clear();
            self.line.given_back.clear();
        }
        self.line.offer = is_won_back.then_some(Offer::WinBack);
    }
}
