//! A clock that is set back is noticed, and what was scheduled by it is set back as well: nothing sleeps for the difference.

use crate::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How far two clocks may drift apart between two looks without either being set.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);

/// The last look at the clock, beside how long the process ran then.
#[derive(Debug, Default)]
pub(super) struct Steady(Guarded<Option<(Timestamp, Duration)>>);

impl Steady {
    /// Looks at the clock; answers how far it was set back since the last look, if it was.
    pub(super) fn look(&self, now: Timestamp, uptime: Duration) -> Option<SignedDuration> {
        let (before, began) = self.0.lock().replace((now, uptime))?;
        let passed = SignedDuration::try_from(uptime.saturating_sub(began)).ok()?;
        let expected = before.saturating_add(passed).ok()?;
        let back = now.duration_until(expected);
        (back > DRIFT).then_some(back)
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
            let found = steady.look(now, Duration::from_secs(uptime));
            assert_eq!(found.map(|back| back.as_secs()), back, "{now}");
        }
    }
}
