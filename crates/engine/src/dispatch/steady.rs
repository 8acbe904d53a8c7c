//! Whether the clock was set back, or moved ahead while the machine slept: it is held against how long the process runs.

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
        let back = now.duration_until(self.expected(uptime)?);
        (back > DRIFT).then_some(back)
    }

    /// How much further the clock went since the last look than the process ran, if it did: the machine slept, or the clock was set ahead.
    pub(super) fn ahead(&self, now: Timestamp, uptime: Duration) -> Option<Duration> {
        let ahead = self.expected(uptime)?.duration_until(now);
        let ahead = (ahead > DRIFT).then_some(ahead)?;
        Duration::try_from(ahead).ok()
    }

    /// What the clock should show, by the last look.
    fn expected(&self, uptime: Duration) -> Option<Timestamp> {
        let (before, began) = (*self.last.lock())?;
        let passed = SignedDuration::try_from(uptime.saturating_sub(began)).ok()?;
        before.saturating_add(passed).ok()
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
    fn a_clock_that_is_set_back_or_goes_further_than_the_process_runs_is_noticed_once() {
        let steady = Steady::default();
        for (now, uptime, back, ahead) in [
            (1_000, 10, None, None),
            (1_005, 15, None, None),
            // A second too few, or too many, is drift.
            (1_009, 20, None, None),
            (1_015, 25, None, None),
            (409, 25, Some(606), None),
            (414, 30, None, None),
            (9_000, 35, None, Some(8_581)),
            (9_005, 40, None, None),
            (8_000, 105, Some(1_070), None),
        ] {
            let now = Timestamp::from_second(now).unwrap();
            let uptime = Duration::from_secs(uptime);
            let found = || (steady.back(now, uptime), steady.ahead(now, uptime));
            let seen = found();
            assert_eq!(found(), seen, "until it was seen to");
            steady.saw(now, uptime);
            let (found_back, found_ahead) = seen;
            assert_eq!(found_back.map(|back| back.as_secs()), back, "{now}");
            assert_eq!(found_ahead.map(|ahead| ahead.as_secs()), ahead, "{now}");
        }
    }
}
