//! An attempt that panics: a fault of ours, which nobody else is to wait for. It counts as made, and its delivery goes on as after any other that nobody
//! answered; otherwise its lease would run out, and it would be made again and again.

use crate::TransportError;
use futures_util::FutureExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What people read of it. What happened is in the log, by the hook of panics.
const FAULT: &str = "the attempt broke off by a fault of Tidings; its log says which";

/// What is to come of something; `None` where that panics. Whatever it had begun is dropped.
pub(super) async fn caught<T>(doing: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(doing).catch_unwind().await.ok()
}

/// The same of what does not wait.
pub(super) fn caught_at_once<T>(doing: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(doing)).ok()
}

/// How it ended where nothing had gone out.
pub(super) fn before() -> TransportError {
    TransportError::Network(FAULT.into())
}

/// How it ended where something may have.
pub(super) fn after() -> TransportError {
    TransportError::Unanswered(FAULT.into())
}
