//! What falls due is claimed from the ledger: retries, deliveries that found no room, and leases of nodes that are gone.

use super::{Dispatch, held::Job};
use domain::IntegrationId;
use ledger::LedgerError;
use std::{sync::atomic::Ordering, time::Duration};

/// How often the ledger is asked for due deliveries when nothing wakes the poll.
const POLL: Duration = Duration::from_millis(200);
/// Deliveries claimed at once.
const AT_ONCE: usize = 256;

impl Dispatch {
    /// Claims until the node stops: when woken, when configuration changed, and every now and then.
    pub(super) async fn poll_due(self) {
        let mut stopping = self.core.stopping();
        let mut reloads = self.core.reloads();
        loop {
            tokio::select! {
                () = self.state.due.notified() => {}
                // What was held may go now.
                Ok(()) = reloads.changed() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            if let Err(error) = self.claim_due().await {
                tracing::error!(%error, "due deliveries could not be claimed; trying again");
            }
        }
    }

    /// Answers how many there were.
    pub(crate) async fn claim_due(&self) -> Result<usize, LedgerError> {
        let now = self.core.system().now();
        let mut claimed = 0;
        let (setup, dispatcher) = (self.core.setup(), &self.state);
        let mut among: Vec<IntegrationId> = setup
            .integrations()
            .filter(|active| active.held().is_none() && dispatcher.takes(active, now))
            .map(|active| active.row.id)
            .collect();
        // Whoever comes first has the most room: each is first in turn.
        let turn = dispatcher.turn.fetch_add(1, Ordering::Relaxed);
        if !among.is_empty() {
            let first = turn % among.len();
            among.rotate_left(first);
        }
        for id in self.core.ledger().integrations_due(&among, now).await? {
            let Some(active) = setup.integration(id) else {
                continue;
            };
            let lane = self.lane(id);
            let capacity = dispatcher.nodes.capacity(active.limits());
            let rooms = lane.reserve_up_to(AT_ONCE, capacity, now);
            if rooms.is_empty() {
                continue;
            }
            let until = active.lease_until(now);
            let leases = self
                .core
                .ledger()
                .claim(id, now, until, rooms.len())
                .await?;
            claimed += leases.len();
            if leases.len() == AT_ONCE {
                dispatcher.wake();
            }
            for (lease, room) in leases.into_iter().zip(rooms) {
                lane.push(Job::new(lease, until, room));
            }
        }
        Ok(claimed)
    }
}
