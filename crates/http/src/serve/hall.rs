//! Who is connected, and for what each of them keeps the server waiting.

use super::{
    bounds::Bounds,
    make_way::{Goes, Waiting, Way, Whence},
};
use guarded::Guarded;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How often somebody is asked to go while a newcomer waits.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// How often the log says that there is no room.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// Whom a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The caller has not asked for anything.
    Request,
    /// The caller has begun to.
    Head,
    /// The caller has more to say.
    Body,
    /// The server is at work.
    Us,
}

struct State {
    waits: Waits,
    since: Instant,
    /// When the request that is answered came.
    asked: Instant,
    /// Since when an answer lies there of which not all was taken.
    untaken: Option<Instant>,
    was_answered: bool,
    is_dismissed: bool,
}

/// A connection, as the hall sees it.
pub(super) struct Place {
    from: Whence,
    /// When it was taken, or those of the same address that made way for it.
    came: Instant,
    state: Guarded<State>,
    dismissed: Notify,
}

impl Place {
    fn new(from: Whence, came: Option<Instant>, now: Instant) -> Self {
        Self {
            from,
            came: came.unwrap_or(now),
            state: Guarded::new(State {
                waits: Waits::Request,
                since: now,
                asked: now,
                untaken: None,
                was_answered: false,
                is_dismissed: false,
            }),
            dismissed: Notify::new(),
        }
    }

    /// Something came from the caller: where nothing was asked for, it is the beginning of a request.
    pub(super) fn hears(&self, now: Instant) {
        let mut state = self.state.lock();
        if state.waits == Waits::Request {
            (state.waits, state.since) = (Waits::Head, now);
        }
    }

    /// A whole head is there.
    pub(super) fn works(&self, now: Instant) {
        let mut state = self.state.lock();
        (state.waits, state.since, state.asked) = (Waits::Us, now, now);
    }

    /// The handler wants more of the body than there is. Drops do not make it wait anew.
    pub(super) fn waits_for_body(&self) {
        let mut state = self.state.lock();
        if state.waits == Waits::Us {
            (state.waits, state.since) = (Waits::Body, state.asked);
        }
    }

    /// The handler has what it wanted of the body, or gave up.
    pub(super) fn has_body(&self, now: Instant) {
        let mut state = self.state.lock();
        if state.waits == Waits::Body {
            (state.waits, state.since) = (Waits::Us, now);
        }
    }

    /// All was said that there is to say.
    pub(super) fn is_answered(&self, now: Instant) {
        let mut state = self.state.lock();
        (state.waits, state.since) = (Waits::Request, now);
        state.was_answered = true;
    }

    /// Whether the caller took all that there was.
    pub(super) fn takes(&self, all: bool, now: Instant) {
        let mut state = self.state.lock();
        state.untaken = if all {
            None
        } else {
            Some(state.untaken.unwrap_or(now))
        };
    }

    /// Resolves when the connection has to go.
    pub(super) async fn dismissed(&self) {
        self.dismissed.notified().await;
    }

    /// The caller, if it keeps the server waiting.
    fn waiting(&self, number: u64) -> Option<Waiting> {
        let state = self.state.lock();
        let of_caller = (state.waits != Waits::Us).then_some(state.since);
        let oldest = of_caller.into_iter().chain(state.untaken).min();
        let since = oldest.filter(|_| !state.is_dismissed)?;
        let was_answered = state.was_answered || state.untaken.is_some();
        Some(Waiting {
            number,
            from: self.from,
            since: if was_answered { since } else { self.came },
            was_answered,
        })
    }

    fn is_late(&self, bounds: &Bounds, now: Instant) -> bool {
        let state = self.state.lock();
        let beyond = |since: Instant, most: Duration| now.duration_since(since) > most;
        let has_not_asked = match state.waits {
            Waits::Request => beyond(state.since, bounds.idle),
            Waits::Head => beyond(state.since, bounds.head),
            // Whoever reads the body answers that it came too slowly.
            Waits::Body | Waits::Us => false,
        };
        has_not_asked
            || state
                .untaken
                .is_some_and(|since| beyond(since, bounds.answer))
    }

    fn waits_for_request(&self) -> bool {
        let waits = self.state.lock().waits;
        matches!(waits, Waits::Request | Waits::Head)
    }

    fn is_dismissed(&self) -> bool {
        self.state.lock().is_dismissed
    }

    fn dismiss(&self) {
        self.state.lock().is_dismissed = true;
        self.dismissed.notify_one();
    }
}

struct Taken {
    places: BTreeMap<u64, Arc<Place>>,
    way: Way,
    next: u64,
    said: Option<Instant>,
}

/// All who are connected.
pub(super) struct Hall {
    bounds: Bounds,
    taken: Guarded<Taken>,
    freed: Notify,
    /// Somebody waits for whoever is answered next.
    is_wanted: AtomicBool,
}

/// A place, until it is dropped.
pub(super) struct Seat {
    hall: Arc<Hall>,
    number: u64,
    place: Arc<Place>,
    /// It was taken of somebody, and what is asked from it is not answered yet.
    counts: AtomicBool,
}

impl Seat {
    pub(super) const fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// What it asked for is answered.
    pub(super) fn asked(&self) {
        if self.counts.swap(false, Ordering::Relaxed) {
            let grace = self.hall.bounds.grace;
            self.hall.taken.lock().way.asked(self.place.from, grace);
        }
    }

    /// Whether this one makes way once it is answered; then nobody else has to.
    pub(super) fn makes_way(&self) -> bool {
        self.hall.is_wanted.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        {
            let mut taken = self.hall.taken.lock();
            taken.places.remove(&self.number);
            taken.way.leaves(self.place.from);
        }
        self.hall.freed.notify_one();
    }
}

impl Hall {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            taken: Guarded::new(Taken {
                places: BTreeMap::new(),
                way: Way::default(),
                next: 0,
                said: None,
            }),
            freed: Notify::new(),
            is_wanted: AtomicBool::default(),
        }
    }

    /// A place for somebody who connected. Where all are taken, somebody [makes way](super::make_way); `None` where that is the newcomer itself.
    pub(super) async fn place(self: &Arc<Self>, from: Whence) -> Option<Seat> {
        let (mut counts, mut came) = (false, None);
        loop {
            if let Some(mut seat) = self.free_place(from, came) {
                *seat.counts.get_mut() = counts;
                return Some(seat);
            }
            match self.make_way(from, Instant::now()) {
                Goes::This(_) => {}
                Goes::Counted(_) => counts = true,
                Goes::Own(number) => came = self.came(number),
                Goes::Nobody => self.is_wanted.store(true, Ordering::Relaxed),
                Goes::Newcomer => return None,
            }
            tokio::select! {
                () = self.freed.notified() => {}
                () = tokio::time::sleep(ASK_AGAIN) => {}
            }
        }
    }

    fn came(&self, number: u64) -> Option<Instant> {
        let taken = self.taken.lock();
        taken.places.get(&number).map(|place| place.came)
    }

    fn free_place(self: &Arc<Self>, from: Whence, came: Option<Instant>) -> Option<Seat> {
        let mut taken = self.taken.lock();
        if taken.places.len() >= self.bounds.connections {
            return None;
        }
        let place = Arc::new(Place::new(from, came, Instant::now()));
        let number = taken.next;
        taken.next += 1;
        taken.places.insert(number, Arc::clone(&place));
        taken.way.comes(from);
        drop(taken);
        // Whoever waited has a place, or gets this far again.
        self.is_wanted.store(false, Ordering::Relaxed);
        Some(Seat {
            hall: Arc::clone(self),
            number,
            place,
            counts: AtomicBool::default(),
        })
    }

    /// Has somebody go for a newcomer.
    fn make_way(&self, newcomer: Whence, now: Instant) -> Goes {
        let mut taken = self.taken.lock();
        let Taken {
            places, way, said, ..
        } = &mut *taken;
        if said.is_none_or(|said| now.duration_since(said) > SAY_AGAIN) {
            *said = Some(now);
            tracing::warn!(
                connections = self.bounds.connections,
                "all connections are taken: those that keep the server waiting are closed"
            );
        }
        // Whoever has to go will be gone in a moment.
        let going = places.iter().find(|(_, place)| place.is_dismissed());
        if let Some((number, _)) = going {
            return Goes::This(*number);
        }
        let waiting = places
            .iter()
            .filter_map(|(number, place)| place.waiting(*number));
        let waiting: Vec<_> = waiting.collect();
        let goes = way.make(newcomer, &waiting, self.bounds.grace, now);
        if let Goes::This(number) | Goes::Counted(number) | Goes::Own(number) = goes
            && let Some(place) = places.get(&number)
        {
            place.dismiss();
        }
        goes
    }

    /// Those whose time is over go.
    pub(super) fn dismiss_late(&self, now: Instant) {
        let taken = self.taken.lock();
        let places = taken.places.values();
        for place in places.filter(|place| place.is_late(&self.bounds, now)) {
            place.dismiss();
        }
    }

    /// Those who have not asked for anything go.
    pub(super) fn dismiss_waiting(&self) {
        let taken = self.taken.lock();
        let places = taken.places.values();
        for place in places.filter(|place| place.waits_for_request()) {
            place.dismiss();
        }
    }
}

#[cfg(test)]
mod tests;
