//! Moments reckoned from others, without a failure that nobody could act on.
//!
//! A `SignedDuration` is exact: unlike "one month", it needs no calendar, so the only thing that can go wrong is the end
//! of time. There the answer stays, instead of being an error or, worse, "now".

use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far the clocks of two machines are taken to differ, at most.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How long something is bought for, by the calendar: `P30D`, `P1M`, `PT48H` (ISO 8601).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Term(String);

impl Term {
    /// When it ends that begins at `from`: days, months and years as UTC has them. `None` after the end of time.
    pub fn end(&self, from: Timestamp) -> Option<Timestamp> {
        let span: Span = self.0.parse().ok()?;
        let end = from.to_zoned(TimeZone::UTC).checked_add(span).ok()?;
        Some(end.timestamp())
    }
}

impl TryFrom<String> for Term {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let span: Option<Span> = text.parse().ok().filter(|_| text.starts_with('P'));
        match span {
            Some(span) if span.is_positive() => Ok(Self(text)),
            _ => Err(format!(
                "{text:?} is no duration; write it as ISO 8601 does: P30D, P1M, P1Y, PT48H"
            )),
        }
    }
}

impl From<Term> for String {
    fn from(term: Term) -> Self {
        term.0
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The moment `pause` after `at`, or before it where `pause` is negative; [`Timestamp::MAX`] or [`Timestamp::MIN`] where
/// there is no such moment.
#[must_use]
pub fn after(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(if pause.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The moment `pause` before `at`; where there is none, as in [`after`].
#[must_use]
pub fn before(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_sub(pause).unwrap_or(if pause.is_negative() {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    })
}

/// Whether something that is said to be so lies ahead of `now`, by more than clocks differ. It is not believed then: a version from the future would
/// outlast what is true.
#[must_use]
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at > after(now, SKEW)
}

/// Whether `at` lies less than `lasts` before `now`. What lies ahead does not: the clock was set back since, and how long ago it was cannot be told.
#[must_use]
pub fn is_recent(at: Timestamp, now: Timestamp, lasts: SignedDuration) -> bool {
    at <= now && at.duration_until(now) < lasts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_ahead_by_more_than_clocks_differ_does() {
        let (now, second) = (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(1));
        for (at, ahead) in [
            (Timestamp::MIN, false),
            (now, false),
            (after(now, SKEW), false),
            (after(now, SKEW + second), true),
            (Timestamp::MAX, true),
        ] {
            assert_eq!(is_ahead(at, now), ahead, "{at}");
        }
        assert!(!is_ahead(Timestamp::MAX, Timestamp::MAX));
    }

    #[test]
    fn terms_are_of_the_calendar_and_end_after_they_begin() {
        let from = "2026-01-31T10:00:00Z".parse().unwrap();
        for (term, end) in [
            ("P30D", "2026-03-02T10:00:00Z"),
            ("P1M", "2026-02-28T10:00:00Z"),
            ("P1Y", "2027-01-31T10:00:00Z"),
            ("PT48H", "2026-02-02T10:00:00Z"),
            ("P1W", "2026-02-07T10:00:00Z"),
        ] {
            let term = Term::try_from(term.to_owned()).unwrap();
            assert_eq!(term.end(from), Some(end.parse().unwrap()), "{term}");
        }
        for none in ["", "30", "30 days", "-P1D", "P0D", "PT0S", "P"] {
            assert!(Term::try_from(none.to_owned()).is_err(), "{none}");
        }
    }

    #[test]
    fn what_lies_ahead_is_not_recent() {
        let minute = SignedDuration::from_mins(1);
        let now = Timestamp::UNIX_EPOCH;
        for (seconds, expected) in [(-60, false), (-59, true), (0, true), (1, false)] {
            let at = now + SignedDuration::from_secs(seconds);
            assert_eq!(is_recent(at, now, minute), expected, "{seconds}");
        }
    }

    #[test]
    fn moments_are_reckoned_exactly_and_stay_at_the_ends_of_time() {
        let (epoch, minute) = (Timestamp::UNIX_EPOCH, SignedDuration::from_mins(1));
        let second = |second| Timestamp::from_second(second).unwrap();
        for (reckoned, expected) in [
            (after(epoch, minute), second(60)),
            (after(epoch, -minute), second(-60)),
            (before(epoch, minute), second(-60)),
            (before(epoch, -minute), second(60)),
            (after(Timestamp::MAX, minute), Timestamp::MAX),
            (after(Timestamp::MIN, -minute), Timestamp::MIN),
            (before(Timestamp::MIN, minute), Timestamp::MIN),
            (before(Timestamp::MAX, -minute), Timestamp::MAX),
            (after(epoch, SignedDuration::MAX), Timestamp::MAX),
            (before(epoch, SignedDuration::MAX), Timestamp::MIN),
            (after(epoch, SignedDuration::MIN), Timestamp::MIN),
            (before(epoch, SignedDuration::MIN), Timestamp::MAX),
        ] {
            assert_eq!(reckoned, expected);
        }
    }
}
