//! Exchange rates: dated, per euro, as the European Central Bank publishes them.
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

/// The ECB's euro foreign exchange reference rates from 2025-10-30 to 2026-10-30, in the form in which it publishes them.
const SHIPPED: &str = include_str!("../data/eurofxref.csv");

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

/// Rates that every release carries, so that amounts in dollars are known without a network. Days that are added later
/// replace them.
pub fn shipped() -> Vec<Rate> {
    read_csv(SHIPPED).expect("the file is part of the program, and a test reads it")
}

impl Rates {
    /// What is shipped, and `added` in its place where both know a day and currency.
    pub fn with_shipped(added: impl IntoIterator<Item = Rate>) -> Self {
        shipped().into_iter().chain(added).collect()
    }

    /// Whether amounts of `today` are converted with rates that are older than they should be, or not at all.
    pub fn are_stale(&self, today: Date) -> bool {
        self.newest()
            .is_none_or(|newest| days_between(newest, today) > STALE_DAYS)
    }

    /// The last day with rates.
    pub fn newest(&self) -> Option<Date> {
        self.days.keys().next_back().copied()
    }

    /// What one euro was worth on the last day with rates, in millionths of each currency.
    pub fn newest_rates(&self) -> impl Iterator<Item = (Currency, i64)> {
        let newest = self.days.values().next_back();
        newest
            .into_iter()
            .flatten()
            .map(|(currency, micros)| (*currency, *micros))
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
        let gap: Rates = read_csv("Date,USD\n2026-11-01,1.2\n2026-11-20,1.25\n")
            .unwrap()
            .into_iter()
            .collect();
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

    #[test]
    fn shipped_rates_cover_a_year_and_give_way_to_what_is_added() {
        let rates = Rates::with_shipped([]);
        let newest = rates.newest().unwrap();
        assert!(shipped().len() > 7_000);
        let euro = |rates: &Rates| rates.convert(money(1_000_000, "EUR"), Currency::USD, newest);
        let dollars = euro(&rates).unwrap().micros;
        assert!((900_000..1_500_000).contains(&dollars), "{dollars}");
        let added = Rates::with_shipped([Rate {
            date: newest,
            currency: Currency::USD,
            micros_per_euro: 2_000_000,
        }]);
        assert_eq!(euro(&added).unwrap().micros, 2_000_000);
        assert!(
            added
                .convert(money(1_000_000, "GBP"), Currency::USD, newest)
                .is_some(),
            "the others of that day stay"
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
