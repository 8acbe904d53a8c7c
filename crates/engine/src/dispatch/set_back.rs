//! A clock that is set back is noticed, and what was scheduled by it is set back as well: nothing sleeps for the difference.
//!
//! A machine that slept is noticed as well: its clock went on and the process did not. What the ledger schedules is due by then, but pauses that are
//! counted by how long the process runs stood still. They were made of what was heard before, so they are as much shorter: whether an endpoint is
//! well is asked at once, and not after the rest of a pause that nobody needs. Patience counts only time in which something could go, so for that
//! nothing has passed.
//!
//! While the process runs, [`Steady`](super::steady::Steady) holds the clock against how long it runs. For the next process the latest moment
//! is noted in the ledger.

use super::Dispatch;
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use std::time::Duration;

/// How far the clock may be behind the latest moment that was noted without having been set back: nodes note it by clocks of their own.
const APART: SignedDuration = SignedDuration::from_mins(1);

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
        if let Some(slept) = self.state.steady.ahead(now, uptime) {
            let seconds = slept.as_secs();
            tracing::info!(
                seconds,
                "the machine slept, or its clock was set ahead; endpoints that were left alone are asked as much sooner"
            );
            self.state.slept(slept);
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
            steady.noted(uptime);
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
