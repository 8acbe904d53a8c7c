//! A lane's own task: the first of what is queued begins when its turn comes, or goes back.

use super::{
    Dispatch,
    lane::{Lane, Stance, UnderWay},
};
use crate::{
    places::{Place, Wants},
    setup::{ActiveIntegration, Limits},
    trace,
};
use domain::time::after;
use jiff::SignedDuration;
use ledger::LaneId;
use std::sync::Arc;
use tracing::Instrument;

/// What is queued in a lane whose task ends, however it does, goes back, and so does what comes later.
struct Closed<'a>(&'a Lane);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Dispatch {
    /// Attempts what comes, until nothing can come any more.
    pub(super) async fn run_lane(self, id: LaneId, lane: Arc<Lane>) {
        let mut stopping = self.core.stopping();
        let mut over = self.state.held.over();
        let _closed = Closed(&lane);
        loop {
            tokio::select! {
                () = self.queued(&lane) => {}
                _ = over.wait_for(|over| *over) => return,
            }
            // While this node stops, and when the turn does not come before: it goes back.
            let turn = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => None,
                turn = self.turn(id, &lane) => Some(turn),
            };
            let Some((mut under_way, place)) = turn else {
                lane.give_back();
                continue;
            };
            let (setup, system) = (self.core.setup(), self.core.system());
            let (now, uptime) = (system.now(), system.uptime());
            // The endpoint asked to be left alone meanwhile, or there is nothing left to send.
            let Some(job) = under_way.take(uptime) else {
                continue;
            };
            // Held, leased too long ago, or the breaker opened since it waited: it goes back.
            let active = setup.integration(id.integration).filter(|active| {
                let is_free = active.held(id.endpoint).is_none();
                (is_free || self.state.asks_again(id, active, uptime))
                    && lane.admits(uptime)
                    && now
                        .saturating_add(active.timeout())
                        .is_ok_and(|end| end < job.until())
            });
            let Some(active) = active.cloned() else {
                continue;
            };
            let (lease, room) = job.begin();
            let (dispatch, lane) = (self.clone(), Arc::clone(&lane));
            tokio::spawn(async move {
                let span = trace::attempt(active.spec.key, &lease);
                let attempt = dispatch.attempt(&active, &lane, lease, &room);
                attempt.instrument(span).await;
                drop((under_way, place));
            });
        }
    }

    /// Waits until something is queued.
    async fn queued(&self, lane: &Lane) {
        while lane.stance(self.core.system().uptime()) == Stance::Empty {
            lane.stirred(None).await;
        }
    }

    /// Waits until something may begin. What would not be this node's any more by then goes back.
    async fn rested(&self, id: LaneId, lane: &Lane) {
        loop {
            let (now, uptime) = (self.core.system().now(), self.core.system().uptime());
            match lane.stance(uptime) {
                Stance::Goes => return,
                Stance::Empty | Stance::Waits => lane.stirred(None).await,
                Stance::Pauses(left) => {
                    let setup = self.core.setup();
                    let active = setup.integration(id.integration);
                    let timeout = active.map(ActiveIntegration::timeout).unwrap_or_default();
                    let needed = SignedDuration::try_from(left.saturating_add(timeout));
                    lane.give_back_ending(after(now, needed.unwrap_or(SignedDuration::MAX)));
                    lane.stirred(Some(left)).await;
                }
            }
        }
    }

    /// Waits until the endpoint may be asked once more, and there is a place among all that goes out.
    ///
    /// Its pace comes after what is under way there: counted before, one that waited for another's answer would go right before the next.
    async fn turn(&self, id: LaneId, lane: &Arc<Lane>) -> (UnderWay, Place) {
        self.rested(id, lane).await;
        let nodes = &self.state.nodes;
        let unlimited = Limits {
            concurrency: 1,
            rate: None,
        };
        let limits = || {
            let setup = self.core.setup();
            let active = setup.integration(id.integration);
            active.map_or(unlimited, ActiveIntegration::limits)
        };
        let under_way = lane.begin(limits, nodes).await;
        // What was slept has passed, also by a clock that stands.
        let mut at = self.core.system().uptime();
        while let Some(wait) = lane.wait(limits(), nodes, at) {
            tokio::time::sleep(wait).await;
            at = self.core.system().uptime().max(at.saturating_add(wait));
        }
        let setup = self.core.setup();
        let active = setup.integration(id.integration);
        let project = active.and_then(|active| self.core.shares_as(active.row.project));
        let wants = Wants::lane(project, id);
        (under_way, self.core.place(wants).await)
    }
}
