//! Exchange rates: dated, per euro, as the European Central Bank publishes them.
//!
//! An amount is converted with the rates of its own day, or else of the last working day before it; where the nearest are
//! older than [`STALE_DAYS`] days, or a currency has none, the result is unknown. Nothing is guessed.

use crate::{Currency, Money};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rates older than this many days say nothing about an amount. Long enough for every holiday of the ECB calendar.
pub const STALE_DAYS: i64 = 10;

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

/// A rate that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RateProblem {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub problem: String,
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
    /// The last day with rates.
    pub fn newest(&self) -> Option<Date> {
        self.days.keys().next_back().copied()
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
        if i64::from(day.until(date).ok()?.get_days()) > STALE_DAYS {
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

/// A decimal number in millionths: `1.0871` is 1087100. At most six digits count after the point.
fn decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let whole: i64 = whole.parse().ok()?;
    let micros = whole
        .checked_mul(1_000_000)?
        .checked_add(fraction.parse().ok()?)?;
    (micros > 0).then_some(micros)
}

/// Reads the ECB's file in CSV form: a header `Date,USD,JPY,...` and one line per day; `N/A` and empty cells are unknown.
pub fn read_csv(text: &str) -> Result<Vec<Rate>, RateProblem> {
    let problem = |line: usize, problem: String| RateProblem { line, problem };
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().ok_or_else(|| {
        problem(
            1,
            "expected a header `Date,USD,JPY,...`; the file is empty".into(),
        )
    })?;
    let header = header.trim_start_matches('\u{feff}');
    let mut names = header.split(',').map(str::trim);
    if !names
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("date"))
    {
        return Err(problem(
            1,
            "expected a header that begins with `Date,`".into(),
        ));
    }
    let currencies = names
        .map(|name| match name {
            "" => Ok(None),
            name => Currency::try_from(name).map(Some),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| problem(1, error.to_string()))?;
    let mut rates = Vec::new();
    for (index, line) in lines {
        let mut cells = line.split(',').map(str::trim);
        let date = cells.next().unwrap_or_default();
        let date: Date = date
            .parse()
            .or_else(|_| Date::strptime("%d %B %Y", date))
            .map_err(|_| {
                problem(
                    index + 1,
                    format!("{date:?} is not a date such as 2026-11-20"),
                )
            })?;
        for (currency, cell) in currencies.iter().zip(cells) {
            let (Some(currency), false) = (currency, cell.is_empty() || cell == "N/A") else {
                continue;
            };
            let micros_per_euro = decimal(cell).ok_or_else(|| {
                problem(
                    index + 1,
                    format!("{currency}: {cell:?} is not a rate such as 1.0871"),
                )
            })?;
            rates.push(Rate {
                date,
                currency: *currency,
                micros_per_euro,
            });
        }
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "Date,USD,JPY,CHF,\n2026-11-20,1.25,160.00,N/A,\n2026-11-18,1.2,155.5,0.95,\n";

    fn money(micros: i64, currency: &str) -> Money {
        Money::new(micros, Currency::try_from(currency).unwrap())
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_converted_with_the_rates_of_their_day() {
        let rates: Rates = read_csv(FILE).unwrap().into_iter().collect();
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
            usd(money(1_000_000, "EUR"), "2026-12-10"),
            None,
            "too old to say"
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

    #[test]
    fn files_that_are_no_rates_are_refused_with_their_line() {
        for (file, line) in [
            ("", 1),
            ("USD,JPY\n", 1),
            ("Date,DOLLAR\n", 1),
            ("Date,USD\n2026-11-20,1.2\nyesterday,1.2\n", 3),
            ("Date,USD\n2026-11-20,-1\n", 2),
            ("Date,USD\n2026-11-20,0\n", 2),
        ] {
            assert_eq!(read_csv(file).unwrap_err().line, line, "{file}");
        }
        assert_eq!(
            read_csv("Date, USD\n20 November 2026, 1.25\n")
                .unwrap()
                .len(),
            1,
            "the daily file"
        );
    }
}
