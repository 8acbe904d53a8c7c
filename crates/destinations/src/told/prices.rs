//! What moved, in two currencies.

use domain::Money;

/// One amount; each is `None` where it is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Prices {
    /// In the currency of the customer.
    pub(crate) charged: Option<Money>,
    /// In US dollars.
    pub(crate) dollars: Option<Money>,
}
