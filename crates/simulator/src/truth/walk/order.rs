//! An order of several products on Google Play.

use crate::truth::told::Charge;

/// An order of several products, each a purchase of its own.
pub(in crate::truth) struct Order {
    /// How many there were before it.
    pub(in crate::truth) number: u64,
    pub(in crate::truth) parts: Vec<Part>,
}

/// One of the products of an order.
pub(in crate::truth) struct Part {
    /// Under which number what happens to it is told.
    pub(in crate::truth) purchase: usize,
    pub(in crate::truth) charge: Charge,
    pub(in crate::truth) quantity: u32,
    pub(in crate::truth) given_back: u32,
}

impl Part {
    /// What one piece of it costs.
    pub(in crate::truth) fn each(&self) -> i64 {
        self.charge.micros / i64::from(self.quantity)
    }
}
