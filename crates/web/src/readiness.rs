//! Whether the server can take work, found out at most once a second however often it is asked.

use crate::problem::{Code, Problem};
use engine::Engine;
use ledger::LedgerError;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long an answer is good.
const GOOD: Duration = Duration::from_secs(1);
/// How long the ledger may take for a write before it counts as one that cannot be written.
const LONGEST: Duration = Duration::from_secs(2);

/// What was found out last.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Errors: it stops, or the ledger cannot be written.
    pub async fn check(&self, engine: &Engine) -> Result<(), Problem> {
        if *engine.stopping().borrow() {
            return Err(Problem::new(Code::Stopping, "draining"));
        }
        let ledger = engine.ledger();
        let is_ready = self.is_ready(Instant::now, ledger.has_failed(), || ledger.check());
        if is_ready.await {
            Ok(())
        } else {
            Err(Problem::new(
                Code::Unavailable,
                "the ledger cannot be written",
            ))
        }
    }

    /// One writes at a time; those who ask meanwhile get what it found. A write that `has_failed` since ends what was found before.
    async fn is_ready<W: Future<Output = Result<(), LedgerError>>>(
        &self,
        now: impl Fn() -> Instant,
        has_failed: bool,
        write: impl FnOnce() -> W,
    ) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, is_ready)) = *last
            && now().duration_since(at) < GOOD
            && !(is_ready && has_failed)
        {
            return is_ready;
        }
        let is_ready = match tokio::time::timeout(LONGEST, write()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "not ready: the ledger cannot be written");
                false
            }
            Err(_) => {
                tracing::error!("not ready: the ledger takes too long to write");
                false
            }
        };
        *last = Some((now(), is_ready));
        is_ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn the_ledger_is_written_once_a_second_however_many_ask() {
        let (readiness, written) = (Readiness::default(), AtomicUsize::new(0));
        let begin = Instant::now();
        let ask = async |after: Duration, answer: Result<(), LedgerError>| {
            let write = async || {
                written.fetch_add(1, Ordering::SeqCst);
                answer
            };
            let is_ready = readiness.is_ready(|| begin + after, false, write).await;
            (is_ready, written.load(Ordering::SeqCst))
        };
        let failed = || Err(LedgerError::Unavailable("the disk is full".into()));
        assert_eq!(ask(Duration::ZERO, failed()).await, (false, 1));
        let at_once = (0..100).map(|_| ask(GOOD / 2, Ok(())));
        for answer in futures_util::future::join_all(at_once).await {
            assert_eq!(answer, (false, 1), "what was found is still good");
        }
        assert_eq!(ask(GOOD, Ok(())).await, (true, 2));
        assert_eq!(ask(GOOD + GOOD / 2, failed()).await, (true, 2));
        assert_eq!(ask(GOOD * 2, failed()).await, (false, 3));
    }

    #[tokio::test]
    async fn a_write_that_failed_is_not_waited_for() {
        let (readiness, written) = (Readiness::default(), AtomicUsize::new(0));
        let begin = Instant::now();
        let ask = async |has_failed: bool, is_written: bool| {
            let write = async || {
                written.fetch_add(1, Ordering::SeqCst);
                is_written
                    .then_some(())
                    .ok_or(LedgerError::Unavailable("the disk is full".into()))
            };
            let is_ready = readiness.is_ready(|| begin, has_failed, write).await;
            (is_ready, written.load(Ordering::SeqCst))
        };
        assert_eq!(ask(false, true).await, (true, 1));
        assert_eq!(ask(false, false).await, (true, 1), "found a moment ago");
        assert_eq!(ask(true, false).await, (false, 2), "and no longer true");
        assert_eq!(ask(true, true).await, (false, 2), "once a second");
    }
}
