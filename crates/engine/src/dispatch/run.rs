//! A lane's own task: what is queued begins when its turn comes, or goes back.

use super::{
    Dispatch,
    held::Job,
    lane::{Lane, UnderWay},
};
use crate::{
    places::{Place, Wants},
    setup::{ActiveIntegration, Limits},
    trace,
};
use ledger::LaneId;
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::Instrument;

impl Dispatch {
    /// Attempts what comes, until nothing can come any more.
    pub(super) async fn run_lane(
        self,
        id: LaneId,
        lane: Arc<Lane>,
        mut queue: mpsc::UnboundedReceiver<Job>,
    ) {
        let mut stopping = self.core.stopping();
        let mut over = self.state.held.over();
        loop {
            let job = tokio::select! {
                job = queue.recv() => job,
                _ = over.wait_for(|over| *over) => None,
            };
            let Some(job) = job else { return };
            // While this node stops, and when its turn does not come before: dropped, it goes back.
            let under_way = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => continue,
                under_way = self.turn(id, &lane) => under_way,
            };
            let (setup, system) = (self.core.setup(), self.core.system());
            let (now, uptime) = (system.now(), system.uptime());
            // Held, leased too long ago, or the endpoint is left alone since it waited: it goes back.
            let active = setup.integration(id.integration).filter(|active| {
                active.held().is_none()
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
                drop(under_way);
            });
        }
    }

    /// Waits until the endpoint may be asked once more, and there is a place among all that goes out.
    ///
    /// Its pace comes after what is under way there: counted before, one that waited for another's answer would go right before the next.
    async fn turn(&self, id: LaneId, lane: &Arc<Lane>) -> (UnderWay, Place) {
        let nodes = &self.state.nodes;
        let unlimited = Limits {
            concurrency: 1,
            per_second: None,
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
        (under_way, self.core.place(Wants::Lane(id)).await)
    }
}
