//! Amounts, in Stripe's own minor units, which are not those of ISO 4217.
//!
//! Source: Stripe, "Supported currencies", sections "Zero-decimal currencies", "Three-decimal currencies" and "Special cases",
//! as of November 2026. ISK and UGX have no decimals any more, but amounts in them are still written with two, which are
//! always zero. That HUF and TWD have none is true of payouts only.

use domain::{Currency, Money};

/// Whole units.
const ZERO_DECIMAL: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

/// Thousandths.
const THREE_DECIMAL: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// Millionths in the unit that amounts of a currency are counted in.
fn minor_unit(currency: Currency) -> i64 {
    let code = currency.code();
    if ZERO_DECIMAL.contains(&code) {
        1_000_000
    } else if THREE_DECIMAL.contains(&code) {
        1_000
    } else {
        10_000
    }
}

/// An amount as Stripe writes it, exactly.
pub(super) fn money(amount: i64, currency: &str) -> Option<Money> {
    let currency = Currency::try_from(currency).ok()?;
    let micros = amount.checked_mul(minor_unit(currency))?;
    Some(Money::new(micros, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The amounts are the examples of Stripe's page: 500 yen and 5 shillings are both written 500, 10 forints 1000.
    #[test]
    fn amounts_are_counted_as_stripe_counts_them() {
        for (amount, currency, units) in [
            (1000, "usd", 10),
            (500, "jpy", 500),
            (500, "ugx", 5),
            (129_000, "isk", 1290),
            (1000, "huf", 10),
            (80_045, "twd", 800),
            (15_000, "mga", 15_000),
            (5000, "kwd", 5),
            (1000, "iqd", 10),
        ] {
            let micros = money(amount, currency).unwrap().micros;
            assert_eq!(micros / 1_000_000, units, "{amount} {currency}");
        }
    }
}
