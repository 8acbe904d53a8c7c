//! Amounts as Apple writes them.

use domain::{Currency, Money};

/// Thousandths of the currency unit, for every currency. `None` when either part is missing or absurd.
pub(super) fn money(milli_units: Option<i64>, currency: Option<&str>) -> Option<Money> {
    let currency = Currency::try_from(currency?).ok()?;
    Money::from_milli_units(milli_units?, currency).ok()
}
