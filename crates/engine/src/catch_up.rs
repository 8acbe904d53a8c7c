//! Time passes when a test says so: nothing of this is in a server.

use crate::Engine;
use ledger::LedgerError;
use std::time::Duration;

impl Engine {
    /// Does what is due now and returns when all of it is settled: what time asks for, then deliveries, with those that they
    /// release. For one that does nothing by itself ([`Engine::quiet`]).
    pub async fn catch_up(&self) -> Result<(), LedgerError> {
        self.clock.do_what_is_due().await?;
        while self.dispatch.claim_due().await? > 0 {
            while self.dispatch.lanes().iter().any(|(_, lane)| lane.held > 0) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }
}
