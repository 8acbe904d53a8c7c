//! Exchange rates as the European Central Bank publishes them, in CSV form: what each release carries, and what is added later.

use crate::table;
use domain::{
    Currency,
    rates::{Rate, Rates},
};
use jiff::civil::Date;

/// The ECB's euro foreign exchange reference rates from 2025-10-30 to 2026-10-30, in the form in which it publishes them.
const SHIPPED: &str = include_str!("../data/eurofxref.csv");

/// A rate that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RateProblem {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// Rates that every release carries, so that amounts in dollars are known without a network. Days that are added later
/// replace them.
pub fn shipped() -> Vec<Rate> {
    read(SHIPPED).expect("the file is part of the program, and a test reads it")
}

/// What is shipped, and `added` in its place where both know a day and currency.
pub fn with_shipped(added: impl IntoIterator<Item = Rate>) -> Rates {
    shipped().into_iter().chain(added).collect()
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
pub fn read(text: &str) -> Result<Vec<Rate>, RateProblem> {
    let problem = |line: usize, problem: String| RateProblem { line, problem };
    let table = table::read(text).ok_or_else(|| {
        problem(
            1,
            "expected a header `Date,USD,JPY,...`; the file is empty".into(),
        )
    })?;
    let header = &table.header;
    let mut names = header.cells.iter();
    if !names
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("date"))
    {
        return Err(problem(
            header.line,
            "expected a header that begins with `Date,`".into(),
        ));
    }
    let currencies = names
        .map(|name| match name.as_str() {
            "" => Ok(None),
            name => Currency::try_from(name).map(Some),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| problem(header.line, error.to_string()))?;
    let mut rates = Vec::new();
    for row in &table.rows {
        let of_day = of_day(row, &currencies, header.cells.len());
        rates.extend(of_day.map_err(|what| problem(row.line, what))?);
    }
    Ok(rates)
}

/// The rates of one line, or what is wrong with it.
fn of_day(
    row: &table::Row,
    currencies: &[Option<Currency>],
    width: usize,
) -> Result<Vec<Rate>, String> {
    let mut cells = row.cells.iter().map(String::as_str);
    let date = cells.next().unwrap_or_default();
    let date: Date = date
        .parse()
        .or_else(|_| Date::strptime("%d %B %Y", date))
        .map_err(|_| format!("{date:?} is not a date such as 2026-11-20"))?;
    if !row.is_empty_from(width) {
        return Err("more cells than the header has names".into());
    }
    let mut rates = Vec::new();
    for (currency, cell) in currencies.iter().zip(cells) {
        let (Some(currency), false) = (currency, cell.is_empty() || cell == "N/A") else {
            continue;
        };
        let micros_per_euro = decimal(cell)
            .ok_or_else(|| format!("{currency}: {cell:?} is not a rate such as 1.0871"))?;
        rates.push(Rate {
            date,
            currency: *currency,
            micros_per_euro,
        });
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Money;

    fn rate(date: &str, currency: &str, micros_per_euro: i64) -> Rate {
        Rate {
            date: date.parse().unwrap(),
            currency: Currency::try_from(currency).unwrap(),
            micros_per_euro,
        }
    }

    #[test]
    fn the_banks_file_is_read_with_its_gaps() {
        let expected = [
            rate("2026-11-20", "USD", 1_250_000),
            rate("2026-11-20", "JPY", 160_000_000),
            rate("2026-11-18", "USD", 1_200_000),
            rate("2026-11-18", "JPY", 155_500_000),
            rate("2026-11-18", "CHF", 950_000),
        ];
        let file = "Date,USD,JPY,CHF,\n2026-11-20,1.25,160.00,N/A,\n2026-11-18,1.2,155.5,0.95,\n";
        for file in [
            file.to_owned(),
            file.replace('\n', "\r\n"),
            format!("\u{feff}{file}"),
            file.replace(',', " , "),
            file.replace("1.25", "\"1.25\""),
        ] {
            assert_eq!(read(&file).unwrap(), expected, "{file:?}");
        }
        assert_eq!(
            read("Date, USD\n20 November 2026, 1.25\n").unwrap(),
            [rate("2026-11-20", "USD", 1_250_000)],
            "the daily file"
        );
    }

    #[test]
    fn shipped_rates_cover_a_year_and_give_way_to_what_is_added() {
        let rates = with_shipped([]);
        let newest = rates.newest().unwrap();
        assert!(shipped().len() > 7_000);
        let [euro, pound] =
            ["EUR", "GBP"].map(|code| Money::new(1_000_000, Currency::try_from(code).unwrap()));
        let dollars = rates.convert(euro, Currency::USD, newest).unwrap().micros;
        assert!((900_000..1_500_000).contains(&dollars), "{dollars}");
        let added = with_shipped([Rate {
            date: newest,
            currency: Currency::USD,
            micros_per_euro: 2_000_000,
        }]);
        assert_eq!(
            added.convert(euro, Currency::USD, newest).unwrap().micros,
            2_000_000
        );
        assert!(
            added.convert(pound, Currency::USD, newest).is_some(),
            "the others of that day stay"
        );
    }

    #[test]
    fn files_that_are_no_rates_are_refused_with_their_line() {
        for (file, line) in [
            ("", 1),
            ("USD,JPY\n", 1),
            ("\n\nUSD,JPY\n", 3),
            ("Date,DOLLAR\n", 1),
            ("Date,USD\n2026-11-20,1.2\nyesterday,1.2\n", 3),
            ("Date,USD\r\n\r\n2026-11-20,1.2\r\nyesterday,1.2\r\n", 4),
            ("Date,USD\n2026-11-20,-1\n", 2),
            ("Date,USD\n2026-11-20,0\n", 2),
            ("Date,USD\n2026-11-20,1,2\n", 2),
            ("Date,USD\n2026-11-20,\"1.2\n2026-11-19,1.3\n", 2),
        ] {
            assert_eq!(read(file).unwrap_err().line, line, "{file:?}");
        }
    }
}
