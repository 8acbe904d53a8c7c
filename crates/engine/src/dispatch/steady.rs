//! Whether the clock was set, or the machine slept: both are held against how long the process runs.

use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How far two clocks may drift apart between two looks without either being set.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);
/// How much of the time between two looks goes by while the clocks are read.
const READ: Duration = Duration::from_secs(2);
/// Between two notes.
const NOTED_EVERY: Duration = Duration::from_mins(1);

/// The machine's clocks, as one look sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) now: Timestamp,
    pub(super) uptime: Duration,
    /// How much of that the machine was awake.
    pub(super) awake: Duration,
}

/// The last look at the clocks.
#[derive(Debug, Default)]
pub(super) struct Steady {
    last: Guarded<Option<Look>>,
    /// When the time was last noted.
    noted: Guarded<Option<Duration>>,
}

impl Steady {
    /// How far the clock was set back since the last look, if it was.
    pub(super) fn back(&self, look: Look) -> Option<SignedDuration> {
        let back = look.now.duration_until(self.expected(look.uptime)?);
        (back > DRIFT).then_some(back)
    }

    /// How far it was set ahead.
    pub(super) fn ahead(&self, look: Look) -> Option<SignedDuration> {
        let ahead = self.expected(look.uptime)?.duration_until(look.now);
        (ahead > DRIFT).then_some(ahead)
    }

    /// What the clock should show, by the last look.
    fn expected(&self, uptime: Duration) -> Option<Timestamp> {
        let last = (*self.last.lock())?;
        let passed = SignedDuration::try_from(uptime.saturating_sub(last.uptime)).ok()?;
        last.now.saturating_add(passed).ok()
    }

    /// How long the machine slept since the last look, if it did. A clock that is set says nothing of that.
    pub(super) fn slept(&self, look: Look) -> Option<Duration> {
        let last = (*self.last.lock())?;
        let passed = look.uptime.saturating_sub(last.uptime);
        let slept = passed.saturating_sub(look.awake.saturating_sub(last.awake));
        (slept > READ).then_some(slept)
    }

    /// The clocks were looked at, and what goes by them is as it should be.
    pub(super) fn saw(&self, look: Look) {
        *self.last.lock() = Some(look);
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
    fn a_clock_that_is_set_and_a_machine_that_slept_are_told_apart_and_noticed_once() {
        let steady = Steady::default();
        for (now, uptime, awake, set, slept) in [
            (1_000, 10, 10, 0, 0),
            (1_005, 15, 15, 0, 0),
            // A second too few, or too many, is drift.
            (1_009, 20, 20, 0, 0),
            (1_015, 25, 24, 0, 0),
            (409, 25, 24, -606, 0),
            (414, 30, 29, 0, 0),
            (9_000, 35, 34, 8_581, 0),
            (9_605, 640, 39, 0, 600),
            (9_610, 645, 44, 0, 0),
            // Set by whoever woke the machine.
            (9_210, 945, 44, -700, 300),
            (9_910, 1_245, 44, 400, 300),
            (9_915, 1_250, 49, 0, 0),
        ] {
            let look = Look {
                now: Timestamp::from_second(now).unwrap(),
                uptime: Duration::from_secs(uptime),
                awake: Duration::from_secs(awake),
            };
            let found = || (steady.back(look), steady.ahead(look), steady.slept(look));
            let seen = found();
            assert_eq!(found(), seen, "until it was seen to");
            steady.saw(look);
            let (back, ahead, found_slept) = seen;
            let found_set = ahead.unwrap_or_default() - back.unwrap_or_default();
            assert_eq!(found_set.as_secs(), set, "{now}");
            assert_eq!(found_slept.unwrap_or_default().as_secs(), slept, "{now}");
        }
    }
}
