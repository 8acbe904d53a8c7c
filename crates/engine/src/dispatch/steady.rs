//! A clock that is set back is noticed, and what was scheduled by it is set back as well: nothing sleeps for the difference.
//!
//! While the process runs, the clock is held against how long it runs. For the next process the latest moment is noted in the ledger.

use super::Dispatch;
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use std::time::Duration;

/// How far two clocks may drift apart between two looks without either being set.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);
/// How far the clock may be behind the latest moment that was noted without having been set back: nodes note it by clocks of their own.
const APART: SignedDuration = SignedDuration::from_mins(1);
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
    fn back(&self, now: Timestamp, uptime: Duration) -> Option<SignedDuration> {
        let (before, began) = (*self.last.lock())?;
        let passed = SignedDuration::try_from(uptime.saturating_sub(began)).ok()?;
        let expected = before.saturating_add(passed).ok()?;
        let back = now.duration_until(expected);
        (back > DRIFT).then_some(back)
    }

    /// The clock was looked at, and what was scheduled by it is as it should be.
    fn saw(&self, now: Timestamp, uptime: Duration) {
        *self.last.lock() = Some((now, uptime));
    }

    /// Whether the time is to be noted again.
    fn notes(&self, uptime: Duration) -> bool {
        let noted = *self.noted.lock();
        noted.is_none_or(|noted| uptime.saturating_sub(noted) >= NOTED_EVERY)
    }
}

impl Dispatch {
    /// Looks at the clock, and sets back what was scheduled by it if that was set back. While that cannot be done, the next look finds the same.
    pub(super) async fn follow_clock(
        &self,
        now: Timestamp,
        uptime: Duration,
    ) -> Result<(), LedgerError> {
        if let Some(by) = self.state.steady.back(now, uptime) {
            self.set_back(by, now).await?;
        }
        self.state.steady.saw(now, uptime);
        Ok(())
    }

    /// The same of a clock that was set back while nobody looked: between the last server and this one.
    pub(crate) async fn look_back(&self) -> Result<(), LedgerError> {
        let now = self.core.system().now();
        let latest = self.core.ledger().latest_time().await?;
        let by = latest.map(|latest| now.duration_until(latest));
        if let Some(by) = by.filter(|by| *by > APART) {
            self.set_back(by, now).await?;
        }
        self.note_time().await
    }

    /// Notes the time for who comes next, now and then.
    pub(crate) async fn note_time(&self) -> Result<(), LedgerError> {
        let (system, steady) = (self.core.system(), &self.state.steady);
        let uptime = system.uptime();
        if steady.notes(uptime) {
            self.core.ledger().note_time(system.now()).await?;
            *steady.noted.lock() = Some(uptime);
        }
        Ok(())
    }

    async fn set_back(&self, by: SignedDuration, now: Timestamp) -> Result<(), LedgerError> {
        let moved = self.core.ledger().set_back(by, now).await?;
        tracing::warn!(
            seconds = by.as_secs(),
            moved,
            "the clock was set back; what was scheduled by it comes as much earlier"
        );
        Ok(())
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
