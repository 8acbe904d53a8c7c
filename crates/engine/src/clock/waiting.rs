//! Messages that wait for their store, or for a release that can read them.

use super::{AT_ONCE, Clock};
use futures_util::future::join_all;
use ledger::LedgerError;

impl Clock {
    /// One more try of each that is due.
    pub(super) async fn retake_parked(&self) -> Result<(), LedgerError> {
        let now = self.core.system().now();
        let due = self.core.ledger().due_parked(now, AT_ONCE).await?;
        let tries = due.into_iter().map(|parked| self.intake.retake(parked));
        for outcome in join_all(tries).await {
            outcome?;
        }
        Ok(())
    }
}
