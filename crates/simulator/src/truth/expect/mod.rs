//! What a listener should have made of a history: which events, with which product, amount, reason and time.
//!
//! Sources: `docs/lifecycle.md`, *What a charge is*, *What a difference is*, *First sight*; what a change of product tells is
//! said by Adapty's *Event flows* and RevenueCat's *Common Webhook Flows*.

mod expected;
mod reader;
mod replaced;
mod standing;

pub use expected::{Expected, Lasting, When};

use super::{
    life::{Form, Market},
    told::{Happened, History, How, Told},
};
use jiff::{SignedDuration, Timestamp};
use reader::Reader;
use standing::Standing;

/// When a purchase was first heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct First {
    /// When something of it came.
    pub heard: Timestamp,
    /// When its store had sent that first: it sends again for days what does not arrive, and what is news is measured from then.
    pub sent: Timestamp,
}

impl First {
    /// By something that came when it was sent.
    pub const fn at(at: Timestamp) -> Self {
        let (heard, sent) = (at, at);
        Self { heard, sent }
    }
}

/// A purchase that began longer ago is no news.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

impl History {
    /// All events of a history in a store that was listened to from before its beginning.
    pub fn expected(&self, market: Market) -> Vec<Expected> {
        self.heard_since(market, |_| None)
    }

    /// Events of a history of whose purchases nothing was heard before the times given: what is older than a day by then is no
    /// news, and only what says how the purchase stands is told of it. What else may be told, since not everything is heard, is
    /// among them.
    pub fn expected_since(
        &self,
        market: Market,
        first_heard: impl Fn(usize) -> Option<First>,
    ) -> Vec<Expected> {
        let mut all = self.heard_since(market, first_heard);
        all.extend(self.replaced_by_unknown(market));
        all
    }

    /// Whether it is a further product of a purchase that was known when it joined.
    fn joined_what_was_known(
        &self,
        purchase: usize,
        began: Timestamp,
        first_heard: &impl Fn(usize) -> Option<First>,
    ) -> bool {
        let was_known = |base| first_heard(base).is_some_and(|first| first.heard <= began);
        self.unlocks(purchase) == "hd" && (0..purchase).any(was_known)
    }

    /// Whether it is a further product that had ended when its purchase was first heard of, which goes on: it says nothing of how that stands.
    fn ended_beside(&self, purchase: usize, heard: Timestamp, market: Market) -> bool {
        let told = self.of(purchase);
        let last = told.iter().rfind(|told| market.shows_at(told) <= heard);
        let is_over = last.is_some_and(|told| {
            matches!(
                told.what,
                Happened::Ended(_)
                    | Happened::HadEnded(..)
                    | Happened::TakenOff
                    | Happened::GaveBack {
                        takes_access: true,
                        ..
                    }
            )
        });
        let goes_on = |base| self.lets_in(base, heard);
        is_over && self.unlocks(purchase) == "hd" && (0..purchase).any(goes_on)
    }

    fn heard_since(
        &self,
        market: Market,
        first_heard: impl Fn(usize) -> Option<First>,
    ) -> Vec<Expected> {
        if self.form == Form::Family {
            // Who is let in by somebody else has bought nothing.
            return Vec::new();
        }
        let mut all = Vec::new();
        for purchase in 0..self.purchases() {
            let before = all.len();
            let told = self.of(purchase);
            let is_plain = matches!(self.form, Form::Plain | Form::SetUp | Form::Invoiced);
            let is_ordinary = is_plain && self.unlocks(purchase) != "hd";
            let mut reader = Reader::of(market, is_ordinary, &told);
            let first = first_heard(purchase).unwrap_or(First::at(Timestamp::MIN));
            let heard = first.heard;
            let began = told.first().map_or(Timestamp::MAX, |told| told.at);
            let is_old = began.duration_until(first.sent) > NEWS
                && !(market.shows_all()
                    && self.joined_what_was_known(purchase, began, &first_heard));
            let mut standing = Standing::default();
            for (index, what) in told.iter().enumerate() {
                let events = reader.read(index);
                let is_before = is_old && market.shows_at(what) <= heard;
                if is_before && what.what.is_only_said() {
                    // It may have been heard all the same, and changes nothing of how the purchase stands.
                    all.extend(events);
                } else if is_before {
                    standing.follow(&what.what, &events);
                    // The store may say that a refund was undone of which nobody heard.
                    let undone = matches!(what.what, Happened::TookAgain(_));
                    let perhaps = events.into_iter().filter(|_| undone);
                    all.extend(perhaps.map(|event| Expected {
                        lasting: Lasting::Perhaps,
                        ..event
                    }));
                } else {
                    if what.at <= heard && matches!(what.what, Happened::Charged(..)) {
                        standing.resume();
                    }
                    all.extend(standing.since.take());
                    all.extend(events);
                }
            }
            let is_history = is_old && self.ended_beside(purchase, heard, market);
            all.extend(standing.since.filter(|_| !is_history));
            let of_this = all.iter_mut().skip(before);
            of_this.for_each(|event| event.purchase = purchase);
        }
        all
    }
}

impl Market {
    /// Whether whatever it says of a purchase shows all that is in it. On Google Play what joins has another token.
    const fn shows_all(self) -> bool {
        matches!(self, Self::AppStore | Self::Stripe)
    }

    /// When a store's records show it: where money is taken some time after a period began, a charge is none before.
    fn shows_at(self, told: &Told) -> Timestamp {
        match &told.what {
            Happened::Charged(charge, How::First | How::Renewed) if charge.from == told.at => {
                told.at + SignedDuration::from_secs(self.habits().paid_after)
            }
            _ => told.at,
        }
    }
}
