//! What an endpoint put off, and which of it is put off though others are taken. A value; time is how long the process runs.
//!
//! What was put off goes first once the pause is over, alone until something is accepted, and each time again. Only one that the endpoint goes on to put
//! off though it went alone steps aside, so that others show whether they are taken. What was put off among many says nothing of itself: an
//! endpoint that takes so many a second puts off whatever comes beyond.

use domain::DeliveryId;
use ledger::PATIENCE;
use std::{collections::VecDeque, time::Duration};

/// Most that are remembered.
const REMEMBERED: usize = 1024;
/// How often one goes alone, and is put off again, before it steps aside.
const MOST_ALONE: u32 = 3;

/// Deliveries an endpoint put off that have not ended.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    all: VecDeque<One>,
    /// How many there were.
    count: u64,
    /// How often the endpoint accepted something that it was not asking to wait with.
    accepted: u64,
}

#[derive(Debug)]
struct One {
    id: DeliveryId,
    /// Its place among them.
    place: u64,
    /// When it was put off first.
    since: Duration,
    /// What `accepted` was when it was put off last.
    accepted: u64,
    times: u32,
    /// How often of these it went alone.
    alone: u32,
    steps_aside: bool,
}

impl PutOff {
    pub(super) const fn note_accepted(&mut self) {
        self.accepted += 1;
    }

    /// Notes that one was put off, whether it went alone or not.
    pub(super) fn note(&mut self, id: DeliveryId, went_alone: bool, now: Duration) {
        let accepted = self.accepted;
        let known = self.all.iter_mut().find(|one| one.id == id);
        if let Some(known) = known {
            known.accepted = accepted;
            known.times += 1;
            known.alone += u32::from(went_alone);
            let waited = now.saturating_sub(known.since);
            known.steps_aside |=
                known.alone >= MOST_ALONE || known.alone > 0 && waited >= PATIENCE.unsigned_abs();
            return;
        }
        if self.all.len() == REMEMBERED {
            self.all.pop_front();
        }
        self.count += 1;
        self.all.push_back(One {
            id,
            place: self.count,
            since: now,
            accepted,
            times: 1,
            alone: u32::from(went_alone),
            steps_aside: false,
        });
    }

    /// One has ended.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        self.all.retain(|one| one.id != id);
    }

    /// Whether it stepped aside and others were accepted since: then it is this one that is not wanted.
    pub(super) fn is_singled_out(&self, id: DeliveryId) -> bool {
        self.find(id)
            .is_some_and(|one| one.steps_aside && one.accepted < self.accepted)
    }

    /// How often it was put off.
    pub(super) fn times(&self, id: DeliveryId) -> u32 {
        self.find(id).map_or(0, |one| one.times)
    }

    /// Its place among what goes first; none for what was not put off, or stepped aside.
    pub(super) fn place(&self, id: DeliveryId) -> Option<u64> {
        let one = self.find(id).filter(|one| !one.steps_aside);
        one.map(|one| one.place)
    }

    fn find(&self, id: DeliveryId) -> Option<&One> {
        self.all.iter().find(|one| one.id == id)
    }
}
