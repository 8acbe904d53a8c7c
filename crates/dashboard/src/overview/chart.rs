//! Charts of columns: events by the hour, money by the day. Their labels say the same in words.

use crate::{label::Label, row::tone};
use domain::{Currency, Money};
use jiff::{Timestamp, tz::Offset};
use ledger::Tally;

const HOURS: i64 = 24;
/// Days of the chart of money.
pub(crate) const DAYS: i64 = 28;
/// Layout of a chart, in its own units.
const WIDTH: f64 = 700.0;
const HEIGHT: f64 = 150.0;

/// One column of a chart, in parts from the bottom up.
pub(crate) struct Column {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) label: String,
    /// Shown below the axis.
    pub(crate) tick: Option<Label>,
    pub(crate) total: String,
    /// The hour or day is not over.
    pub(crate) is_open: bool,
}

pub(crate) struct Part {
    pub(crate) y: String,
    pub(crate) height: String,
    pub(crate) class: &'static str,
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// What one column stands for.
struct Bar {
    label: String,
    tick: Option<String>,
    /// From the bottom up, by class.
    parts: Vec<(&'static str, f64)>,
    total: String,
    is_open: bool,
}

/// Columns of equal width.
fn columns(bars: Vec<Bar>) -> Vec<Column> {
    let total = |bar: &Bar| bar.parts.iter().map(|(_, value)| value).sum::<f64>();
    let highest = bars.iter().map(total).fold(1.0, f64::max);
    let count = f64::from(u32::try_from(bars.len().max(1)).unwrap_or(1));
    let step = WIDTH / count;
    let mut x = 0.0;
    bars.into_iter()
        .map(|bar| {
            let mut top = HEIGHT;
            let parts = bar.parts.into_iter().filter(|(_, value)| *value > 0.0);
            let parts = parts.map(|(class, value)| {
                let height = (value / highest * (HEIGHT - 4.0)).max(1.0);
                top -= height;
                Part {
                    y: number(top),
                    height: number(height),
                    class,
                }
            });
            let column = Column {
                x: number(x + step * 0.12),
                width: number(step * 0.76),
                parts: parts.collect(),
                label: bar.label,
                tick: bar
                    .tick
                    .map(|text| Label::under(x + step / 2.0, WIDTH, text)),
                total: bar.total,
                is_open: bar.is_open,
            };
            x += step;
            column
        })
        .collect()
}

/// An amount in dollars.
pub(crate) fn dollars(micros: i64) -> String {
    Money::new(micros, Currency::USD).to_string()
}

/// The beginning of an hour or a day.
fn floor(at: Timestamp, seconds: i64) -> i64 {
    at.as_second().div_euclid(seconds)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "heights of columns in a picture need no more than a float holds"
)]
fn height(count: i64) -> f64 {
    count as f64
}

/// What happened in each of the last hours, as good, bad and other news.
pub(crate) fn by_hour(tallies: &[Tally], now: Timestamp) -> Vec<Column> {
    let last = floor(now, 3600);
    let bars = (last - HOURS + 1..=last).map(|hour| {
        let of_hour = || {
            tallies
                .iter()
                .filter(|tally| floor(tally.hour, 3600) == hour)
        };
        let sum = |wanted: &[&str]| {
            let counts = of_hour().filter(|tally| wanted.contains(&tone(tally.kind)));
            i64::try_from(counts.map(|tally| tally.count).sum::<u64>()).unwrap_or(i64::MAX)
        };
        let (good, bad, plain) = (sum(&["good"]), sum(&["bad", "warn"]), sum(&["plain"]));
        let at = Timestamp::from_second(hour * 3600).unwrap_or(now);
        let clock = Offset::UTC.to_datetime(at).strftime("%H:00").to_string();
        Bar {
            label: format!("{clock}: {good} good, {bad} bad, {plain} other"),
            tick: (hour % 4 == 0).then_some(clock),
            parts: vec![
                ("plain", height(plain)),
                ("good", height(good)),
                ("bad", height(bad)),
            ],
            total: (good + bad + plain).to_string(),
            is_open: hour == last,
        }
    });
    columns(bars.collect())
}

/// What was paid on each of the last days, less refunds.
pub(crate) fn by_day(tallies: &[Tally], now: Timestamp) -> Vec<Column> {
    let last = floor(now, 86_400);
    let bars = (last - DAYS + 1..=last).map(|day| {
        let of_day = tallies
            .iter()
            .filter(|tally| floor(tally.hour, 86_400) == day);
        let micros: i64 = of_day.map(|tally| tally.usd_micros).sum();
        let at = Timestamp::from_second(day * 86_400).unwrap_or(now);
        let date = Offset::UTC.to_datetime(at).strftime("%d %b").to_string();
        Bar {
            label: format!("{date}: {}", dollars(micros)),
            tick: (day % 7 == 0).then_some(date),
            parts: vec![("good", height(micros.max(0)))],
            total: dollars(micros),
            is_open: day == last,
        }
    });
    columns(bars.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Environment, EventKind};

    #[test]
    fn charts_have_a_column_for_every_hour_and_day_and_say_the_same_in_words() {
        let now = Timestamp::from_second(1_800_000_000 + 1800).unwrap();
        let tally = |hours_ago: i64, kind, count, usd_micros| Tally {
            hour: Timestamp::from_second(1_800_000_000 - hours_ago * 3600).unwrap(),
            environment: Environment::Production,
            kind,
            count,
            usd_micros,
        };
        let tallies = [
            tally(0, EventKind::SubscriptionRenewed, 3, 30_000_000),
            tally(0, EventKind::SubscriptionRefunded, 1, -10_000_000),
            tally(30, EventKind::TrialStarted, 9, 0),
        ];
        let hours = by_hour(&tallies, now);
        assert_eq!(hours.len(), 24);
        let last = &hours[23];
        assert_eq!(
            (last.total.as_str(), last.parts.len(), last.is_open),
            ("4", 2, true)
        );
        assert!(
            last.label.ends_with("3 good, 1 bad, 0 other"),
            "{}",
            last.label
        );
        let days = by_day(&tallies, now);
        assert_eq!(days.len(), 28);
        assert_eq!(days[27].total, "$20.00");
        assert!(days[0].parts.is_empty(), "nothing is drawn for nothing");
    }
}
