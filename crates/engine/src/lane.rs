//! A lane: one integration's own queue, limits and circuit breaker, so that its troubles stay its own.

use domain::breaker::Breaker;
use jiff::{SignedDuration, Timestamp};
use ledger::Lease;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{Semaphore, mpsc};

/// How long a node may hold a delivery it has taken up, beside the time that an answer is waited for.
pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(50);
/// Deliveries a lane holds in memory; the rest waits in the ledger.
const CAPACITY: usize = 1024;

/// A leased delivery, with the end of the lease.
pub(crate) struct Job {
    pub(crate) lease: Lease,
    pub(crate) until: Timestamp,
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
    /// Deliveries promised room, queued or being attempted.
    held: AtomicUsize,
    breaker: Mutex<Breaker>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) concurrency: usize,
}

impl Lane {
    pub(crate) fn new(concurrency: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<Job>) {
        let (jobs, queue) = mpsc::unbounded_channel();
        let lane = Self {
            jobs,
            held: AtomicUsize::new(0),
            breaker: Mutex::default(),
            permits: Arc::new(Semaphore::new(concurrency)),
            concurrency,
        };
        (Arc::new(lane), queue)
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises room for `wanted` deliveries, all or none. None while the breaker is open: then they wait in the ledger.
    pub(crate) fn reserve(&self, wanted: usize) -> bool {
        let room = |held: usize| (held + wanted <= CAPACITY).then_some(held + wanted);
        !self.breaker().is_open()
            && self
                .held
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, room)
                .is_ok()
    }

    /// Promises room for up to `wanted` deliveries from the ledger; answers how many. One, as a probe, when a pause ends.
    pub(crate) fn reserve_up_to(&self, wanted: usize, now: Timestamp) -> usize {
        let admitted = self.breaker().admits(wanted, now);
        if self.breaker().is_open() && self.held.load(Ordering::Acquire) > 0 {
            return 0;
        }
        let mut got = 0;
        let room = |held: usize| {
            got = admitted.min(CAPACITY.saturating_sub(held));
            Some(held + got)
        };
        match self
            .held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, room)
        {
            Ok(_) | Err(_) => got,
        }
    }

    /// Gives promised room back.
    pub(crate) fn give_back(&self, count: usize) {
        self.held.fetch_sub(count, Ordering::AcqRel);
    }

    /// Takes up one more, for which there need not be room: it was waiting for one that has just been settled.
    pub(crate) fn take_up(&self, job: Job) {
        self.held.fetch_add(1, Ordering::AcqRel);
        self.push(job);
    }

    /// Queues a delivery for which room was promised.
    pub(crate) fn push(&self, job: Job) {
        if self.jobs.send(job).is_err() {
            // The lane is gone with its integration; the lease runs out.
            self.give_back(1);
        }
    }

    pub(crate) fn succeeded(&self) {
        let mut breaker = self.breaker();
        *breaker = breaker.succeeded();
    }

    /// Answers whether this failure opened the breaker.
    pub(crate) fn failed(&self, now: Timestamp) -> bool {
        let mut breaker = self.breaker();
        let was_open = breaker.is_open();
        *breaker = breaker.failed(now);
        !was_open && breaker.is_open()
    }

    /// Whether a delivery already in the queue may be attempted: always while closed, and the one probe of an open breaker.
    pub(crate) fn admits(&self, now: Timestamp) -> bool {
        self.breaker().admits(1, now) == 1
    }

    pub(crate) fn health(&self) -> LaneHealth {
        LaneHealth {
            held: self.held.load(Ordering::Acquire),
            breaker_open: self.breaker().is_open(),
        }
    }
}
