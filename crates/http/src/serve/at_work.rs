//! What is at work at once: so much of it that stores always find a place.
//!
//! **Motivation.** Whoever keeps the server waiting makes way for whoever comes. Whom the server keeps waiting does not: where all connections were such, because
//! a database has come to a stand or a crowd asks for what takes long, nobody could come at all, and what a store tells is worth more than what others ask for.
//!
//! **How it works.** Whom a request is of is known once its head is there. One that is no store's takes one of so many places for as long as it is answered, to the
//! last byte; where none is left, it is told to come again. So some of all connections are a store's, or of somebody who makes way for one.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::{
    CALLBACKS,
    problem::{Code, Problem},
};

/// Those that are no store's.
pub(super) struct Others(Arc<Semaphore>);

/// What a request has of that, until its answer is gone; a store's needs no place.
pub(super) struct Work {
    _place: Option<OwnedSemaphorePermit>,
}

/// Of a request for which there is no place.
#[derive(Debug, Clone, Copy)]
struct TooMuch;

impl Others {
    /// So many at once.
    pub(super) fn at_most(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// Lets a request begin. One for which there is no place goes on to be told so: its answer looks as every other.
    pub(super) fn begin<T>(&self, request: &mut Request<T>) -> Option<Work> {
        if request.uri().path().starts_with(CALLBACKS) {
            return Some(Work { _place: None });
        }
        let Ok(place) = Arc::clone(&self.0).try_acquire_owned() else {
            request.extensions_mut().insert(TooMuch);
            return None;
        };
        Some(Work {
            _place: Some(place),
        })
    }
}

/// Answers a request for which there is no place, instead of who would.
pub(crate) async fn at_work(request: Request, next: Next) -> Response {
    if request.extensions().get::<TooMuch>().is_some() {
        let told = "so much is asked at once that the rest is kept for what stores tell";
        return Problem::new(Code::Busy, told).into_response();
    }
    next.run(request).await
}
