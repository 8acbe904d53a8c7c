//! What moved, in two currencies.

use domain::{Currency, Money};

/// One amount; each is `None` where it is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Prices {
    /// In the currency of the customer.
    pub(crate) charged: Option<Money>,
    /// In US dollars.
    pub(crate) dollars: Option<Money>,
}

impl Prices {
    /// The same where nothing moved.
    pub(crate) fn of_nothing(self) -> Self {
        let nothing = |currency| Money::new(0, currency);
        Self {
            charged: self.charged.map(|charged| nothing(charged.currency)),
            dollars: Some(nothing(Currency::USD)),
        }
    }
}
