//! Time passes when a test says so: nothing of this is in a server.

use crate::{ActiveIntegration, Engine};
use ledger::LedgerError;
use std::time::Duration;

impl Engine {
    /// Waits until nothing is under way: every store that was asked has answered, and no delivery is held but what its endpoint asked to wait with.
    pub async fn idle(&self) {
        self.intake.answered().await;
        self.dispatch.stir();
        let lanes = || self.dispatch.lanes().into_iter();
        while lanes().any(|(_, lane)| lane.held > lane.resting) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Puts something in place of integrations, from now on.
    pub fn dress(
        &self,
        dress: impl Fn(ActiveIntegration) -> ActiveIntegration + Send + Sync + 'static,
    ) {
        self.core.dress(Box::new(dress));
    }

    /// Takes the next step of every replay, with what is known of the configuration.
    pub async fn step_replays(&self) -> Result<(), LedgerError> {
        self.replays.step().await
    }

    /// Reads every kept message once more; answers of how many purchases that said more than was stored.
    pub async fn read_again(&self) -> Result<u64, LedgerError> {
        self.intake.read_again().await
    }

    /// Does what is due of purchases and of messages that wait, and nothing else that time asks for.
    pub async fn catch_up_with_purchases(&self) -> Result<(), LedgerError> {
        self.idle().await;
        self.clock.look_at_what_waits().await?;
        self.idle().await;
        Ok(())
    }

    /// Does what is due now and returns when all of it is settled: what time asks for, then deliveries, with those that they
    /// release. For one that does nothing by itself ([`Engine::quiet`]).
    pub async fn catch_up(&self) -> Result<(), LedgerError> {
        self.idle().await;
        self.clock.do_what_is_due().await?;
        self.idle().await;
        while self.dispatch.claim_due().await? > 0 {
            self.idle().await;
        }
        self.dispatch.share_outcomes().await
    }
}
