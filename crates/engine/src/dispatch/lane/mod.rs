//! A lane: one endpoint's own queue, limits and circuit breaker, so that its troubles stay its own.

mod flow;
mod gather;
mod lockout;
mod nodes;
mod paces;
mod put_off;
mod queue;
mod recovery;
mod throttle;
mod together;
mod told;
mod turn;

pub(super) use nodes::Nodes;
pub(super) use recovery::{Rousing, Tried};
pub(super) use turn::Stance;
pub(crate) use turn::UnderWay;

use super::{
    end::Says,
    held::{Held, Room, Share},
};
use crate::setup::ActiveIntegration;
use domain::{CustomerId, DeliveryId, breaker::Breaker, pace::Pace};
use flow::{Flow, Seen};
use guarded::Guarded;
use jiff::Timestamp;
use ledger::{Failure, Lease, Order, Outcomes, PATIENCE};
use lockout::Lockout;
use paces::Paces;
use put_off::PutOff;
use queue::Queue;
use recovery::Recovery;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use throttle::Throttle;
use together::Together;
use tokio::sync::Notify;
use told::Told;

/// Deliveries taken from the ledger at once for an endpoint that has not accepted any yet: a node that starts beside a thousand endpoints that
/// are gone does not take up the backlog of each.
const UNPROVEN: usize = 16;
/// Before a lane that is full looks again whether its share has grown.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Refusals of credentials in a row after which nobody asks any more until something changes.
const REFUSALS: u32 = 2;

/// How a lane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneHealth {
    /// Deliveries held in memory, attempts under way included.
    pub held: usize,
    /// Of these, what waits until a pause is over that the endpoint asked for, or that customers' paces make.
    pub resting: usize,
    /// Whether the circuit breaker holds attempts back.
    pub breaker_open: bool,
    /// Whether the endpoint asked to be left alone for a while.
    pub throttled: bool,
}

/// What an attempt made of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// Nothing that anybody has to know.
    No,
    /// Its breaker opened.
    Opened,
    /// Its credentials were refused once too often.
    LockedOut,
}

pub(crate) struct Lane {
    share: Arc<Share>,
    known: Guarded<Known>,
    under_way: AtomicUsize,
    /// Whoever waits for a turn looks again.
    stirred: Notify,
}

/// Whose delivery says nothing new.
pub(super) struct LastFailed {
    pub(super) customer: Option<CustomerId>,
    /// Whether it is tried all the same where there is no other.
    pub(super) or_anybody: bool,
}

/// What is known of an endpoint.
#[derive(Default)]
struct Known {
    breaker: Breaker,
    /// Whether it accepted something since the node started, or since its breaker opened.
    proven: bool,
    pace: Pace,
    paces: Paces,
    throttle: Throttle,
    recovery: Recovery,
    put_off: PutOff,
    queue: Queue,
    together: Together,
    /// Beside which nothing goes until something is accepted: what is tried alone, and what was put off until that is recorded.
    alone: BTreeSet<DeliveryId>,
    /// How often it refused our credentials since it accepted anything.
    refusals: u32,
    lockout: Lockout,
    /// Whose delivery it refused them with last.
    refused_of: Option<CustomerId>,
    flow: Flow,
    /// What was not told to the ledger yet.
    outcomes: Outcomes,
    told: Told,
}

impl Known {
    /// How many attempts may start now, of `wanted`.
    fn admits(&self, wanted: usize, uptime: Duration) -> usize {
        if self.throttle.holds(uptime) {
            0
        } else {
            self.breaker.admits(wanted, uptime)
        }
    }

    /// The endpoint asked to be left alone, for so long or without saying how long, and put a delivery off by that.
    fn asks_to_wait(&mut self, pause: Option<Duration>, put_off: DeliveryId, uptime: Duration) {
        let went_alone = !self.alone.insert(put_off);
        self.put_off.note(put_off, went_alone, uptime);
        self.throttle = self.throttle.asked(pause, uptime);
    }

    /// Whether one delivery at a time shows whether it takes any.
    fn is_probed(&self) -> bool {
        self.breaker.is_open() || self.throttle.is_wary()
    }
}

impl Lane {
    /// One that something can go through from `uptime` on.
    pub(super) fn new(held: &Arc<Held>, uptime: Duration) -> Arc<Self> {
        let known = Known {
            flow: Flow::from(uptime),
            ..Known::default()
        };
        Arc::new(Self {
            share: Share::new(held),
            known: Guarded::new(known),
            under_way: AtomicUsize::new(0),
            stirred: Notify::new(),
        })
    }

    /// Room for a delivery. None while the breaker is open, or the endpoint asked to be left alone: then it waits in the ledger.
    pub(super) fn reserve(&self, capacity: usize) -> Option<Room> {
        if self.known.lock().is_probed() {
            return None;
        }
        self.share.make(|held| usize::from(held < capacity)).pop()
    }

    /// Room for up to `wanted` deliveries from the ledger. For one, as a probe, when a pause ends.
    pub(super) fn reserve_up_to(
        &self,
        wanted: usize,
        capacity: usize,
        uptime: Duration,
    ) -> Vec<Room> {
        let known = self.known.lock();
        let wanted = if known.proven {
            wanted
        } else {
            wanted.min(UNPROVEN)
        };
        let admitted = known.admits(wanted, uptime);
        let capacity = if known.is_probed() { 1 } else { capacity };
        self.share
            .make(|held| admitted.min(capacity.saturating_sub(held)))
    }

    /// Whether it would take anything from the ledger now.
    pub(super) fn has_room(&self, capacity: usize, uptime: Duration) -> bool {
        let (known, held) = (self.known.lock(), self.share.count());
        let capacity = if known.is_probed() { 1 } else { capacity };
        known.admits(1, uptime) == 1 && held < capacity
    }

    /// Whether one delivery is to show whether it takes the credentials again that it is held for. It is from when it was first found so.
    pub(super) fn is_asked_again(&self, uptime: Duration) -> bool {
        let mut known = self.known.lock();
        if !known.lockout.is_on() {
            known.lockout = known.lockout.go_on(uptime);
        }
        known.lockout.is_due(uptime)
    }

    /// Notes that the machine slept since it was last noted whether anything can go: nothing could.
    pub(super) fn note_sleep(&self) {
        self.known.lock().flow.note_sleep();
    }

    /// From now on it counts whether anything can go, whatever could before.
    pub(super) fn begin_flow_again(&self, uptime: Duration) {
        self.known.lock().flow = Flow::from(uptime);
    }

    /// Whether it is held for the credentials that it refused.
    pub(super) fn is_locked_out(&self) -> bool {
        self.known.lock().lockout.is_on()
    }

    /// Notes whether anything can go at `uptime`: nothing holds it, there is no outage, and the endpoint does not ask to be left alone.
    pub(super) fn note_flow(&self, is_free: bool, uptime: Duration) {
        let mut known = self.known.lock();
        let seen = if !is_free {
            Seen::Held
        } else if known.breaker.is_outage() || known.throttle.holds(uptime) {
            Seen::Pauses
        } else {
            Seen::Flows
        };
        known.flow.note(seen, uptime);
        if is_free && known.lockout.is_on() {
            known.lockout = Lockout::default();
            known.refusals = 0;
            // The pause was made of refusals; whoever mended them waits for nothing. One still shows whether it takes any.
            known.throttle = known.throttle.mended();
        }
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
        let flow = &mut self.known.lock().flow;
        let tried_before = flow
            .began(PATIENCE.unsigned_abs(), uptime)
            .and_then(|began| now.checked_sub(uptime.saturating_sub(began)).ok())
            .unwrap_or(Timestamp::MIN);
        Order::Customer { tried_before }
    }

    /// Whose delivery is no good probe, if there is another's.
    pub(super) fn suspect(&self) -> Option<CustomerId> {
        let known = self.known.lock();
        let refused = known.refused_of.filter(|_| known.lockout.is_on());
        known.breaker.suspect().or(refused)
    }

    /// What may be roused of what rests.
    pub(super) fn rouses(&self, uptime: Duration) -> Option<Rousing> {
        let known = self.known.lock();
        known.recovery.rouses(known.breaker.is_outage(), uptime)
    }

    /// Takes note that so many were roused.
    pub(super) fn note_roused(&self, what: Rousing, count: u64, uptime: Duration) {
        let is_idle = self.share.count() == 0;
        let mut known = self.known.lock();
        known.recovery.roused(what, count, is_idle, uptime);
    }

    /// Who is passed over by a probe, because that delivery failed last.
    pub(super) fn last_failed(&self) -> LastFailed {
        let breaker = &self.known.lock().breaker;
        LastFailed {
            customer: breaker.last_failed(),
            or_anybody: breaker.is_outage(),
        }
    }

    /// Whether the endpoint takes others, and only this one not.
    pub(super) fn is_singled_out(&self, lease: &Lease) -> bool {
        self.known.lock().put_off.is_singled_out(lease.id)
    }

    /// How often the endpoint put it off, as far as is remembered.
    pub(super) fn times_put_off(&self, lease: &Lease) -> u32 {
        self.known.lock().put_off.times(lease.id)
    }

    /// Takes note that a delivery is settled.
    pub(super) fn forget(&self, delivery: DeliveryId) {
        let mut known = self.known.lock();
        known.put_off.forget(delivery);
        known.together.forget(delivery);
    }

    /// Takes note that a delivery was put off together with one of which that was heard.
    pub(super) fn put_off(&self, delivery: DeliveryId, uptime: Duration) {
        self.known.lock().asks_to_wait(None, delivery, uptime);
    }

    /// Takes note of what an attempt at a delivery said about the endpoint.
    ///
    /// One that only refuses is neither working nor failing: what was known of it stands. A probe that it refuses is followed by another.
    pub(super) fn heard(
        &self,
        says: Says,
        lease: &Lease,
        tried: Tried,
        uptime: Duration,
    ) -> Turned {
        let mut known = self.known.lock();
        let was_outage = known.breaker.is_outage();
        // What was under way when it was held asks for nothing more.
        let is_asked_again = known.lockout.is_due(uptime);
        if says == Says::Accepted {
            known.lockout = Lockout::default();
        } else if is_asked_again {
            known.lockout = known.lockout.go_on(uptime);
        }
        match says {
            Says::Accepted => {
                known.recovery.accepted(tried, was_outage, uptime);
                // One that was under way when it asked to wait shows nothing.
                if !known.throttle.holds(uptime) {
                    known.put_off.note_accepted();
                    known.throttle = known.throttle.accepted();
                }
                known.breaker = Breaker::default();
                known.refusals = 0;
                known.proven = true;
            }
            Says::Failing => {
                known.recovery.failed(tried, was_outage, uptime);
                let was_open = known.breaker.is_open();
                let breaker = std::mem::take(&mut known.breaker);
                known.breaker = breaker.failed(lease.event.customer.id, uptime);
                if !was_open && known.breaker.is_open() {
                    known.proven = false;
                    return Turned::Opened;
                }
            }
            Says::NotNow(pause) => {
                known.asks_to_wait(pause, lease.id, uptime);
            }
            Says::LockedOut => {
                known.asks_to_wait(None, lease.id, uptime);
                known.refusals += 1;
                known.refused_of = Some(lease.event.customer.id);
                if known.refusals >= REFUSALS && !known.lockout.is_on() {
                    known.lockout = known.lockout.go_on(uptime);
                    return Turned::LockedOut;
                }
            }
            Says::Refused | Says::Nothing => {}
        }
        Turned::No
    }

    /// Whether a delivery already in the queue may be attempted: while the endpoint is left in peace by nobody, and the one probe of an open breaker.
    pub(crate) fn admits(&self, uptime: Duration) -> bool {
        self.known.lock().admits(1, uptime) == 1
    }

    /// Whether an attempt is worth a line in the log, and how many before it were not. What never went out says nothing of the endpoint.
    pub(super) fn tell(&self, says: Says, uptime: Duration) -> Option<u64> {
        if says == Says::Nothing {
            return Some(0);
        }
        let is_accepted = says == Says::Accepted;
        self.known.lock().told.note(is_accepted, uptime)
    }

    /// Notes what became of an attempt that began at a time, and of which it was `heard` then: accepted, or why not.
    pub(super) fn note(&self, at: Timestamp, heard: Timestamp, failure: Option<Failure>) {
        let outcomes = &mut self.known.lock().outcomes;
        match failure {
            None => outcomes.accepted(at, heard),
            Some(failure) => outcomes.failed(failure, heard),
        }
    }

    /// Notes, for whoever asks how it does, that its breaker opened, and until when it asked to be left alone.
    pub(super) fn note_pause(&self, turned: Turned, now: Timestamp, uptime: Duration) {
        let mut known = self.known.lock();
        if turned == Turned::Opened {
            known.outcomes.opened(now);
        }
        if let Some(left) = known.throttle.left(uptime) {
            known
                .outcomes
                .asked(now.saturating_add(left).unwrap_or(now));
        }
    }

    /// What became of attempts that was not taken yet.
    pub(super) fn outcomes(&self) -> Outcomes {
        self.known.lock().outcomes.clone()
    }

    /// The same, which is somebody else's from then on.
    pub(super) fn take_outcomes(&self) -> Outcomes {
        std::mem::take(&mut self.known.lock().outcomes)
    }

    /// Takes back what was taken before.
    pub(super) fn put_back(&self, taken: Outcomes) {
        let outcomes = &mut self.known.lock().outcomes;
        let newer = std::mem::replace(outcomes, taken);
        outcomes.add(&newer);
    }

    pub(crate) fn health(&self, uptime: Duration) -> LaneHealth {
        let known = self.known.lock();
        let throttled = known.throttle.holds(uptime);
        LaneHealth {
            held: self.share.count(),
            resting: known.resting(uptime),
            breaker_open: known.breaker.is_open(),
            throttled,
        }
    }
}

#[cfg(test)]
mod tests;
