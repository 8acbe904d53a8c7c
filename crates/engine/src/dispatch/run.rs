//! A lane's own task: the first of what is queued begins when its turn comes, or goes back.

use super::{
    Dispatch,
    held::Job,
    lane::{Lane, Stance, UnderWay},
};
use crate::{
    places::{Place, Wants},
    setup::{ActiveIntegration, LONGEST_LINGER, Limits},
    trace,
};
use domain::time::after;
use jiff::SignedDuration;
use ledger::LaneId;
use std::{sync::Arc, time::Duration};
use tracing::Instrument;

/// How long one waits for those that are due at the same moment, and are claimed a few at a time.
const UNTIL_CLAIMED: Duration = Duration::from_secs(2);

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
            // Held, or the breaker opened since it waited: it goes back.
            let active = setup.integration(id.integration).filter(|active| {
                let is_free = active.held(id.endpoint).is_none();
                (is_free || self.state.asks_again(id, active, uptime)) && lane.admits(uptime)
            });
            let Some(active) = active.cloned() else {
                continue;
            };
            let mut jobs = match active.batching() {
                Some(batching) => under_way.take_with(job, batching.most, uptime),
                None => vec![job],
            };
            // What was leased too long ago goes back.
            let end = now.saturating_add(active.timeout()).unwrap_or(now);
            jobs.retain(|job| end < job.until());
            if jobs.is_empty() {
                continue;
            }
            let (dispatch, lane) = (self.clone(), Arc::clone(&lane));
            tokio::spawn(async move {
                dispatch.attempt_all(&active, &lane, jobs).await;
                drop((under_way, place));
            });
        }
    }

    /// Attempts what goes in one turn.
    async fn attempt_all(&self, active: &ActiveIntegration, lane: &Lane, jobs: Vec<Job>) {
        let until = jobs.iter().map(Job::until).min().unwrap_or_default();
        let mut leased: Vec<_> = jobs.into_iter().map(Job::begin).collect();
        if active.batching().is_some() {
            let attempt = self.attempt_together(active, lane, leased, until);
            return Box::pin(attempt).await;
        }
        if let Some(leased) = leased.pop() {
            let span = trace::attempt(active.spec.key, &leased.0);
            let attempt = self.attempt(active, lane, leased, until);
            attempt.instrument(span).await;
        }
    }

    /// Waits until there is enough for a batch, where messages travel so, or what there is has waited as long as it may.
    async fn gathered(&self, id: LaneId, lane: &Lane) {
        let setup = self.core.setup();
        let active = setup.integration(id.integration);
        let Some(batching) = active.and_then(ActiveIntegration::batching) else {
            return;
        };
        // Where it is longer, they waited in the ledger.
        let linger = Some(batching.linger).filter(|linger| *linger <= LONGEST_LINGER);
        let mut linger = linger.unwrap_or(UNTIL_CLAIMED);
        if lane.goes_again() {
            linger = linger.max(UNTIL_CLAIMED);
        }
        let end = tokio::time::sleep(linger);
        tokio::pin!(end);
        while !lane.is_gathered(batching.most) {
            tokio::select! {
                () = lane.stirred(None) => {}
                () = &mut end => return,
            }
        }
    }

    /// What the endpoint of a lane may be asked.
    fn limits(&self, id: LaneId) -> Limits {
        let setup = self.core.setup();
        let active = setup.integration(id.integration);
        let unlimited = Limits {
            concurrency: 1,
            rate: None,
            per_customer: None,
        };
        active.map_or(unlimited, ActiveIntegration::limits)
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
        let nodes = &self.state.nodes;
        lane.limit_customers(self.limits(id), nodes);
        self.gathered(id, lane).await;
        self.rested(id, lane).await;
        let limits = || self.limits(id);
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
