//! What stands in Stripe only.

use super::line::Back;
use crate::truth::told::Charge;

/// What stands in Stripe only.
#[derive(Default)]
pub(in crate::truth) struct Own {
    /// The charge whose money the bank took back, until somebody decided, and of which purchase it is.
    pub(in crate::truth) disputed: Option<(usize, Back)>,
    /// It was paused at once, whatever its period.
    pub(in crate::truth) is_paused: bool,
    /// The present period was not paid.
    pub(in crate::truth) runs_unpaid: bool,
    /// The last charge, as it was before that period began.
    pub(super) before: Option<Charge>,
    /// What may still be paid for it, and how its invoice stands.
    pub(in crate::truth) owed: Option<Charge>,
    pub(in crate::truth) invoice: &'static str,
    /// What is taken off the next charge, and what was taken off the last.
    pub(in crate::truth) credit: i64,
    pub(in crate::truth) credited: i64,
    /// It is what was bought, and nothing else was paid for it.
    pub(in crate::truth) is_new: bool,
    /// What is counted.
    pub(in crate::truth) usage: Option<Usage>,
    /// The products of the last cart, each a purchase of its own, and how much of them was given back, in halves.
    pub(in crate::truth) cart: Vec<(usize, Charge)>,
    pub(super) halves_back: u8,
}

/// What is counted, and charged when a period is over.
pub(in crate::truth) struct Usage {
    /// Under which number what happens to it is told.
    pub(in crate::truth) purchase: usize,
    /// How much the last invoice charges for it.
    pub(in crate::truth) micros: i64,
    /// It was charged before.
    pub(in crate::truth) is_charged: bool,
}
