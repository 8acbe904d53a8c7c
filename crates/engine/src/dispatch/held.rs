//! What is leased to this node, or may be in a moment, counted in one place.
//!
//! **How it works.** Whatever this node may come to hold needs a [`Room`] first: a delivery of a commit under way, one that is being
//! claimed, one that waits for the attempt at another. It stays in its room until its attempt is recorded or it was given back. A lane
//! holds as many deliveries as it has rooms, and the node as many as its lanes together. A room that is dropped is given up, however that
//! comes about: the counts cannot leak, nor fall below nothing.
//!
//! **How a node stops.** Once closed, [`Held`] makes no more rooms, but for what the attempt in another releases ([`Room::another`]). So
//! when the last is given up, nothing is leased to this node, nor will be: that is the end, and it is told.
//!
//! **Before changing it.** A [`Job`] that is dropped before it is begun goes back to the ledger, and keeps its room until it has. Whoever
//! cannot send a delivery, for whatever reason, need do nothing about it, and cannot forget to.

use domain::{DeliveryId, customer::Customer};
use guarded::Guarded;
use jiff::Timestamp;
use ledger::{Lease, Returned};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// All that this node holds.
pub(super) struct Held {
    now: Guarded<Now>,
    over: watch::Sender<bool>,
    backs: mpsc::UnboundedSender<Back>,
}

#[derive(Default)]
struct Now {
    rooms: usize,
    is_closed: bool,
}

/// A lease on its way back to the ledger, in its room until it is there.
pub(super) struct Back {
    pub(super) lease: Returned,
    _room: Room,
}

impl Held {
    /// With what is to be given back, as it comes.
    pub(super) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Back>) {
        let (backs, queue) = mpsc::unbounded_channel();
        let held = Self {
            now: Guarded::default(),
            over: watch::Sender::new(false),
            backs,
        };
        (Arc::new(held), queue)
    }

    /// How many rooms there are.
    pub(super) fn count(&self) -> usize {
        self.now.lock().rooms
    }

    /// Counts `wanted` more; none once closed. Answers how many.
    fn admit(&self, wanted: usize) -> usize {
        let mut now = self.now.lock();
        let admitted = if now.is_closed { 0 } else { wanted };
        now.rooms += admitted;
        admitted
    }

    fn give_up(&self) {
        let mut now = self.now.lock();
        now.rooms -= 1;
        self.tell_end(&now);
    }

    /// Takes up no more.
    pub(super) fn close(&self) {
        let mut now = self.now.lock();
        now.is_closed = true;
        self.tell_end(&now);
    }

    fn tell_end(&self, now: &Now) {
        if now.is_closed && now.rooms == 0 {
            self.over.send_replace(true);
        }
    }

    /// Turns to `true` once nothing is held and nothing will be.
    pub(super) fn over(&self) -> watch::Receiver<bool> {
        self.over.subscribe()
    }
}

/// What one lane holds of it.
pub(super) struct Share {
    rooms: Guarded<usize>,
    of: Arc<Held>,
}

impl Share {
    pub(super) fn new(of: &Arc<Held>) -> Arc<Self> {
        Arc::new(Self {
            rooms: Guarded::default(),
            of: Arc::clone(of),
        })
    }

    /// How many rooms it has.
    pub(super) fn count(&self) -> usize {
        *self.rooms.lock()
    }

    /// Makes as many rooms as `wanted` says when told how many there are; none once this node takes up no more.
    pub(super) fn make(self: &Arc<Self>, wanted: impl FnOnce(usize) -> usize) -> Vec<Room> {
        let mut rooms = self.rooms.lock();
        let admitted = self.of.admit(wanted(*rooms));
        *rooms += admitted;
        (0..admitted).map(|_| Room(Arc::clone(self))).collect()
    }
}

/// Room for one delivery.
pub(super) struct Room(Arc<Share>);

impl Room {
    /// Room for one that waited for the delivery in this one. There is always, also when this node takes up no more.
    pub(super) fn another(&self) -> Self {
        *self.0.rooms.lock() += 1;
        self.0.of.now.lock().rooms += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *self.0.rooms.lock() -= 1;
        self.0.of.give_up();
    }
}

/// A delivery leased to this node, in its room.
pub(super) struct Job {
    leased: Option<(Lease, Room)>,
    until: Timestamp,
}

impl Job {
    pub(super) fn new(lease: Lease, until: Timestamp, room: Room) -> Self {
        Self {
            leased: Some((lease, room)),
            until,
        }
    }

    /// The delivery in it; none once it was begun.
    pub(super) fn delivery(&self) -> Option<DeliveryId> {
        self.leased.as_ref().map(|(lease, _)| lease.id)
    }

    /// The customer that it tells of, as it was when it was leased; none once it was begun.
    pub(super) fn customer(&self) -> Option<&Customer> {
        let leased = self.leased.as_ref();
        leased.map(|(lease, _)| &lease.event.customer)
    }

    /// When the lease ends.
    pub(super) const fn until(&self) -> Timestamp {
        self.until
    }

    /// Takes it out to be attempted. From here on its lease ends when the attempt is recorded, or runs out.
    pub(super) fn begin(mut self) -> (Lease, Room) {
        let leased = self.leased.take();
        leased.expect("a job is made with a lease, and gone once that is taken")
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let Some((lease, room)) = self.leased.take() else {
            return;
        };
        let held = Arc::clone(&room.0.of);
        let back = Back {
            lease: Returned {
                customer: lease.event.customer.id,
                delivery: lease.id,
                attempts: lease.attempts,
                until: self.until,
            },
            _room: room,
        };
        // Nobody takes it back where the whole process ends: then the lease runs out.
        drop(held.backs.send(back));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::decide;
    use domain::{Environment, IntegrationId, ProjectId};
    use ledger::LaneId;
    use uuid::Uuid;

    fn rooms(share: &Arc<Share>, count: usize) -> Vec<Room> {
        share.make(|_| count)
    }

    pub(in crate::dispatch) fn lease() -> Lease {
        let id = Uuid::from_u128(1);
        let at = Timestamp::UNIX_EPOCH;
        Lease {
            id: DeliveryId::new(id),
            lane: LaneId {
                integration: IntegrationId::new(id),
                endpoint: Environment::Production,
            },
            message: domain::Message::named("test"),
            event: Arc::new(decide::test_event(ProjectId::new(id), id, at)),
            trace: None,
            attempts: 3,
            round: 1,
            accepted_at: at,
            tried_at: None,
        }
    }

    #[test]
    fn a_lane_holds_as_many_as_it_has_rooms_and_the_node_as_many_as_its_lanes() {
        let (held, _backs) = Held::new();
        let (one, other) = (Share::new(&held), Share::new(&held));
        let counts = || (one.count(), other.count(), held.count());
        let mut promised = rooms(&one, 3);
        let claimed = rooms(&other, 2);
        assert_eq!(counts(), (3, 2, 5));
        promised.pop();
        assert_eq!(counts(), (2, 2, 4));
        let released = claimed[0].another();
        assert_eq!(counts(), (2, 3, 5));
        drop((promised, claimed));
        assert_eq!(counts(), (0, 1, 1));
        drop(released);
        assert_eq!(counts(), (0, 0, 0));
        let told = one.make(|held| held);
        assert!(told.is_empty(), "told how many there are");
    }

    #[test]
    fn once_closed_there_is_room_only_for_what_another_releases_and_the_end_comes_when_all_is_given_up()
     {
        let (held, _backs) = Held::new();
        let share = Share::new(&held);
        let over = || *held.over().borrow();
        let promised = rooms(&share, 1);
        held.close();
        assert!(rooms(&share, 1).is_empty() && !over());
        let released = promised[0].another();
        drop(promised);
        assert!(!over(), "something was released meanwhile");
        drop(released);
        assert!(over());
        assert!(rooms(&share, 1).is_empty(), "and that is the end");
    }

    #[test]
    fn one_that_holds_nothing_ends_at_once() {
        let (held, _backs) = Held::new();
        held.close();
        assert!(*held.over().borrow());
    }

    #[test]
    fn what_is_dropped_before_it_is_begun_goes_back_and_keeps_its_room_until_it_is_there() {
        let (held, mut backs) = Held::new();
        let share = Share::new(&held);
        let job = |until| Job::new(lease(), until, rooms(&share, 1).remove(0));
        let until = Timestamp::from_second(60).unwrap();
        drop(job(until));
        let back = backs.try_recv().unwrap();
        assert_eq!(
            (back.lease.delivery, back.lease.attempts, back.lease.until),
            (lease().id, 3, until)
        );
        assert_eq!(share.count(), 1, "not there yet");
        drop(back);
        assert_eq!(share.count(), 0);

        let (begun, room) = job(until).begin();
        assert_eq!((begun.id, share.count()), (lease().id, 1));
        drop(room);
        assert!(backs.try_recv().is_err(), "it was attempted");

        drop(backs);
        drop(job(until));
        assert_eq!(share.count(), 0, "nobody takes it back: given up");
    }
}
