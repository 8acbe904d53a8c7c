//! Time passes when a test says so: nothing of this is in a server.

use crate::{Engine, clock::Chore};
use ledger::LedgerError;
use std::time::Duration;

impl Engine {
    /// Does what is due now and returns when all of it is settled: the chores of the clock, then deliveries, with those that
    /// they release. For one that does nothing by itself ([`Engine::quiet`]).
    pub async fn catch_up(&self) -> Result<(), LedgerError> {
        self.tick_once(1).await?;
        for chore in Chore::ALL {
            self.do_once(chore).await?;
        }
        while self.claim_due().await? > 0 {
            while self.lanes().iter().any(|(_, lane)| lane.held > 0) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }
}
