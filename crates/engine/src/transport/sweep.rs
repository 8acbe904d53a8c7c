//! Connections that are kept are closed in time, also when nobody asks for another: one whose integration is gone, or has another password by now, is signed in
//! still.

use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// What keeps connections.
pub(super) trait Sweep: Send + Sync + 'static {
    /// Closes those that nobody used for long. Answers whether any are left, without which nobody sweeps any more.
    fn sweep(&self, now: Instant) -> bool;
}

/// Sweeps every so often, until there is nothing left or nobody to whom it belongs.
pub(super) fn begin<S: Sweep>(of: &Arc<S>, every: Duration) {
    let of = Arc::downgrade(of);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            let is_left = of.upgrade().is_some_and(|of| of.sweep(Instant::now()));
            if !is_left {
                return;
            }
        }
    });
}
