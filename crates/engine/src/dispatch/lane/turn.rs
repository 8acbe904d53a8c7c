//! When something of a lane begins, and what: only so many attempts are under way, and nothing goes beside one that shows whether its endpoint takes
//! anything again.

use super::{Known, LOOK_AGAIN, Lane, Nodes, together::Together};
use crate::{dispatch::held::Job, setup::Limits};
use domain::{DeliveryId, customer::Customer};
use jiff::Timestamp;
use ledger::Lease;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Whether something of a lane may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum Stance {
    /// Nothing is queued.
    Empty,
    /// The endpoint asked to be left alone, or may not be asked about these customers again yet, for so long from now on.
    Pauses(Duration),
    /// One is under way that shows whether it takes anything, or is put off and not recorded yet: it goes first then.
    Waits,
    /// The first of the queue may.
    Goes,
}

impl Known {
    fn stance(&self, uptime: Duration) -> Stance {
        if self.queue.is_empty() {
            return Stance::Empty;
        }
        match self.throttle.left(uptime) {
            Some(left) => Stance::Pauses(left),
            None if self.throttle.is_wary() && !self.alone.is_empty() => Stance::Waits,
            None => {
                let wait = self.queue.wait(|job| self.wait_of(job, uptime));
                wait.map_or(Stance::Goes, Stance::Pauses)
            }
        }
    }

    /// How many wait until a pause is over.
    pub(super) fn resting(&self, uptime: Duration) -> usize {
        match self.stance(uptime) {
            Stance::Pauses(_) => self.queue.len(),
            Stance::Empty | Stance::Waits | Stance::Goes => 0,
        }
    }

    /// How long its customer's pace has a delivery wait.
    fn wait_of(&self, job: &Job, uptime: Duration) -> Option<Duration> {
        let customer = job.customer()?;
        self.paces.wait(customer.id, uptime)
    }

    /// The first of those in the queue that are meant whose customer's pace allows it.
    pub(super) fn next(
        &mut self,
        uptime: Duration,
        is_meant: impl Fn(DeliveryId, &Together) -> bool,
    ) -> Option<Job> {
        let (paces, together) = (&self.paces, &self.together);
        let goes = |job: &Job| {
            let is_meant = job.delivery().is_none_or(|id| is_meant(id, together));
            let customer = job.customer();
            let waits = || customer.is_some_and(|of| paces.wait(of.id, uptime).is_some());
            is_meant && !waits()
        };
        let job = self.queue.pop(goes)?;
        if let Some(customer) = job.customer() {
            self.paces.begin(customer.id, uptime);
        }
        Some(job)
    }
}

impl Lane {
    /// Queues a delivery for the lane's own task (`run`): first of all what the endpoint put off. Where the lane has ended, it goes back.
    pub(in crate::dispatch) fn push(&self, job: Job) {
        self.push_all([job]);
    }

    /// Queues deliveries.
    pub(in crate::dispatch) fn push_all(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut known = self.known.lock();
        let mut refused = Vec::new();
        for job in jobs {
            let place = job.delivery().and_then(|id| known.put_off.place(id));
            refused.extend(known.queue.push(job, place));
        }
        drop(known);
        drop(refused);
        self.stir();
    }

    /// Has the lane's own task look again at what is queued.
    pub(in crate::dispatch) fn stir(&self) {
        self.stirred.notify_one();
    }

    /// Waits until the lane is stirred, at most so long.
    pub(in crate::dispatch) async fn stirred(&self, most: Option<Duration>) {
        let stirred = self.stirred.notified();
        match most {
            None => stirred.await,
            Some(most) => drop(tokio::time::timeout(most, stirred).await),
        }
    }

    /// From now on the endpoint may be asked so often about one customer.
    pub(in crate::dispatch) fn limit_customers(&self, limits: Limits, nodes: &Nodes) {
        let paces = &mut self.known.lock().paces;
        paces.limit(limits.per_customer, nodes.count());
    }

    /// Whether something may begin.
    pub(in crate::dispatch) fn stance(&self, uptime: Duration) -> Stance {
        self.known.lock().stance(uptime)
    }

    /// Gives back what is queued and leased no longer than until then.
    pub(in crate::dispatch) fn give_back_ending(&self, at: Timestamp) {
        let ending = |job: &Job| job.until() <= at;
        let ending = self.known.lock().queue.take_out(ending);
        drop(ending);
    }

    /// Gives back what is queued of customers like this.
    pub(in crate::dispatch) fn give_back_of(&self, is_theirs: impl Fn(&Customer) -> bool) {
        let theirs = |job: &Job| job.customer().is_some_and(&is_theirs);
        let theirs = self.known.lock().queue.take_out(theirs);
        drop(theirs);
    }

    /// Gives back what is queued.
    pub(in crate::dispatch) fn give_back(&self) {
        let queued = self.known.lock().queue.clear();
        drop(queued);
    }

    /// Gives back what is queued, and whatever comes from then on.
    pub(in crate::dispatch) fn close(&self) {
        let queued = self.known.lock().queue.close();
        drop(queued);
    }

    /// How long a delivery that was put off would stay in memory, to go first then; `None` for one that steps aside.
    pub(in crate::dispatch) fn keeps(
        &self,
        delivery: DeliveryId,
        uptime: Duration,
    ) -> Option<Duration> {
        let known = self.known.lock();
        known.put_off.place(delivery)?;
        Some(known.throttle.left(uptime).unwrap_or_default())
    }

    /// When a delivery is due that was put off at `at` and is not kept: before whatever came later, or, where it steps aside, behind all that is due.
    pub(in crate::dispatch) fn due(&self, lease: &Lease, at: Timestamp) -> Timestamp {
        let place = self.known.lock().put_off.place(lease.id);
        place.map_or(at, |_| lease.accepted_at.min(at))
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
                return UnderWay {
                    lane: Arc::clone(self),
                    deliveries: Vec::new(),
                };
            }
            self.stirred(Some(LOOK_AGAIN)).await;
        }
    }

    /// How long to wait before an attempt may begin; `None` when it may begin now.
    pub(crate) fn wait(&self, limits: Limits, nodes: &Nodes, uptime: Duration) -> Option<Duration> {
        let rate = limits.rate?;
        let pace = &mut self.known.lock().pace;
        match pace.admit(rate, nodes.count(), uptime) {
            Ok(next) => {
                *pace = next;
                None
            }
            Err(wait) => Some(wait),
        }
    }
}

/// An attempt under way, however it ends.
pub(crate) struct UnderWay {
    pub(super) lane: Arc<Lane>,
    /// At which deliveries, once that is known.
    pub(super) deliveries: Vec<DeliveryId>,
}

impl UnderWay {
    /// Takes the first of the queue to be attempted, if something may begin still.
    pub(in crate::dispatch) fn take(&mut self, uptime: Duration) -> Option<Job> {
        let mut known = self.lane.known.lock();
        if known.stance(uptime) != Stance::Goes {
            return None;
        }
        let job = known.next(uptime, |_, _| true)?;
        self.deliveries.extend(job.delivery());
        if known.throttle.is_wary() {
            known.alone.extend(&self.deliveries);
        }
        Some(job)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        for delivery in &self.deliveries {
            self.lane.known.lock().alone.remove(delivery);
        }
        self.lane.under_way.fetch_sub(1, Ordering::AcqRel);
        self.lane.stir();
    }
}
