//! Where a script stands, and how its time passes.

use crate::random::Random;
use jiff::{SignedDuration, Timestamp};

/// How fast lives pass.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// What a day lasts.
    pub day: SignedDuration,
}

/// Where a script stands.
pub(super) struct Story {
    pub(super) pace: Pace,
    pub(super) random: Random,
    pub(super) at: Timestamp,
    /// End of the current period.
    pub(super) ends_at: Timestamp,
}

/// The moment `pause` after `at`; the last there is where there is none. Lives share nothing with what reads them, this neither.
pub(crate) fn after(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(Timestamp::MAX)
}

impl Story {
    pub(super) const fn begin(pace: Pace, seed: u64, number: u64, start: Timestamp) -> Self {
        Self {
            pace,
            random: Random::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d)),
            at: start,
            ends_at: start,
        }
    }

    pub(super) fn days(&self, days: i64) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.pace.day.as_millis()).unwrap_or(1) * days)
    }

    /// Lets hundredths of a day pass.
    pub(super) fn wait(&mut self, days_percent: i64) {
        let millis =
            i64::try_from(self.pace.day.as_millis()).unwrap_or(i64::MAX) * days_percent / 100;
        self.pass(millis);
    }

    pub(super) fn pass(&mut self, millis: i64) {
        self.at = after(self.at, SignedDuration::from_millis(millis.max(1)));
    }

    pub(super) fn wait_for_end(&mut self) {
        self.at = self.at.max(self.ends_at);
    }

    /// Somewhere in the middle of the current period.
    pub(super) fn wait_within(&mut self) {
        let left = self.at.duration_until(self.ends_at).as_millis();
        let percent = i64::try_from(20 + self.random.below(50)).unwrap_or(20);
        self.pass(i64::try_from(left).unwrap_or(0) * percent / 100);
    }

    /// A period of `days` from `start`, which becomes the current one.
    pub(super) fn period(&mut self, start: Timestamp, days: i64) -> (Timestamp, Timestamp) {
        self.ends_at = after(start, self.days(days));
        (start, self.ends_at)
    }
}
