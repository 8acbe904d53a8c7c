//! A lane: one endpoint's own queue, limits and circuit breaker, so that its troubles stay its own.

use super::{
    end::Says,
    held::{Held, Job, Room, Share},
};
use crate::{
    Guarded,
    setup::{ActiveIntegration, Limits},
};
use domain::breaker::Breaker;
use domain::pace::Pace;
use jiff::Timestamp;
use ledger::{Order, PATIENCE};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc};

/// Deliveries a lane holds in memory, at most; the rest waits in the ledger.
const CAPACITY: usize = 1024;
/// Of an endpoint that takes only so many a second, a lane holds what can be sent in so many seconds, well before leases run out.
const PACED_SECONDS: usize = 20;
/// Deliveries taken from the ledger at once for an endpoint that has not accepted any yet: a node that starts beside a thousand endpoints that
/// are gone does not take up the backlog of each.
const UNPROVEN: usize = 16;
/// Before a lane that is full looks again whether its share has grown.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How many nodes share what an endpoint may be asked.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    others: AtomicU32,
}

impl Nodes {
    pub(crate) fn set(&self, nodes: NonZeroU32) {
        self.others.store(nodes.get() - 1, Ordering::Release);
    }

    fn count(&self) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(self.others.load(Ordering::Acquire))
    }

    /// This node's share of attempts under way: rounded up, so that each has one.
    fn share(&self, concurrency: usize) -> usize {
        concurrency.div_ceil(self.count().get() as usize).max(1)
    }

    /// Deliveries this node holds in memory for an endpoint.
    pub(crate) fn capacity(&self, limits: Limits) -> usize {
        limits.per_second.map_or(CAPACITY, |rate| {
            let seconds = (rate.get() as usize).saturating_mul(PACED_SECONDS);
            self.share(seconds).min(CAPACITY)
        })
    }
}

/// How a lane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneHealth {
    /// Deliveries held in memory, attempts under way included.
    pub held: usize,
    /// Whether the circuit breaker holds attempts back.
    pub breaker_open: bool,
}

pub(crate) struct Lane {
    jobs: mpsc::UnboundedSender<Job>,
    share: Arc<Share>,
    breaker: Guarded<Breaker>,
    /// Whether the endpoint accepted something since the node started, or since its breaker opened.
    proven: AtomicBool,
    pace: Guarded<Pace>,
    /// Since when anything could go, as the uptime of the process; `None` while nothing can.
    flows_since: Guarded<Option<Duration>>,
    under_way: AtomicUsize,
    freed: Notify,
}

impl Lane {
    /// One that something can go through from `uptime` on.
    pub(super) fn new(
        held: &Arc<Held>,
        uptime: Duration,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Job>) {
        let (jobs, queue) = mpsc::unbounded_channel();
        let lane = Self {
            jobs,
            share: Share::new(held),
            breaker: Guarded::default(),
            proven: AtomicBool::new(false),
            pace: Guarded::default(),
            flows_since: Guarded::new(Some(uptime)),
            under_way: AtomicUsize::new(0),
            freed: Notify::new(),
        };
        (Arc::new(lane), queue)
    }

    /// Waits until another attempt may be under way; it is until the answer is dropped.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        limits: impl Fn() -> Limits,
        nodes: &Nodes,
    ) -> UnderWay {
        loop {
            let share = nodes.share(limits().concurrency);
            let room = |under_way: usize| (under_way < share).then_some(under_way + 1);
            let begun = self
                .under_way
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
            if begun.is_ok() {
                return UnderWay(Arc::clone(self));
            }
            tokio::select! {
                () = self.freed.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// How long to wait before an attempt may begin; `None` when it may begin now.
    pub(crate) fn wait(&self, limits: Limits, nodes: &Nodes, now: Timestamp) -> Option<Duration> {
        let rate = limits.per_second?;
        let mut pace = self.pace.lock();
        match pace.admit(rate, nodes.count(), now) {
            Ok(next) => {
                *pace = next;
                None
            }
            Err(wait) => Some(wait.unsigned_abs()),
        }
    }

    /// Room for a delivery. None while the breaker is open: then it waits in the ledger.
    pub(super) fn reserve(&self, capacity: usize) -> Option<Room> {
        if self.breaker.lock().is_open() {
            return None;
        }
        self.share.make(|held| usize::from(held < capacity)).pop()
    }

    /// Room for up to `wanted` deliveries from the ledger. For one, as a probe, when a pause ends.
    pub(super) fn reserve_up_to(
        &self,
        wanted: usize,
        capacity: usize,
        now: Timestamp,
    ) -> Vec<Room> {
        let wanted = if self.proven.load(Ordering::Acquire) {
            wanted
        } else {
            wanted.min(UNPROVEN)
        };
        let breaker = *self.breaker.lock();
        let admitted = breaker.admits(wanted, now);
        self.share.make(|held| {
            if breaker.is_open() && held > 0 {
                0
            } else {
                admitted.min(capacity.saturating_sub(held))
            }
        })
    }

    /// Whether it would take anything from the ledger now.
    pub(super) fn has_room(&self, capacity: usize, now: Timestamp) -> bool {
        let (breaker, held) = (*self.breaker.lock(), self.share.count());
        breaker.admits(1, now) == 1 && held < if breaker.is_open() { 1 } else { capacity }
    }

    /// Notes whether anything can go at `uptime`: nothing held it, and the breaker is closed.
    pub(super) fn note_flow(&self, is_free: bool, uptime: Duration) {
        let flows = is_free && !self.breaker.lock().is_open();
        let mut since = self.flows_since.lock();
        *since = since.or(Some(uptime)).filter(|_| flows);
    }

    /// Which deliveries may go. Patience with one that is never accepted ends only where all others could go for as long: while nothing could,
    /// it is not that one which they wait for.
    pub(super) fn order(
        &self,
        active: &ActiveIntegration,
        now: Timestamp,
        uptime: Duration,
    ) -> Order {
        if !active.spec.ordered {
            return Order::Any;
        }
        let flowed = (*self.flows_since.lock()).map(|since| uptime.saturating_sub(since));
        let is_patient = flowed.is_none_or(|flowed| flowed < PATIENCE.unsigned_abs());
        let tried_before = now
            .checked_sub(PATIENCE)
            .ok()
            .filter(|_| !is_patient)
            .unwrap_or(Timestamp::MIN);
        Order::Customer { tried_before }
    }

    /// Queues a delivery. Where the lane has ended, it goes back.
    pub(super) fn push(&self, job: Job) {
        drop(self.jobs.send(job));
    }

    /// Takes note of what an attempt said about the endpoint. Answers whether that opened the breaker.
    ///
    /// One that only refuses is neither working nor failing: what was known of it stands. A probe that it refuses is followed by another.
    pub(super) fn heard(&self, says: Says, now: Timestamp) -> bool {
        let mut breaker = self.breaker.lock();
        let was_open = breaker.is_open();
        match says {
            Says::Accepted => {
                *breaker = breaker.succeeded();
                self.proven.store(true, Ordering::Release);
            }
            Says::Failing => *breaker = breaker.failed(now),
            Says::Refused | Says::Nothing => {}
        }
        let opened = !was_open && breaker.is_open();
        if opened {
            self.proven.store(false, Ordering::Release);
        }
        opened
    }

    /// Whether a delivery already in the queue may be attempted: always while closed, and the one probe of an open breaker.
    pub(crate) fn admits(&self, now: Timestamp) -> bool {
        self.breaker.lock().admits(1, now) == 1
    }

    pub(crate) fn health(&self) -> LaneHealth {
        LaneHealth {
            held: self.share.count(),
            breaker_open: self.breaker.lock().is_open(),
        }
    }
}

/// An attempt under way, however it ends.
pub(crate) struct UnderWay(Arc<Lane>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn nodes(count: u32) -> Nodes {
        let nodes = Nodes::default();
        nodes.set(NonZeroU32::new(count).unwrap());
        nodes
    }

    #[test]
    fn nodes_together_stay_within_a_limit_but_for_what_rounding_adds() {
        for concurrency in [1, 2, 5, 32, 100] {
            for count in 1..8 {
                let together = nodes(count).share(concurrency) * count as usize;
                assert!(together >= concurrency);
                assert!(
                    together < concurrency + count as usize,
                    "{concurrency} {count}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_lane_is_full_with_its_share_and_goes_on_when_one_ends() {
        let limits = || Limits {
            concurrency: 4,
            per_second: None,
        };
        let (held, _backs) = Held::new();
        let ((lane, _queue), nodes) = (Lane::new(&held, Duration::ZERO), nodes(2));
        let first = lane.begin(limits, &nodes).await;
        let second = lane.begin(limits, &nodes).await;
        let third = lane.begin(limits, &nodes);
        tokio::pin!(third);
        let soon = tokio::time::timeout(Duration::from_millis(20), &mut third);
        assert!(soon.await.is_err(), "two are its share of four");
        drop(first);
        drop((second, third.await));
        assert_eq!(lane.under_way.load(Ordering::Acquire), 0);
    }

    #[test]
    fn an_endpoint_that_accepted_nothing_yet_is_tried_with_little() {
        let (held, _backs) = Held::new();
        let (lane, _queue) = Lane::new(&held, Duration::ZERO);
        let claimed = |now| lane.reserve_up_to(256, CAPACITY, now).len();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(claimed(now), UNPROVEN);
        for says in [Says::Refused, Says::Nothing, Says::Failing] {
            assert!(!lane.heard(says, now));
            assert_eq!(claimed(now), UNPROVEN, "{says:?}");
        }
        lane.heard(Says::Accepted, now);
        assert_eq!(claimed(now), 256);
        while !lane.heard(Says::Failing, now) {}
        let later = now + SignedDuration::from_mins(5);
        let probe = lane.reserve_up_to(256, CAPACITY, later);
        assert_eq!((probe.len(), claimed(later)), (1, 0), "one probe at a time");
        drop(probe);
        for says in [Says::Refused, Says::Nothing] {
            lane.heard(says, later);
            assert!(lane.health().breaker_open, "{says:?}");
            assert_eq!(claimed(later), 1, "another");
        }
        lane.heard(Says::Accepted, later);
        assert!(!lane.health().breaker_open);
    }

    #[test]
    fn a_slow_endpoint_has_no_more_in_memory_than_it_takes_before_leases_run_out() {
        let capacity = |per_second, count| {
            nodes(count).capacity(Limits {
                concurrency: 1,
                per_second: NonZeroU32::new(per_second),
            })
        };
        assert_eq!(
            (capacity(0, 1), capacity(1, 1), capacity(1, 3)),
            (1024, 20, 7)
        );
        assert_eq!(capacity(1_000, 2), 1024);
    }
}
