//! What somebody bought, as it stands.

use crate::truth::told::Charge;
use jiff::Timestamp;

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::truth) enum Stand {
    Running,
    /// Unpaid, and the customer may go on until then.
    Grace(Timestamp),
    /// Unpaid.
    Retry,
    Paused,
    Over,
    Refunded,
}

/// How an increase of the price stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::truth) enum Increase {
    None,
    Announced,
    Accepted,
    /// Nobody has to accept it.
    Informed,
}

/// A further product in the same purchase, with the periods of the first.
pub(in crate::truth) struct Side {
    /// Under which number what happens to it is told.
    pub(in crate::truth) purchase: usize,
    pub(in crate::truth) charge: Charge,
    /// Charges before it.
    pub(in crate::truth) earlier: Vec<Charge>,
    /// It is taken off at the renewal.
    pub(in crate::truth) is_leaving: bool,
    /// When it was given back, which takes it off at once.
    pub(in crate::truth) given_back_at: Option<Timestamp>,
    /// Nothing was charged for it yet: its charge is what waits for the next one.
    pub(in crate::truth) is_owed: bool,
    /// When it joined.
    pub(in crate::truth) since: Timestamp,
}

/// How far a customer is in a term of charges that go on when it is cancelled.
#[derive(Debug, Clone, Copy)]
pub(in crate::truth) struct Term {
    /// Which charge of the term was the last, from 1.
    pub(in crate::truth) number: u8,
    pub(in crate::truth) of: u8,
}

impl Term {
    /// Whether another charge of the term follows.
    pub(in crate::truth) const fn goes_on(self) -> bool {
        self.number < self.of
    }
}

/// With what a period was sold for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::truth) enum Offer {
    /// With an offer to somebody who was there.
    Promotional,
    /// To somebody who had left.
    WinBack,
}

/// The subscription of a life, as it stands.
pub(in crate::truth) struct Line {
    pub(in crate::truth) purchase: usize,
    pub(in crate::truth) charge: Charge,
    /// Charges before it, of the same purchase.
    pub(in crate::truth) earlier: Vec<Charge>,
    /// Which product.
    pub(in crate::truth) product: usize,
    pub(in crate::truth) is_renewing: bool,
    /// Another product is chosen for the next period.
    pub(in crate::truth) is_planned: bool,
    pub(in crate::truth) stand: Stand,
    pub(in crate::truth) increase: Increase,
    /// What was given back, in that order.
    pub(in crate::truth) given_back: Vec<Back>,
    pub(in crate::truth) is_pause_asked: bool,
    /// The money that was taken last in the middle of a period.
    pub(in crate::truth) more: Option<Charge>,
    pub(in crate::truth) side: Option<Side>,
    /// Further products that were in it before: charges that paid for them, too, may be given back.
    pub(in crate::truth) former_sides: Vec<Side>,
    pub(in crate::truth) term: Option<Term>,
    /// A further product joins at the renewal.
    pub(in crate::truth) is_joining: bool,
    /// The next period is sold for less.
    pub(in crate::truth) is_offered: bool,
    /// With which offer the present one was.
    pub(in crate::truth) offer: Option<Offer>,
    /// What the customer asked to have back, and whether the store said no.
    pub(in crate::truth) asked: Option<(Charge, bool)>,
    pub(in crate::truth) is_moved: bool,
    /// There was a further product before.
    pub(in crate::truth) had_side: bool,
}

/// Money given back.
#[derive(Debug, Clone)]
pub(in crate::truth) struct Back {
    pub(in crate::truth) charge: Charge,
    pub(in crate::truth) at: Timestamp,
}

/// What was bought once.
pub(in crate::truth) struct Once {
    pub(in crate::truth) charge: Charge,
    pub(in crate::truth) purchase: usize,
    pub(in crate::truth) is_given_back: bool,
}
