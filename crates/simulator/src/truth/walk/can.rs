//! What can be done where a life stands.

use super::{
    DAY, HOUR, LARGER, Walk, after,
    line::{Increase, Stand},
};
use crate::truth::{
    deed::Deed,
    life::{Form, Market},
    told::Charge,
};

impl Walk {
    /// Whether something can be done now.
    pub(in crate::truth) fn can(&self, deed: Deed) -> bool {
        if self.habits.never.contains(&deed) {
            return false;
        }
        let line = &self.line;
        let runs = line.stand == Stand::Running && after(self.at, HOUR) < self.ends_at();
        let is_running = line.stand == Stand::Running;
        let is_new = !self.is_given_back(&line.charge);
        let is_wanted = line.is_renewing && !line.is_pause_asked;
        let goes_on = is_wanted || self.is_committed();
        let can_give_back = runs && line.charge.from <= self.at && line.charge.micros > 0 && is_new;
        let is_family = self.form == Form::Family;
        if !self.is_open_to(deed) || !self.is_open_in_stripe(deed) {
            return false;
        }
        match deed {
            Deed::Renew => is_running && goes_on && line.increase != Increase::Announced,
            Deed::SwitchOff => runs && is_wanted,
            Deed::SwitchOn => runs && !line.is_renewing && self.form != Form::Prepaid,
            Deed::Fail => {
                let ends_pause = line.stand == Stand::Paused && !self.habits.keeps_dates;
                is_running && goes_on || ends_pause
            }
            Deed::EndGrace => matches!(line.stand, Stand::Grace(_)),
            Deed::Recover => matches!(line.stand, Stand::Grace(_) | Stand::Retry),
            Deed::GiveUp => line.stand == Stand::Retry,
            Deed::RunOut => is_running && !line.is_renewing && !goes_on,
            Deed::StopNow => runs && !line.is_pause_asked && !is_family,
            Deed::Return => matches!(line.stand, Stand::Over | Stand::Refunded),
            Deed::WinBack => {
                let is_plain = matches!(self.form, Form::Plain | Form::Nameless);
                let mut charges = line.earlier.iter().chain([&line.charge]);
                let has_paid = charges.any(|charge| charge.micros > 0);
                line.stand == Stand::Over && is_plain && has_paid
            }
            Deed::Refund => can_give_back,
            Deed::RefundPart => {
                // Google tells nobody, so that it is heard of with the next charge.
                let is_heard = self.market != Market::Play || line.product != LARGER;
                can_give_back && !is_family && is_heard
            }
            Deed::RefundEarlier => runs && !is_family && self.earlier_to_give_back().is_some(),
            Deed::Undo => {
                let back = line.given_back.last();
                let is_last = back.is_some_and(|back| back.charge.id == line.charge.id);
                let is_taken = line.stand == Stand::Refunded;
                let in_time = after(self.at, HOUR) < self.ends_at();
                is_last && in_time && !is_family && is_taken == self.habits.refund_takes
            }
            Deed::Upgrade => {
                // The App Store sells another product also when the next period was charged ahead.
                let is_ahead = line.charge.from > self.at;
                let is_sold = !is_ahead || self.market == Market::AppStore;
                runs && goes_on
                    && line.product != LARGER
                    && (self.habits.upgrade_of_trial || !line.charge.is_trial)
                    && is_sold
                    && !is_family
            }
            Deed::Plan => {
                runs && line.product == LARGER
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
            Deed::Announce | Deed::AskPause | Deed::Inform => {
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
            Deed::Refuse => is_running && is_wanted && line.increase == Increase::Announced,
            Deed::AskRefund => can_give_back && !is_family && line.asked.is_none(),
            Deed::DeclineRefund => {
                let is_open = line.asked.as_ref().is_some_and(|(_, declined)| !declined);
                runs && is_open && is_new
            }
            Deed::RefundItem => {
                let side = line.side.as_ref();
                let is_there = side.is_some_and(|side| side.given_back_at.is_none());
                can_give_back && is_there && line.increase != Increase::Announced
            }
            Deed::Redeem => runs && is_wanted && !line.is_planned && !line.is_offered && !is_family,
            Deed::TopUp => runs && self.form == Form::Prepaid && line.charge.from <= self.at,
            Deed::Repeat => {
                let began = line.charge.from <= self.at && !line.charge.is_trial;
                runs && is_new && began && !is_family
            }
            Deed::AddOn if self.habits.joins_at_renewal => {
                let is_alone = self.form == Form::Item && !line.had_side && !line.is_joining;
                runs && is_wanted && is_alone && line.increase != Increase::Announced
            }
            Deed::AddOn => {
                runs && goes_on
                    && self.form == Form::Plain
                    && !line.had_side
                    && line.product == 0
                    && !line.charge.is_trial
                    && !line.is_planned
                    && !line.is_pause_asked
                    && line.increase == Increase::None
                    && line.charge.from <= self.at
            }
            Deed::DropAddOn => {
                let is_open = line.increase == Increase::Announced;
                runs && is_wanted && line.side.is_some() && !is_open
            }
            Deed::Play(deed) => self.market == Market::Play && self.can_on_play(deed),
            Deed::Stripe(deed) => self.market == Market::Stripe && self.can_in_stripe(deed),
            Deed::BuyOnce | Deed::BuyPass => !is_family && self.room() > HOUR,
            Deed::RefundOnce => {
                self.room() > HOUR && self.once.iter().any(|once| !once.is_given_back)
            }
        }
    }

    /// Whether it can be done to a purchase of this kind at all: what is not known to be sold so is left out.
    fn is_open_to(&self, deed: Deed) -> bool {
        let line = &self.line;
        let is_trade = matches!(
            deed,
            Deed::BuyOnce | Deed::BuyPass | Deed::RefundOnce | Deed::Play(_)
        );
        let changes = matches!(
            deed,
            Deed::Upgrade
                | Deed::Plan
                | Deed::Unplan
                | Deed::AskPause
                | Deed::Announce
                | Deed::Accept
                | Deed::Move
                | Deed::StartAnew
                | Deed::TakeMore
                | Deed::RefundPart
                | Deed::AskRefund
                | Deed::Inform
                | Deed::Redeem
                | Deed::Repeat
        );
        let side = line.side.as_ref();
        let is_leaving = side.is_some_and(|side| side.is_leaving || side.given_back_at.is_some());
        let is_bound =
            is_leaving || line.is_joining || (line.is_planned && self.habits.planned != 0);
        if is_bound {
            return is_trade || deed == Deed::Renew;
        }
        let holds_several = matches!(self.form, Form::Addon | Form::Item | Form::Metered);
        let has_several = line.side.is_some() || holds_several;
        let is_plain = !has_several && line.term.is_none() && self.form != Form::Prepaid;
        // Items have prices of their own, of which one goes up.
        let is_of_an_item =
            self.has_items() && matches!(deed, Deed::Announce | Deed::Accept | Deed::Inform);
        if (changes || deed == Deed::Refuse) && !is_plain && !is_of_an_item {
            return false;
        }
        // What was paid by different charges is given back by none of them alone.
        let is_one_charge = side.is_none_or(|side| side.charge.id == line.charge.id);
        match deed {
            Deed::Refund => is_one_charge,
            // What was taken with it does not come back.
            Deed::Undo => is_one_charge && (side.is_some() || !line.had_side),
            _ => true,
        }
    }

    /// How many seconds may pass before the store does something, at most a day.
    pub(super) fn room(&self) -> i64 {
        let until = match self.line.stand {
            Stand::Running => self.ends_at(),
            Stand::Grace(until) => until,
            Stand::Retry | Stand::Paused | Stand::Over | Stand::Refunded => return DAY,
        };
        self.at.duration_until(until).as_secs().min(DAY)
    }

    /// The newest earlier charge that was money and is not given back.
    pub(super) fn earlier_to_give_back(&self) -> Option<&Charge> {
        let mut earlier = self.line.earlier.iter().rev();
        earlier.find(|charge| charge.micros > 0 && !self.is_given_back(charge))
    }

    pub(super) fn is_given_back(&self, charge: &Charge) -> bool {
        let mut given_back = self.line.given_back.iter();
        given_back.any(|back| back.charge.id == charge.id)
    }
}
