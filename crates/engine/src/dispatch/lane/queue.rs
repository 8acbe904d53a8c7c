//! What waits in a lane, in the order in which it goes: first what its endpoint put off. A value.

use crate::dispatch::held::Job;
use domain::DeliveryId;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Deliveries of a lane that were not begun.
#[derive(Default)]
pub(super) struct Queue {
    /// What goes before anything else, by the place of each.
    first: BTreeMap<u64, Job>,
    others: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    /// Queues one: where it has a place among the first, there; otherwise behind all others. Gives it back once closed.
    pub(super) fn push(&mut self, job: Job, place: Option<u64>) -> Option<Job> {
        match place {
            _ if self.is_closed => Some(job),
            // Whoever has the place already is the same delivery, by a lease that ran out.
            Some(place) => self.first.insert(place, job),
            None => {
                self.others.push_back(job);
                None
            }
        }
    }

    /// The next to go of those that may.
    pub(super) fn pop(&mut self, goes: impl Fn(&Job) -> bool) -> Option<Job> {
        let mut first = self.first.iter();
        let place = first.find_map(|(place, job)| goes(job).then_some(*place));
        if let Some(place) = place {
            return self.first.remove(&place);
        }
        let place = self.others.iter().position(goes)?;
        self.others.remove(place)
    }

    /// The one that is first.
    pub(super) fn first(&self) -> Option<&Job> {
        let first = self.first.first_key_value().map(|(_, job)| job);
        first.or_else(|| self.others.front())
    }

    /// Whether a delivery is in it.
    pub(super) fn holds(&self, delivery: DeliveryId) -> bool {
        let mut all = self.first.values().chain(&self.others);
        all.any(|job| job.delivery() == Some(delivery))
    }

    /// How long the next to go waits; `None` where one may now.
    pub(super) fn wait(&self, of: impl Fn(&Job) -> Option<Duration>) -> Option<Duration> {
        let mut least = None::<Duration>;
        for job in self.first.values().chain(&self.others) {
            let wait = of(job)?;
            least = Some(least.map_or(wait, |least| least.min(wait)));
        }
        least
    }

    pub(super) fn len(&self) -> usize {
        self.first.len() + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes out what goes back for some reason.
    pub(super) fn take_out(&mut self, goes: impl Fn(&Job) -> bool) -> Vec<Job> {
        let first = self.first.extract_if(.., |_, job| goes(job));
        let mut gone: Vec<Job> = first.map(|(_, job)| job).collect();
        let mut staying = VecDeque::new();
        for job in std::mem::take(&mut self.others) {
            if goes(&job) {
                gone.push(job);
            } else {
                staying.push_back(job);
            }
        }
        self.others = staying;
        gone
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) -> Vec<Job> {
        let first = std::mem::take(&mut self.first).into_values();
        first.chain(std::mem::take(&mut self.others)).collect()
    }

    /// Takes out everything, and takes in nothing from then on.
    pub(super) fn close(&mut self) -> Vec<Job> {
        self.is_closed = true;
        self.clear()
    }
}
