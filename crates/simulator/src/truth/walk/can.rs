//! What can be done where a life stands.

use super::{
    DAY, HOUR, LARGER, SMALLEST, Walk, after,
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
        let is_open = self.is_open_to(deed) && self.is_open_in_stripe(deed);
        !self.habits.never.contains(&deed) && is_open && self.can_where_open(deed)
    }

    /// Whether it can, of what is not left out.
    fn can_where_open(&self, deed: Deed) -> bool {
        let (line, increase) = (&self.line, self.line.increase);
        let is_running = line.stand == Stand::Running;
        let (runs, goes_on) = (self.runs(), self.is_wanted() || self.is_committed());
        let is_family = self.form == Form::Family;
        match deed {
            Deed::Renew => is_running && goes_on && increase != Increase::Announced,
            Deed::SwitchOff => runs && self.is_wanted(),
            Deed::SwitchOn => runs && !line.is_renewing && self.form != Form::Prepaid,
            Deed::Fail => is_running && goes_on || self.can_fail_to_resume(),
            Deed::EndGrace => matches!(line.stand, Stand::Grace(_)),
            Deed::Recover => matches!(line.stand, Stand::Grace(_) | Stand::Retry),
            Deed::GiveUp => line.stand == Stand::Retry,
            Deed::RunOut => is_running && !line.is_renewing && !goes_on,
            Deed::StopNow => runs && !line.is_pause_asked && !is_family,
            Deed::Return => matches!(line.stand, Stand::Over | Stand::Refunded),
            Deed::WinBack => self.can_be_won_back(),
            Deed::Refund => self.can_give_back(),
            Deed::RefundPart => self.can_give_back() && !is_family && self.is_part_heard_of(),
            Deed::RefundEarlier => runs && !is_family && self.earlier_to_give_back().is_some(),
            Deed::RefundItem => self.can_give_back() && self.has_item_to_give_back(),
            Deed::Undo => self.can_undo(),
            Deed::UndoLate => self.can_undo_late(),
            Deed::UndoEarlier => runs && self.can_undo_earlier(),
            Deed::AskRefund => self.can_give_back() && !is_family && line.asked.is_none(),
            Deed::DeclineRefund => runs && self.is_kept() && self.is_refund_asked(),
            Deed::Upgrade => runs && goes_on && !is_family && self.can_upgrade(),
            Deed::Plan => runs && !is_family && self.can_plan(),
            Deed::Unplan => runs && line.is_planned && line.is_renewing,
            Deed::Move => runs && self.has_begun_paid() && !line.is_moved && !is_family,
            Deed::Announce | Deed::AskPause | Deed::Inform => {
                runs && goes_on && increase == Increase::None && !is_family
            }
            Deed::StartAnew => {
                runs && goes_on && !line.is_planned && self.has_begun() && !is_family
            }
            Deed::TakeMore => runs && goes_on && self.has_begun_paid() && !is_family,
            Deed::Pause => is_running && line.is_pause_asked,
            Deed::Resume => line.stand == Stand::Paused,
            Deed::Accept => runs && increase == Increase::Announced,
            Deed::Refuse => is_running && self.is_wanted() && increase == Increase::Announced,
            Deed::Redeem => {
                runs && self.is_wanted() && !line.is_planned && !line.is_offered && !is_family
            }
            Deed::TopUp => runs && self.form == Form::Prepaid && self.has_begun(),
            Deed::Repeat => runs && self.is_kept() && self.has_begun_paid() && !is_family,
            Deed::AddOn if self.habits.joins_at_renewal => runs && self.can_join_at_renewal(),
            Deed::AddOn => runs && goes_on && self.can_join_now(),
            Deed::DropAddOn => {
                runs && self.is_wanted() && line.side.is_some() && increase != Increase::Announced
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
            is_leaving || line.is_joining || (line.is_planned && self.habits.plan_is_bought);
        if is_bound {
            return is_trade || matches!(deed, Deed::Renew | Deed::RunOut);
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
            Deed::UndoLate | Deed::UndoEarlier => !line.had_side,
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

    /// Whether the period runs, for an hour at least.
    fn runs(&self) -> bool {
        self.line.stand == Stand::Running && after(self.at, HOUR) < self.ends_at()
    }

    /// Whether the customer wants it to go on as it is.
    const fn is_wanted(&self) -> bool {
        self.line.is_renewing && !self.line.is_pause_asked
    }

    /// Whether its charge was not given back.
    fn is_kept(&self) -> bool {
        !self.is_given_back(&self.line.charge)
    }

    /// Whether the period that was charged last is there already.
    fn has_begun(&self) -> bool {
        self.line.charge.from <= self.at
    }

    /// The same, and it is no trial.
    fn has_begun_paid(&self) -> bool {
        self.has_begun() && !self.line.charge.is_trial
    }

    /// Whether the charge that would end a pause can fail.
    fn can_fail_to_resume(&self) -> bool {
        self.line.stand == Stand::Paused && !self.habits.keeps_dates
    }

    fn can_be_won_back(&self) -> bool {
        let line = &self.line;
        let is_plain = matches!(self.form, Form::Plain | Form::Nameless);
        let mut charges = line.earlier.iter().chain([&line.charge]);
        let has_paid = charges.any(|charge| charge.micros > 0);
        line.stand == Stand::Over && is_plain && has_paid
    }

    fn can_give_back(&self) -> bool {
        self.runs() && self.has_begun() && self.line.charge.micros > 0 && self.is_kept()
    }

    /// Whether anybody is told of a refund in part: Google tells nobody, so that it is heard of with the next charge.
    fn is_part_heard_of(&self) -> bool {
        self.market != Market::Play || self.line.product != LARGER
    }

    fn has_item_to_give_back(&self) -> bool {
        let side = self.line.side.as_ref();
        let is_there = side.is_some_and(|side| side.given_back_at.is_none());
        is_there && self.line.increase != Increase::Announced
    }

    fn can_undo(&self) -> bool {
        let line = &self.line;
        let back = line.given_back.last();
        let is_last = back.is_some_and(|back| back.charge.id == line.charge.id);
        let is_taken = line.stand == Stand::Refunded;
        let in_time = after(self.at, HOUR) < self.ends_at();
        is_last && in_time && self.form != Form::Family && is_taken == self.habits.refund_takes
    }

    fn can_undo_late(&self) -> bool {
        let line = &self.line;
        let back = line.given_back.last();
        let is_last = back.is_some_and(|back| back.charge.id == line.charge.id);
        is_last && line.stand == Stand::Refunded && self.form != Form::Family
    }

    fn can_undo_earlier(&self) -> bool {
        let line = &self.line;
        let back = line.given_back.last();
        let mut earlier = line.earlier.iter();
        let is_earlier = back.is_some_and(|back| earlier.any(|charge| charge.id == back.charge.id));
        is_earlier && self.form != Form::Family
    }

    fn is_refund_asked(&self) -> bool {
        let asked = self.line.asked.as_ref();
        asked.is_some_and(|(_, declined)| !declined)
    }

    fn can_upgrade(&self) -> bool {
        let line = &self.line;
        // The App Store sells another product also when the next period was charged ahead.
        let is_ahead = line.charge.from > self.at;
        let is_sold = !is_ahead || self.market == Market::AppStore;
        let from_trial = self.habits.upgrade_of_trial || !line.charge.is_trial;
        line.product != LARGER && from_trial && is_sold
    }

    fn can_plan(&self) -> bool {
        let line = &self.line;
        let renews = line.is_renewing || self.habits.plan_switches_on;
        line.product != SMALLEST && !line.is_planned && !line.is_pause_asked && renews
    }

    fn can_join_at_renewal(&self) -> bool {
        let line = &self.line;
        let is_alone = self.form == Form::Item && !line.had_side && !line.is_joining;
        self.is_wanted() && is_alone && line.increase != Increase::Announced
    }

    fn can_join_now(&self) -> bool {
        let line = &self.line;
        let is_alone = self.form == Form::Plain && !line.had_side && line.product == 0;
        let is_settled = !line.is_planned && !line.is_pause_asked;
        is_alone && is_settled && line.increase == Increase::None && self.has_begun_paid()
    }
}
