//! A clock that is set back is noticed, and what was scheduled by it is set back as well: nothing sleeps for the difference.
//!
//! Pauses are counted by how long the process runs, which no clock that is set changes, and which goes on while the machine sleeps: one that began before
//! is over when it was to be. Patience counts only time in which something could go, so for that nothing has passed while the machine slept; and it goes
//! by when others were first tried, so it begins again by a clock that was set ahead.
//!
//! While the process runs, [`Steady`](super::steady::Steady) holds the clock against how long it runs. For the next process the latest moment
//! is noted in the ledger.

use super::{Dispatch, steady::Look};
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;

/// How far the clock may be behind the latest moment that was noted without having been set back: nodes note it by clocks of their own.
const APART: SignedDuration = SignedDuration::from_mins(1);

impl Dispatch {
    /// Looks at the clocks, and sets back what was scheduled by one that was set back. While that cannot be done, the next look finds the same.
    pub(super) async fn follow_clocks(&self, look: Look) -> Result<(), LedgerError> {
        if let Some(by) = self.state.steady.back(look) {
            self.set_back(by, look.now).await?;
        }
        if let Some(by) = self.state.steady.ahead(look) {
            tracing::warn!(
                seconds = by.as_secs(),
                "the clock was set ahead; what was scheduled by it comes as much earlier"
            );
            self.state.begin_flow_again(look.uptime);
        }
        if let Some(slept) = self.state.steady.slept(look) {
            tracing::info!(
                seconds = slept.as_secs(),
                "the machine slept; nobody waited for anybody meanwhile"
            );
            self.state.note_sleep();
        }
        self.state.steady.saw(look);
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
