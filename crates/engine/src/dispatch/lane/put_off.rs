//! What an endpoint put off, and which of it is put off though others are taken.

use domain::DeliveryId;
use std::collections::VecDeque;

/// Most that are remembered.
const REMEMBERED: usize = 1024;

/// Deliveries an endpoint put off that have not ended.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    all: VecDeque<One>,
    /// How often the endpoint accepted something that it was not asking to wait with.
    accepted: u64,
}

#[derive(Debug)]
struct One {
    id: DeliveryId,
    /// What `accepted` was then.
    accepted: u64,
    times: u32,
}

impl PutOff {
    pub(super) const fn note_accepted(&mut self) {
        self.accepted += 1;
    }

    /// Notes that one was put off.
    pub(super) fn note(&mut self, id: DeliveryId) {
        let known = self.all.iter_mut().find(|one| one.id == id);
        if let Some(known) = known {
            known.accepted = self.accepted;
            known.times += 1;
            return;
        }
        if self.all.len() == REMEMBERED {
            self.all.pop_front();
        }
        self.all.push_back(One {
            id,
            accepted: self.accepted,
            times: 1,
        });
    }

    /// One has ended.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        self.all.retain(|one| one.id != id);
    }

    /// Whether others were accepted since this one was put off: then it is this one that is not wanted.
    pub(super) fn is_singled_out(&self, id: DeliveryId) -> bool {
        let known = self.all.iter().find(|one| one.id == id);
        known.is_some_and(|one| one.accepted < self.accepted)
    }

    /// How often it was put off.
    pub(super) fn times(&self, id: DeliveryId) -> u32 {
        let known = self.all.iter().find(|one| one.id == id);
        known.map_or(0, |one| one.times)
    }

    /// Whether it was put off before.
    pub(super) fn contains(&self, id: DeliveryId) -> bool {
        self.all.iter().any(|one| one.id == id)
    }

    /// Where it goes among what is queued: first what was put off once, in the order of that. What is put off again lets others show
    /// whether they are taken.
    pub(super) fn rank(&self, id: DeliveryId) -> usize {
        let found = self
            .all
            .iter()
            .position(|one| one.id == id && one.times == 1);
        found.unwrap_or(usize::MAX)
    }
}
