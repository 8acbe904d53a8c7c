//! Exchange rates: dated, per euro.
//!
//! An amount is converted with the rates of its own day, or else of the last working day before it; where the nearest are
//! older than [`STALE_DAYS`] days, or a currency has none, the result is unknown. Only after the newest day of all, where
//! nothing better can be had yet, that day's rates serve for [`NEWEST_SERVE_DAYS`] days. Nothing is guessed.

use crate::{Currency, Money};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rates older than this many days say nothing about an amount. Long enough for every holiday of the ECB calendar.
pub const STALE_DAYS: i64 = 10;

/// The newest rates known serve for amounts of this many days after them: a server without a network keeps its dollars for
/// a quarter, and an amount is off by what currencies move in that time.
pub const NEWEST_SERVE_DAYS: i64 = 92;

/// What one euro was worth on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rate {
    /// The day.
    pub date: Date,
    /// The currency.
    pub currency: Currency,
    /// Millionths of it for one euro; more than zero.
    pub micros_per_euro: i64,
}

/// All rates known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    days: BTreeMap<Date, BTreeMap<Currency, i64>>,
}

impl FromIterator<Rate> for Rates {
    fn from_iter<T: IntoIterator<Item = Rate>>(rates: T) -> Self {
        let mut all = Self::default();
        for rate in rates {
            all.days
                .entry(rate.date)
                .or_default()
                .insert(rate.currency, rate.micros_per_euro);
        }
        all
    }
}

impl Rates {
    /// Whether amounts of `today` are converted with rates that are older than they should be, or not at all.
    pub fn are_stale(&self, today: Date) -> bool {
        self.newest()
            .is_none_or(|newest| days_between(newest, today) > STALE_DAYS)
    }

    /// Whether amounts of `today` are converted at all.
    pub fn serve(&self, today: Date) -> bool {
        self.newest()
            .is_some_and(|newest| days_between(newest, today) <= NEWEST_SERVE_DAYS)
    }

    /// The last day with rates.
    pub fn newest(&self) -> Option<Date> {
        self.days.keys().next_back().copied()
    }

    /// The rates of the last day with any, by currency.
    pub fn newest_rates(&self) -> impl Iterator<Item = Rate> {
        let newest = self.days.iter().next_back();
        newest.into_iter().flat_map(|(date, rates)| {
            rates.iter().map(|(currency, micros)| Rate {
                date: *date,
                currency: *currency,
                micros_per_euro: *micros,
            })
        })
    }

    /// Days with rates.
    pub fn days(&self) -> usize {
        self.days.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// `amount` in `currency` as of `date`, rounded half away from zero to whole millionths. `None` when unknown.
    pub fn convert(&self, amount: Money, currency: Currency, date: Date) -> Option<Money> {
        if amount.currency == currency {
            return Some(amount);
        }
        let (day, rates) = self.days.range(..=date).next_back()?;
        let serves = if self.newest() == Some(*day) {
            NEWEST_SERVE_DAYS
        } else {
            STALE_DAYS
        };
        if days_between(*day, date) > serves {
            return None;
        }
        let per_euro = |currency: Currency| {
            if currency == Currency::EUR {
                Some(1_000_000)
            } else {
                rates.get(&currency).copied()
            }
        };
        let (from, to) = (
            i128::from(per_euro(amount.currency)?),
            i128::from(per_euro(currency)?),
        );
        let scaled = i128::from(amount.micros) * to;
        let half = if scaled < 0 { -from } else { from } / 2;
        let micros = i64::try_from((scaled + half) / from).ok()?;
        Some(Money::new(micros, currency))
    }
}

/// Whole days from one day to another.
fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(micros: i64, currency: &str) -> Money {
        Money::new(micros, Currency::try_from(currency).unwrap())
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// Rates by day and currency, in millionths.
    fn known(rates: &[(&str, &str, i64)]) -> Rates {
        let rate = |(date, currency, micros_per_euro): &(&str, &str, i64)| Rate {
            date: day(date),
            currency: Currency::try_from(*currency).unwrap(),
            micros_per_euro: *micros_per_euro,
        };
        rates.iter().map(rate).collect()
    }

    #[test]
    fn amounts_are_converted_with_the_rates_of_their_day() {
        let rates = known(&[
            ("2026-11-20", "USD", 1_250_000),
            ("2026-11-20", "JPY", 160_000_000),
            ("2026-11-18", "USD", 1_200_000),
            ("2026-11-18", "JPY", 155_500_000),
            ("2026-11-18", "CHF", 950_000),
        ]);
        let usd = |amount, date| {
            rates
                .convert(amount, Currency::USD, day(date))
                .map(|money| money.micros)
        };
        assert_eq!(
            usd(money(10_000_000, "EUR"), "2026-11-20"),
            Some(12_500_000)
        );
        assert_eq!(
            usd(money(300_000_000, "JPY"), "2026-11-20"),
            Some(2_343_750)
        );
        assert_eq!(
            usd(money(-300_000_000, "JPY"), "2026-11-20"),
            Some(-2_343_750)
        );
        assert_eq!(
            usd(money(10_000_000, "EUR"), "2026-11-19"),
            Some(12_000_000),
            "the last day before"
        );
        assert_eq!(
            usd(money(1_000_000, "CHF"), "2026-11-20"),
            None,
            "unknown that day"
        );
        assert_eq!(
            usd(money(1_000_000, "XAU"), "2026-11-20"),
            None,
            "unknown currency"
        );
        assert_eq!(
            usd(money(1_000_000, "EUR"), "2026-11-17"),
            None,
            "before the first day"
        );
        assert_eq!(
            usd(money(1_000_000, "EUR"), "2027-02-20"),
            Some(1_250_000),
            "the newest there are"
        );
        assert_eq!(
            usd(money(1_000_000, "EUR"), "2027-02-21"),
            None,
            "too old to say"
        );
        assert!(!rates.are_stale(day("2026-11-30")) && rates.are_stale(day("2026-12-01")));
        assert!(rates.serve(day("2027-02-20")) && !rates.serve(day("2027-02-21")));
        let gap = known(&[
            ("2026-11-01", "USD", 1_200_000),
            ("2026-11-20", "USD", 1_250_000),
        ]);
        assert_eq!(
            gap.convert(money(1, "EUR"), Currency::USD, day("2026-11-12")),
            None,
            "days in between are missing"
        );
        assert_eq!(
            usd(money(1, "USD"), "1999-01-01"),
            Some(1),
            "dollars are dollars"
        );
        assert_eq!(
            usd(money(i64::MAX, "EUR"), "2026-11-20"),
            None,
            "out of range"
        );
    }
}
