//! How a batch comes together: from what is queued, in the order in which it goes.

use super::{Known, Lane, UnderWay};
use crate::dispatch::held::Job;
use domain::DeliveryId;
use std::time::Duration;

impl Known {
    /// Whether all is queued that goes together with the first, or as much as goes at once.
    fn is_gathered(&self, most: usize) -> bool {
        let first = self.queue.first().and_then(Job::delivery);
        match first.and_then(|first| self.together.with(first)) {
            Some(all) => all.iter().all(|id| self.queue.holds(*id)),
            None => self.queue.len() >= most,
        }
    }

    /// What goes with the first of a batch: what went with it before, or whatever is queued and did not go with others.
    fn beside(&mut self, first: Option<DeliveryId>, most: usize, uptime: Duration) -> Vec<Job> {
        let with = first.and_then(|first| self.together.with(first));
        let with = with.map(<[_]>::to_vec);
        let mut more = Vec::new();
        while more.len() + 1 < most {
            let next = match &with {
                Some(with) => self.next(uptime, |id, _| with.contains(&id)),
                None => self.next(uptime, |id, together| together.with(id).is_none()),
            };
            let Some(job) = next else { break };
            more.push(job);
        }
        more
    }
}

impl Lane {
    /// Whether enough is queued for a batch of so many.
    pub(in crate::dispatch) fn is_gathered(&self, most: usize) -> bool {
        self.known.lock().is_gathered(most)
    }

    /// Whether the first that is queued went together with others before.
    pub(in crate::dispatch) fn goes_again(&self) -> bool {
        let known = self.known.lock();
        let first = known.queue.first().and_then(Job::delivery);
        first.is_some_and(|first| known.together.with(first).is_some())
    }

    /// These went together and are to go again: as they were, as long as they are this node's.
    pub(in crate::dispatch) fn go_together(&self, all: Vec<DeliveryId>) {
        self.known.lock().together.note(all);
    }
}

impl UnderWay {
    /// Takes what goes together with the first that was taken: so many at most, in order.
    pub(in crate::dispatch) fn take_with(
        &mut self,
        first: Job,
        most: usize,
        uptime: Duration,
    ) -> Vec<Job> {
        let id = first.delivery();
        let mut known = self.lane.known.lock();
        let more = known.beside(id, most, uptime);
        let ids = more.iter().filter_map(Job::delivery);
        self.deliveries.extend(ids);
        if known.throttle.is_wary() {
            known.alone.extend(&self.deliveries);
        }
        let order = id.and_then(|id| known.together.with(id)).map(<[_]>::to_vec);
        drop(known);
        let mut all = vec![first];
        all.extend(more);
        if let Some(order) = order {
            let place = |job: &Job| order.iter().position(|id| job.delivery() == Some(*id));
            all.sort_by_key(place);
        }
        all
    }
}
