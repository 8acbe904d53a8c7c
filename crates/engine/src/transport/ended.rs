//! How an exchange ends that is not over HTTP: with the other side's word or without one, before anything went out or after.

use super::{TransportError, error::late};
use destinations::Response;
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How it ended before all was well: with the other side's words, or without any.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    Said(Response),
    Failed(TransportError),
}

impl Ended {
    pub(super) fn network(why: impl fmt::Display) -> Self {
        Self::Failed(TransportError::Network(why.to_string()))
    }
}

impl From<TransportError> for Ended {
    fn from(error: TransportError) -> Self {
        Self::Failed(error)
    }
}

/// Whether the message went out: what ends after that may have been taken.
#[derive(Debug, Default)]
pub(super) struct Told(AtomicBool);

impl Told {
    /// It goes out now. Said right before it is written, and not before anything that only leads there.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Waits for an exchange, so long at most.
pub(super) async fn within(
    timeout: Duration,
    told: &Told,
    exchange: impl Future<Output = Result<Response, Ended>>,
) -> Result<Response, TransportError> {
    let error = match tokio::time::timeout(timeout, exchange).await {
        Ok(Ok(response) | Err(Ended::Said(response))) => return Ok(response),
        Ok(Err(Ended::Failed(error))) => error,
        Err(_) => TransportError::Network(late(timeout)),
    };
    Err(match error {
        TransportError::Network(why) if told.is_noted() => TransportError::Unanswered(why),
        other => other,
    })
}
