//! Time from left to right: where a moment lies in a picture.

use crate::label::Label;
use domain::time::{after, before};
use jiff::{SignedDuration, Timestamp, tz::Offset};

/// Width and layout of the picture, in its own units.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 170.0;
/// Marks on the axis.
const TICKS: i32 = 6;

/// A stretch of time, as wide as the picture.
pub(crate) struct Axis {
    from: Timestamp,
    to: Timestamp,
}

/// A moment that is marked on the axis.
pub(crate) struct Tick {
    pub(crate) x: String,
    pub(crate) label: Label,
}

impl Axis {
    /// Over all these moments, with a margin at both ends; `None` without a beginning.
    pub(crate) fn over(
        starts: impl Iterator<Item = Timestamp>,
        ends: impl Iterator<Item = Timestamp>,
        now: Timestamp,
    ) -> Option<Self> {
        let from = starts.min()?;
        // What lasts for years would leave no room for what happened.
        let year = SignedDuration::from_hours(24 * 366);
        let horizon = after(now, year);
        let to = ends.filter(|end| *end <= horizon).chain([now]).max()?;
        let margin = from.duration_until(to) / 50 + SignedDuration::from_secs(1);
        Some(Self {
            from: before(from, margin),
            to: after(to, margin),
        })
    }

    fn span(&self) -> SignedDuration {
        self.from.duration_until(self.to)
    }

    /// Where a moment lies; what is outside lies at the nearer end.
    pub(crate) fn x(&self, at: Timestamp) -> f64 {
        let share = self.from.duration_until(at).as_secs_f64() / self.span().as_secs_f64().max(1.0);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - 10.0)
    }

    /// Evenly spaced moments, both ends among them: where each lies, and what it is called.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let is_short = self.span() < SignedDuration::from_hours(3 * 24);
        let moments = (0..=TICKS)
            .filter_map(|number| self.from.checked_add(self.span() * number / TICKS).ok());
        moments
            .map(|at| {
                // Short lives need the time of day on their axis.
                let label = if is_short { minute(at) } else { day(at) };
                let x = self.x(at);
                Tick {
                    x: text(x),
                    label: Label::under(x, WIDTH, label),
                }
            })
            .collect()
    }
}

/// A length of the picture.
pub(crate) fn text(number: f64) -> String {
    format!("{number:.1}")
}

/// `20 Nov 2026`.
pub(crate) fn day(at: Timestamp) -> String {
    Offset::UTC.to_datetime(at).strftime("%d %b %Y").to_string()
}

/// `20 Nov 10:00:00`.
pub(crate) fn minute(at: Timestamp) -> String {
    let at = Offset::UTC.to_datetime(at);
    at.strftime("%d %b %H:%M:%S").to_string()
}
