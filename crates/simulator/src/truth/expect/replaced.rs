//! Purchases that others took over from, of which nothing else is heard.
//!
//! Google says of a purchase token that another replaced it, and not which one. Who hears of the old one alone, and of no other
//! before its period is over, knows of an end and of nothing that follows. Source: Google, purchases.subscriptionsv2,
//! `replacementCancellation` and `linkedPurchaseToken`; `docs/lifecycle.md`, *Google Play*.

use super::expected::{Expected, Lasting, When, money};
use crate::truth::{
    life::{Form, Market},
    told::{Charge, Happened, History, How, Told},
};

impl History {
    /// The ends that may be told.
    pub(super) fn replaced_by_unknown(&self, market: Market) -> Vec<Expected> {
        let mut ends = Vec::new();
        let mut base: Option<(usize, &Charge)> = None;
        for told in self.told.iter().filter(|_| market == Market::Play) {
            let replaced = base.filter(|(_, old)| self.takes_over(told, old));
            ends.extend(replaced.map(|(purchase, old)| {
                let is_trial = old.is_trial;
                let kind = if is_trial {
                    "trial_expired"
                } else {
                    "subscription_expired"
                };
                Expected {
                    purchase,
                    micros: None,
                    reason: Some("new_subscription_replace"),
                    when: When::At(told.at),
                    lasting: Lasting::Perhaps,
                    ..money(kind, old)
                }
            }));
            if let Happened::Charged(charge, _) = &told.what
                && !is_further(charge)
            {
                base = Some((told.purchase, charge));
            }
        }
        ends
    }

    /// Whether another token takes over from that of `old`.
    fn takes_over(&self, told: &Told, old: &Charge) -> bool {
        match &told.what {
            Happened::Planned(_) | Happened::Charged(_, How::AtOnce) => true,
            Happened::Charged(_, How::Renewed) => self.form == Form::Prepaid,
            Happened::Charged(charge, How::First) => is_further(charge) && old.from < told.at,
            _ => false,
        }
    }
}

fn is_further(charge: &Charge) -> bool {
    charge.product.contains("hd")
}
