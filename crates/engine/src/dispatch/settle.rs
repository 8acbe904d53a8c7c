//! What becomes of a delivery is recorded, as often as it takes.

use super::{Dispatch, FIRST_PAUSE, LONGEST_PAUSE, lane::Tried};
use crate::setup::ActiveIntegration;
use domain::NotSent;
use jiff::Timestamp;
use ledger::{Lease, Next, Settlement};
use std::time::Duration;

/// Deliveries that are next in their lines, leased to this node.
pub(super) struct Released {
    pub(super) leases: Vec<Lease>,
    /// Until when.
    pub(super) until: Timestamp,
}

impl Dispatch {
    /// Records an attempt, as often as it takes: the request is out, and only the record keeps it from being sent again.
    /// Answers with what waited for its delivery.
    pub(super) async fn settle(
        &self,
        active: &ActiveIntegration,
        settlement: Settlement,
    ) -> Released {
        let mut pause = FIRST_PAUSE;
        loop {
            let lease_until = active.lease_until(self.core.system().now());
            match self
                .core
                .ledger()
                .settle(settlement.clone(), lease_until)
                .await
            {
                Ok(settled) => {
                    self.core.note_change();
                    let leases = settled.released;
                    return Released {
                        leases,
                        until: lease_until,
                    };
                }
                Err(error) if error.is_retryable() && pause < LONGEST_PAUSE => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; the delivery will be sent again when its lease runs out");
                    return Released {
                        leases: Vec::new(),
                        until: lease_until,
                    };
                }
            }
        }
    }

    /// The next attempt after this one, not before it is `asked` for, or giving up. One that was made before its time changes nothing: what was
    /// to come comes.
    pub(super) fn retry(
        &self,
        active: &ActiveIntegration,
        lease: &Lease,
        tried: Tried,
        reason: NotSent,
        asked: Option<Duration>,
    ) -> Next {
        let now = self.core.system().now();
        // From its first attempt, not from when it was accepted: what was held is tried as often as anything else.
        let began = lease.tried_at.unwrap_or(tried.at);
        let age = began.duration_until(now).try_into().unwrap_or_default();
        let round = lease.round + u32::from(!tried.is_early);
        let policy = active
            .configured
            .as_ref()
            .map(|configured| configured.retry());
        let pause = policy
            .ok()
            .and_then(|policy| policy.delay(round, age, self.core.system().entropy()));
        let due_at = pause.and_then(|pause| {
            now.saturating_add(pause.max(asked.unwrap_or_default()))
                .ok()
        });
        match due_at {
            None => Next::Failed(reason),
            Some(due_at) if tried.is_early => Next::Rest(reason, due_at),
            Some(due_at) => Next::Retry(reason, due_at),
        }
    }
}

/// Whether an attempt that began `at` came before its time: its endpoint was asked whether it is well, or is well again.
pub(super) fn is_early(active: &ActiveIntegration, lease: &Lease, at: Timestamp) -> bool {
    let (Ok(configured), Some(began)) = (&active.configured, lease.tried_at) else {
        return false;
    };
    let age = began.duration_until(at).try_into().unwrap_or_default();
    lease.round > 0 && !configured.retry().has_come(lease.round, age)
}
