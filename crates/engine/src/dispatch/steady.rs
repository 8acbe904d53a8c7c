//! Whether the clock was set back: it is held against how long the process runs.

use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How far two clocks may drift apart between two looks without either being set.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);
/// Between two notes.
const NOTED_EVERY: Duration = Duration::from_mins(1);

/// The last look at the clock, beside how long the process ran then.
#[derive(Debug, Default)]
pub(super) struct Steady {
    last: Guarded<Option<(Timestamp, Duration)>>,
    /// When the time was last noted.
    noted: Guarded<Option<Duration>>,
}

impl Steady {
    /// How far the clock was set back since the last look, if it was.
    pub(super) fn back(&self, now: Timestamp, uptime: Duration) -> Option<SignedDuration> {
        let (before, began) = (*self.last.lock())?;
        let passed = SignedDuration::try_from(uptime.saturating_sub(began)).ok()?;
        let expected = before.saturating_add(passed).ok()?;
        let back = now.duration_until(expected);
        (back > DRIFT).then_some(back)
    }

    /// The clock was looked at, and what was scheduled by it is as it should be.
    pub(super) fn saw(&self, now: Timestamp, uptime: Duration) {
        *self.last.lock() = Some((now, uptime));
    }

    /// Whether the time is to be noted again.
    pub(super) fn notes(&self, uptime: Duration) -> bool {
        let noted = *self.noted.lock();
        noted.is_none_or(|noted| uptime.saturating_sub(noted) >= NOTED_EVERY)
    }

    /// It was noted.
    pub(super) fn noted(&self, uptime: Duration) {
        *self.noted.lock() = Some(uptime);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed_once_and_one_that_is_set_ahead_is_not() {
        let steady = Steady::default();
        for (now, uptime, back) in [
            (1_000, 10, None),
            (1_005, 15, None),
            // A second too few is drift.
            (1_009, 20, None),
            (409, 20, Some(600)),
            (414, 25, None),
            (9_000, 30, None),
            (9_005, 35, None),
            (8_000, 100, Some(1_070)),
        ] {
            let now = Timestamp::from_second(now).unwrap();
            let uptime = Duration::from_secs(uptime);
            let found = steady.back(now, uptime);
            assert_eq!(steady.back(now, uptime), found, "until it was seen to");
            steady.saw(now, uptime);
            assert_eq!(found.map(|back| back.as_secs()), back, "{now}");
        }
    }
}
