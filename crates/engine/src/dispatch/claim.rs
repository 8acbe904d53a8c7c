//! What falls due is claimed from the ledger: retries, deliveries that found no room, and leases of nodes that are gone.

use super::{Dispatch, held::Job};
use crate::setup::ActiveIntegration;
use jiff::Timestamp;
use ledger::{Claim, LaneId, LedgerError};
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
        let system = self.core.system();
        let (now, uptime) = (system.now(), system.uptime());
        let (setup, dispatcher) = (self.core.setup(), &self.state);
        if let Some(by) = dispatcher.steady.look(now, uptime) {
            let moved = self.core.ledger().set_back(by, now).await?;
            tracing::warn!(
                seconds = by.as_secs(),
                moved,
                "the clock was set back; what was scheduled by it comes as much earlier"
            );
        }
        let mut among = Vec::new();
        for active in setup.integrations() {
            dispatcher.note_flow(active, uptime);
            if active.held().is_none() {
                let lanes = LaneId::all(active.row.id).into_iter();
                among.extend(lanes.filter(|lane| dispatcher.takes(*lane, active, uptime)));
            }
        }
        // Whoever comes first has the most room: each is first in turn.
        let turn = dispatcher.turn.fetch_add(1, Ordering::Relaxed);
        if !among.is_empty() {
            let first = turn % among.len();
            among.rotate_left(first);
        }
        let mut claimed = 0;
        for id in self.core.ledger().lanes_due(&among, now).await? {
            if let Some(active) = setup.integration(id.integration) {
                claimed += self.claim_of(id, active, now, uptime).await?;
            }
        }
        Ok(claimed)
    }

    /// Claims what a lane has room for. Answers how many there were.
    async fn claim_of(
        &self,
        id: LaneId,
        active: &ActiveIntegration,
        now: Timestamp,
        uptime: Duration,
    ) -> Result<usize, LedgerError> {
        let dispatcher = &self.state;
        let lane = self.lane(id);
        let capacity = dispatcher.nodes.capacity(active.limits());
        let rooms = lane.reserve_up_to(AT_ONCE, capacity, uptime);
        if rooms.is_empty() {
            return Ok(0);
        }
        let claim = Claim {
            lane: id,
            now,
            lease_until: active.lease_until(now),
            limit: rooms.len(),
            order: lane.order(active, now, uptime),
            except: lane.suspect(),
        };
        let ledger = self.core.ledger();
        let mut leases = ledger.claim(claim).await?;
        if leases.is_empty() && claim.except.is_some() {
            let anybody = Claim {
                except: None,
                ..claim
            };
            leases = ledger.claim(anybody).await?;
        }
        let claimed = leases.len();
        if claimed == AT_ONCE {
            dispatcher.wake();
        }
        let jobs = leases.into_iter().zip(rooms);
        let jobs = jobs.map(|(lease, room)| Job::new(lease, claim.lease_until, room));
        lane.push_all(jobs.collect());
        Ok(claimed)
    }
}
