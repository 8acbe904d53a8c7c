//! What falls due is claimed from the ledger: retries, deliveries that found no room, and leases of nodes that are gone.

use super::{
    Dispatch,
    held::Job,
    lane::{Lane, Rousing},
    steady::Look,
};
use crate::setup::ActiveIntegration;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use ledger::{Claim, FAR, LaneId, Lease, LedgerError, Rouse};
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
        let look = Look {
            now: system.now(),
            uptime: system.uptime(),
            awake: system.awake(),
        };
        let Look { now, uptime, .. } = look;
        let (setup, dispatcher) = (self.core.setup(), &self.state);
        self.stir();
        self.follow_clocks(look).await?;
        let mut among = Vec::new();
        for active in setup.integrations() {
            dispatcher.note_flow(active, uptime);
            let lanes = LaneId::all(active.row.id).into_iter();
            among.extend(lanes.filter(|lane| {
                let is_free = active.held(lane.endpoint).is_none();
                if active.may_take_again(lane.endpoint) {
                    self.lane(*lane);
                }
                (is_free || dispatcher.asks_again(*lane, active, uptime))
                    && dispatcher.takes(*lane, active, uptime)
            }));
        }
        // Whoever comes first has the most room: each is first in turn.
        let turn = dispatcher.turn.fetch_add(1, Ordering::Relaxed);
        if !among.is_empty() {
            let first = turn % among.len();
            among.rotate_left(first);
        }
        self.look_for_lanes(&among, uptime).await?;
        let mut due = self.core.ledger().lanes_due(&among, now).await?;
        let is_free = |id: &&LaneId| {
            let active = setup.integration(id.integration);
            active.is_some_and(|active| active.held(id.endpoint).is_none())
        };
        let rousing = among.iter().filter(is_free);
        let rousing = rousing.filter(|id| dispatcher.rouses(**id, uptime));
        let rousing: Vec<_> = rousing.filter(|id| !due.contains(id)).copied().collect();
        due.extend(rousing);
        let mut claimed = 0;
        for id in due {
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
        // Of what is held, one shows whether it is to be.
        let is_free = active.held(id.endpoint).is_none();
        let wanted = if is_free { AT_ONCE } else { 1 };
        let rooms = lane.reserve_up_to(wanted, capacity, uptime);
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
        let mut leases = self.claim_first_of_others(claim).await?;
        let left = rooms.len() - leases.len();
        if left > 0 && is_free && self.rouse(&lane, &claim, left, uptime).await? {
            let limit = left;
            let roused = Claim { limit, ..claim };
            leases.extend(self.claim_first_of_others(roused).await?);
        }
        let claimed = leases.len();
        if claimed == AT_ONCE {
            dispatcher.wake();
        }
        let jobs = leases.into_iter().zip(rooms);
        let jobs = jobs.map(|(lease, room)| Job::new(lease, claim.lease_until, room));
        lane.push_all(jobs);
        Ok(claimed)
    }

    async fn claim_first_of_others(&self, claim: Claim) -> Result<Vec<Lease>, LedgerError> {
        let ledger = self.core.ledger();
        let leases = ledger.claim(claim).await?;
        if !leases.is_empty() || claim.except.is_none() {
            return Ok(leases);
        }
        let except = None;
        ledger.claim(Claim { except, ..claim }).await
    }

    /// Makes due what need not rest any longer, or one that shows whether it need. Answers whether there was anything.
    async fn rouse(
        &self,
        lane: &Lane,
        claim: &Claim,
        room: usize,
        uptime: Duration,
    ) -> Result<bool, LedgerError> {
        let Some(what) = lane.rouses(uptime) else {
            return Ok(false);
        };
        let (limit, except, or_anybody) = match what {
            Rousing::Probe => {
                let failed = lane.last_failed();
                (1, failed.customer, failed.or_anybody)
            }
            Rousing::Over(_) => (room, None, false),
        };
        let tried = what.tried();
        let rouse = Rouse {
            lane: claim.lane,
            now: claim.now,
            limit,
            order: claim.order,
            tried_from: tried.from,
            tried_before: tried.to,
            except,
        };
        let mut roused = self.core.ledger().rouse(rouse).await?;
        if roused == 0 && except.is_some() && or_anybody {
            let except = None;
            roused = self.core.ledger().rouse(Rouse { except, ..rouse }).await?;
        }
        lane.note_roused(what, roused, uptime);
        Ok(roused > 0)
    }

    /// Takes up lanes that this node knows nothing of and in which something rests: after a start, for one, nobody else asks whether their
    /// endpoints are well.
    async fn look_for_lanes(&self, among: &[LaneId], uptime: Duration) -> Result<(), LedgerError> {
        if !self.state.looks(uptime) {
            return Ok(());
        }
        let unknown: Vec<LaneId> = {
            let lanes = self.state.lanes.lock();
            let unknown = among.iter().filter(|id| !lanes.contains_key(id));
            unknown.copied().collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        // Before what waits for its turn.
        let ever = after(FAR, -SignedDuration::from_micros(1));
        for id in self.core.ledger().lanes_due(&unknown, ever).await? {
            self.lane(id);
        }
        Ok(())
    }
}
