//! Connections that are kept open to be used again, and may be closed by the other side meanwhile.

use crate::Guarded;
use std::{collections::BTreeMap, error::Error, io, time::Duration};
use tokio::time::Instant;

/// How long a connection that is not used is kept open.
pub(super) const POOL_IDLE: Duration = Duration::from_mins(1);
/// Hosts that are remembered, at most.
const MOST: usize = 4096;

/// When each host last answered.
#[derive(Debug, Default)]
pub(super) struct Kept(Guarded<BTreeMap<String, Instant>>);

impl Kept {
    /// Notes that a host answered.
    pub(super) fn note(&self, host: String, now: Instant) {
        let mut answered = self.0.lock();
        if answered.len() >= MOST {
            answered.retain(|_, at| now.duration_since(*at) < POOL_IDLE);
        }
        if answered.len() < MOST {
            answered.insert(host, now);
        }
    }

    /// Whether what was sent to a host at `began` may have gone over a connection that was open before.
    pub(super) fn may_be_open(&self, host: &str, began: Instant) -> bool {
        let answered = self.0.lock();
        let last = answered.get(host);
        last.is_some_and(|at| began.duration_since(*at) < POOL_IDLE)
    }
}

/// Whether a connection was closed before any of the answer came.
pub(super) fn died(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let closed = error
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
        let reset = error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        });
        if closed || reset {
            return true;
        }
        cause = error.source();
    }
    false
}
