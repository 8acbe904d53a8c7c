//! Bodies as they come and go: how long one may take, how much all of them may hold.

use super::{at_work::Work, hall::Place};
use axum::BoxError;
use bytes::Bytes;
use guarded::Guarded;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use web::body::{Cut, LARGEST_OF_ALL};

/// Of each body so much is taken without asking for room: messages of stores are smaller, and so get through whoever
/// sends large ones.
const FREE: usize = 64 << 10;

/// What the body of one request holds of the room that all have.
pub(super) struct Room {
    all: Arc<Semaphore>,
    held: Guarded<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    beyond: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(all: &Arc<Semaphore>) -> Self {
        Self {
            all: Arc::clone(all),
            held: Guarded::default(),
        }
    }

    /// Takes room for more; `false` when there is none.
    fn take(&self, bytes: usize) -> bool {
        let mut held = self.held.lock();
        let before = held.bytes.max(FREE);
        // What comes beyond the largest body is thrown away as it comes.
        held.bytes = held.bytes.saturating_add(bytes).min(LARGEST_OF_ALL);
        let more = held.bytes.saturating_sub(before);
        let Ok(more) = u32::try_from(more) else {
            return false;
        };
        if more == 0 {
            return true;
        }
        let Ok(more) = Arc::clone(&self.all).try_acquire_many_owned(more) else {
            return false;
        };
        match &mut held.beyond {
            Some(beyond) => beyond.merge(more),
            beyond @ None => *beyond = Some(more),
        }
        true
    }
}

/// The body of a request, which the caller has a certain time for.
pub(super) struct Awaited {
    body: Incoming,
    place: Arc<Place>,
    room: Arc<Room>,
    most: Duration,
    /// Begins when it is first waited for.
    until: Option<Pin<Box<Sleep>>>,
}

impl Awaited {
    pub(super) const fn new(
        body: Incoming,
        place: Arc<Place>,
        room: Arc<Room>,
        most: Duration,
    ) -> Self {
        Self {
            body,
            place,
            room,
            most,
            until: None,
        }
    }
}

impl Body for Awaited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(part) = Pin::new(&mut self.body).poll_frame(cx) else {
            self.place.waits_for_body();
            let most = self.most;
            let until = self
                .until
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(most)));
            return until
                .as_mut()
                .poll(cx)
                .map(|()| Some(Err(Cut::TooSlow.into())));
        };
        self.place.has_body(Instant::now());
        let Some(part) = part else {
            return Poll::Ready(None);
        };
        let length = part
            .as_ref()
            .ok()
            .and_then(Frame::data_ref)
            .map_or(0, Bytes::len);
        let part = if self.room.take(length) {
            part.map_err(Into::into)
        } else {
            Err(Cut::NoRoom.into())
        };
        Poll::Ready(Some(part))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.place.has_body(Instant::now());
    }
}

/// The body of an answer. Once it is gone, the caller may ask for something else.
pub(super) struct Answered {
    body: axum::body::Body,
    place: Arc<Place>,
    /// Given back with it.
    _work: Option<Work>,
}

impl Answered {
    pub(super) const fn new(body: axum::body::Body, place: Arc<Place>, work: Option<Work>) -> Self {
        Self {
            body,
            place,
            _work: work,
        }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.place.is_answered(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_need_no_room_and_large_ones_give_it_back() {
        let all = Arc::new(Semaphore::new(100));
        let (large, small) = (Room::new(&all), Room::new(&all));
        assert!(large.take(FREE - 1) && large.take(2) && all.available_permits() == 99);
        assert!(large.take(99) && !large.take(1), "nothing is left");
        assert!(small.take(FREE) && !small.take(1));
        drop(large);
        assert_eq!(all.available_permits(), 100);
    }
}
