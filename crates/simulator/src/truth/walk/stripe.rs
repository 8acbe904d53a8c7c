//! What happens in Stripe only. Sources: Stripe, "How disputes work"; "Pause payment collection"; "Pause subscriptions"; "How subscriptions
//! work" (an invoice that is void or given up ends no subscription that is active); "Prorations"; "Subscriptions with multiple products"; API
//! reference, Checkout Session, `line_items`.

use super::{
    DAY, HOUR, Walk, after,
    line::Stand,
    own::{Own, Usage},
};
use crate::truth::{
    deed::{Deed, StripeDeed},
    life::{Form, Market},
    names::Paper,
    told::{Charge, Happened, How, Why},
};

/// What fewer seats give back until the end of a period.
const LESS_PRICE: i64 = 3_000_000;
/// What the products of a cart cost, in its order.
const CART_PRICES: [i64; 2] = [4_000_000, 2_000_000];

/// What was used in a period costs, in turns.
const USED: [i64; 4] = [0, 1_250_000, 3_400_000, 0];

impl Walk {
    /// The first period runs, and its invoice is sent.
    pub(super) fn owe(&mut self, first: Charge) {
        let until = first.until.unwrap_or(first.from);
        self.tell(Happened::RanOn(first.from, until));
        self.own = Own {
            runs_unpaid: true,
            is_new: true,
            invoice: "open",
            owed: Some(first),
            ..Own::default()
        };
    }

    /// From now on, what is used is counted.
    pub(super) fn count_usage(&mut self) {
        let purchase = self.purchases;
        self.purchases += 1;
        self.own.usage = Some(Usage {
            purchase,
            micros: 0,
            is_charged: false,
        });
        let joined = Happened::Joined(self.habits.usage.to_owned(), self.ends_at());
        self.tell_of(purchase, joined);
    }

    /// What was used in the period that is over is charged with the next. Nothing was charged for what was not used; what was charged before
    /// goes on.
    pub(super) fn charged_for_usage(&mut self, charge: &Charge, how: How) {
        let used = USED[usize::try_from(self.count.all).unwrap_or(0) % USED.len()];
        // What is used in a trial costs nothing.
        let was_free = self.line.earlier.last().is_some_and(|last| last.is_trial);
        let micros = if was_free { 0 } else { used };
        let Some(usage) = &mut self.own.usage else {
            return;
        };
        usage.micros = micros;
        let purchase = usage.purchase;
        let was_charged = usage.is_charged;
        usage.is_charged |= micros > 0;
        let until = charge.until.unwrap_or(charge.from);
        let used = Charge {
            product: self.habits.usage.to_owned(),
            micros,
            ..charge.clone()
        };
        match (micros > 0, was_charged) {
            (true, false) => self.tell_of(purchase, Happened::Charged(used, How::First)),
            (true, true) => self.tell_of(purchase, Happened::Charged(used, how)),
            (false, _) => self.tell_of(purchase, Happened::RanOn(charge.from, until)),
        }
    }

    /// Whether something can be done that does not go together with everything that stands in Stripe.
    pub(super) fn is_open_in_stripe(&self, deed: Deed) -> bool {
        let changes = matches!(
            deed,
            Deed::Upgrade
                | Deed::Plan
                | Deed::AskPause
                | Deed::StartAnew
                | Deed::TakeMore
                | Deed::AddOn
        );
        let gives_back = matches!(
            deed,
            Deed::Refund | Deed::RefundPart | Deed::RefundEarlier | Deed::Undo | Deed::UndoEarlier
        );
        let own = &self.own;
        let last = self.line.given_back.last();
        let is_disputed = last.is_some_and(|back| {
            let disputed = own.disputed.as_ref();
            disputed.is_some_and(|(_, disputed)| disputed.charge.id == back.charge.id)
        });
        let was_beside =
            self.market == Market::Stripe && self.line.had_side && self.line.side.is_none();
        let is_trade = matches!(deed, Deed::BuyOnce | Deed::BuyPass | Deed::RefundOnce);
        let is_scheduled = self.market == Market::Stripe && self.line.is_planned;
        match deed {
            // A schedule lets nobody cancel, and what becomes of it while nothing is collected is not known.
            Deed::SwitchOff | Deed::AskPause | Deed::Fail if is_scheduled => false,
            _ if own.is_new => is_trade || matches!(deed, Deed::Stripe(_)),
            _ if own.usage.is_some() && gives_back => false,
            Deed::Resume => !own.is_paused,
            Deed::Undo | Deed::UndoEarlier if is_disputed => false,
            // What was paid with a product that was taken off is given back for that one as well.
            _ if gives_back && was_beside => false,
            _ if own.runs_unpaid => !changes && !gives_back,
            _ if own.credit > 0 => !changes,
            _ => true,
        }
    }

    pub(super) fn can_in_stripe(&self, deed: StripeDeed) -> bool {
        let (line, own) = (&self.line, &self.own);
        let runs = line.stand == Stand::Running && after(self.at, HOUR) < self.ends_at();
        let is_wanted = line.is_renewing && !line.is_pause_asked && !line.is_planned;
        let is_simple = matches!(self.form, Form::Plain | Form::SetUp | Form::Invoiced)
            && !line.had_side
            && !line.charge.is_trial
            && !own.runs_unpaid
            && own.credit == 0
            && line.charge.from <= self.at;
        match deed {
            StripeDeed::Dispute => {
                let is_new = !self.is_given_back(&line.charge);
                runs && is_simple && is_new && line.charge.micros > 0 && own.disputed.is_none()
            }
            StripeDeed::WinDispute | StripeDeed::LoseDispute => {
                own.disputed.is_some() && self.room() > HOUR
            }
            StripeDeed::EndDisputed => {
                let disputed = own.disputed.as_ref();
                runs && disputed.is_some_and(|(purchase, _)| *purchase == line.purchase)
            }
            StripeDeed::Unpause => runs && line.is_pause_asked,
            StripeDeed::PauseNow | StripeDeed::TakeLess => runs && is_wanted && is_simple,
            StripeDeed::ResumeNow => line.stand == Stand::Paused && own.is_paused,
            StripeDeed::LetRun => line.stand == Stand::Running && is_wanted && is_simple,
            StripeDeed::PayLate => runs && own.owed.is_some(),
            StripeDeed::TakeOff => runs && is_wanted && line.side.is_some(),
            StripeDeed::AddLater => self.can(Deed::AddOn),
            StripeDeed::BuyCart => self.room() > HOUR,
            StripeDeed::RefundCart => {
                self.room() > HOUR && !own.cart.is_empty() && own.halves_back < 2
            }
        }
    }

    pub(super) fn step_in_stripe(&mut self, deed: StripeDeed, share: u8) {
        match deed {
            StripeDeed::Dispute => {
                self.within(share);
                let charge = self.line.charge.clone();
                self.gave_back(charge.micros, charge, false);
                let back = self.line.given_back.last().cloned();
                self.own.disputed = back.map(|back| (self.line.purchase, back));
            }
            StripeDeed::WinDispute | StripeDeed::LoseDispute => {
                self.pass(self.room(), share);
                self.decide(deed);
            }
            StripeDeed::EndDisputed => {
                self.within(share);
                self.end(Why::Disputed);
            }
            StripeDeed::Unpause => {
                self.within(share);
                self.line.is_pause_asked = false;
                self.tell(Happened::PauseWithdrawn);
            }
            StripeDeed::PauseNow => {
                self.within(share);
                self.line.stand = Stand::Paused;
                self.own.is_paused = true;
                self.tell(Happened::Paused);
            }
            StripeDeed::ResumeNow => {
                self.pass(30 * DAY, share);
                self.own.is_paused = false;
                let product = self.line.product;
                let charge = self.charge(product, self.at, Paper::Next);
                self.charged(product, charge, How::Anew);
            }
            StripeDeed::LetRun => self.let_run(share),
            StripeDeed::PayLate => self.pay_late(share),
            StripeDeed::TakeLess => {
                self.within(share);
                self.own.credit = LESS_PRICE;
            }
            StripeDeed::TakeOff => {
                self.within(share);
                if let Some(side) = self.line.side.take() {
                    self.tell_of(side.purchase, Happened::TakenOff);
                }
            }
            StripeDeed::AddLater => {
                self.within(share);
                self.add_owed();
            }
            StripeDeed::BuyCart => self.buy_cart(share),
            StripeDeed::RefundCart => self.refund_cart(share),
        }
    }

    fn decide(&mut self, deed: StripeDeed) {
        let Some((purchase, back)) = self.own.disputed.take() else {
            return;
        };
        if deed == StripeDeed::WinDispute {
            let given_back = &mut self.line.given_back;
            given_back.retain(|other| other.charge.id != back.charge.id);
            self.tell_of(purchase, Happened::TookAgain(back.charge.clone()));
        }
        self.decided = Some((purchase, back));
    }

    /// The next period begins, and its invoice is open, void, given up or still a draft.
    fn let_run(&mut self, share: u8) {
        self.at = self.at.max(self.ends_at());
        let from = self.ends_at();
        let charge = self.charge(self.line.product, from, Paper::Next);
        let until = charge.until.unwrap_or(from);
        self.own.runs_unpaid = true;
        self.own.before = Some(self.line.charge.clone());
        self.own.invoice = ["open", "void", "uncollectible", "draft"][usize::from(share) % 4];
        (self.line.charge.from, self.line.charge.until) = (from, Some(until));
        self.own.owed = Some(charge).filter(|_| self.own.invoice != "void");
        self.tell(Happened::RanOn(from, until));
    }

    fn pay_late(&mut self, share: u8) {
        self.within(share);
        let Some(charge) = self.own.owed.take() else {
            return;
        };
        self.own.runs_unpaid = false;
        let is_new = std::mem::take(&mut self.own.is_new);
        let old = std::mem::replace(&mut self.line.charge, charge.clone());
        let how = if is_new {
            How::First
        } else {
            let old = self.own.before.take().unwrap_or(old);
            self.line.earlier.push(old);
            How::Renewed
        };
        self.tell(Happened::Charged(charge, how));
    }

    fn refund_cart(&mut self, share: u8) {
        self.pass(self.room(), share);
        self.own.halves_back += 1;
        for (purchase, charge) in self.own.cart.clone() {
            let what = Happened::GaveBack {
                micros: charge.micros / 2,
                takes_access: self.own.halves_back == 2,
                charge,
            };
            self.tell_of(purchase, what);
        }
    }

    fn buy_cart(&mut self, share: u8) {
        self.pass(self.room(), share);
        let once = self.charge(0, self.at, Paper::Once);
        self.own.halves_back = 0;
        self.own.cart.clear();
        for (product, micros) in self.habits.cart.iter().zip(CART_PRICES) {
            let charge = Charge {
                product: (*product).to_owned(),
                micros,
                until: None,
                ..once.clone()
            };
            self.own.cart.push((self.purchases, charge.clone()));
            self.tell_of(self.purchases, Happened::BoughtOnce(charge));
            self.purchases += 1;
        }
    }
}
