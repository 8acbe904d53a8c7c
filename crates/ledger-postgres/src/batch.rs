//! Group commit: whatever waits becomes one transaction of batch-shaped statements.
//!
//! While a transaction is being made durable, further work queues up and becomes the next one, so the batch grows with the
//! load and a lone write waits for nobody. Works that touch the same rows never share a batch. A batch in which one cannot
//! be done is undone and done one by one, so that it disturbs no neighbour.

use ledger::{LedgerError, Result};
use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};
use uuid::Uuid;

/// Most works in one transaction.
const LARGEST: usize = 512;
/// Works that may wait; beyond it callers are told to come back.
const QUEUE: usize = 16_384;
/// How long a batch may take: a database that went away without a word must not hold up what comes after it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Times that a transaction is begun again because it and another waited for each other.
const TRIES: u32 = 5;

/// Something to be written.
pub(crate) trait Work: Send + Sync + 'static {
    /// What comes of it.
    type Outcome: Send + 'static;
    /// What no other work in its batch may touch.
    fn touches(&self) -> Vec<Uuid>;
}

/// Why a batch was not written.
pub(crate) enum Stop {
    /// One of several cannot be done with the others; each has to be tried alone.
    Apart,
    /// Nothing can be done.
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(crate::codec::failed(error))
    }
}

/// What follows the commit of a batch, and what comes of each work. It cannot fail, and limits itself: what is durable is never answered as failed,
/// because whoever asked would ask again for it.
pub(crate) type Afterwards<T> = Pin<Box<dyn Future<Output = Vec<T>> + Send>>;

/// Nothing follows.
pub(crate) fn at_once<T: Send + 'static>(outcomes: Vec<T>) -> Afterwards<T> {
    Box::pin(std::future::ready(outcomes))
}

type Answer<W> = oneshot::Sender<Result<<W as Work>::Outcome>>;
type Job<W> = (W, Answer<W>);

#[derive(Debug)]
pub(crate) struct Batcher<W: Work> {
    jobs: mpsc::Sender<Job<W>>,
    failed: Arc<AtomicBool>,
}

impl<W: Work> Clone for Batcher<W> {
    fn clone(&self) -> Self {
        Self {
            jobs: self.jobs.clone(),
            failed: Arc::clone(&self.failed),
        }
    }
}

impl<W: Work> Batcher<W> {
    /// `write` does a batch in one transaction, and answers with what follows it: one outcome for each work, in order.
    pub(crate) fn start<F, R>(write: F) -> Self
    where
        F: Fn(Arc<Vec<W>>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Afterwards<W::Outcome>, Stop>> + Send + 'static,
    {
        Self::with_patience(PATIENCE, write)
    }

    fn with_patience<F, R>(patience: Duration, write: F) -> Self
    where
        F: Fn(Arc<Vec<W>>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Afterwards<W::Outcome>, Stop>> + Send + 'static,
    {
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(run(queue, patience, write));
        Self {
            jobs,
            failed: Arc::default(),
        }
    }

    /// Whether something could not be written since that was [forgotten](Self::forget_failure).
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn forget_failure(&self) {
        self.failed.store(false, Ordering::SeqCst);
    }

    /// Waits until it is durable.
    pub(crate) async fn write(&self, work: W) -> Result<W::Outcome> {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.try_send((work, answer));
        sent.map_err(|refused| match refused {
            TrySendError::Full(_) => {
                LedgerError::Unavailable(format!("{QUEUE} writes are waiting"))
            }
            TrySendError::Closed(_) => stopped(),
        })?;
        let answer = answered
            .await
            .map_err(|_| stopped())
            .and_then(|answer| answer);
        if matches!(answer, Err(LedgerError::Unavailable(_))) {
            self.failed.store(true, Ordering::SeqCst);
        }
        answer
    }
}

fn stopped() -> LedgerError {
    LedgerError::Unavailable("the writer has stopped".into())
}

async fn run<W, F, R>(mut queue: mpsc::Receiver<Job<W>>, patience: Duration, write: F)
where
    W: Work,
    F: Fn(Arc<Vec<W>>) -> R,
    R: Future<Output = Result<Afterwards<W::Outcome>, Stop>>,
{
    let mut waiting: VecDeque<Job<W>> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(job) => waiting.push_back(job),
                None => return,
            }
        }
        while waiting.len() < LARGEST * 4
            && let Ok(job) = queue.try_recv()
        {
            waiting.push_back(job);
        }
        let (works, answers) = take(&mut waiting);
        let works = Arc::new(works);
        match in_time(patience, write(Arc::clone(&works))).await {
            Ok(afterwards) => {
                for (answer, outcome) in answers.into_iter().zip(afterwards.await) {
                    // The caller may have gone away; its write stands all the same.
                    drop(answer.send(Ok(outcome)));
                }
            }
            Err(Stop::Failed(error)) if works.len() == 1 || error.is_retryable() => {
                for answer in answers {
                    drop(answer.send(Err(error.clone())));
                }
            }
            Err(_) => one_by_one(works, answers, patience, &write).await,
        }
    }
}

/// What is given up may have been done: whoever asks again finds it.
async fn in_time<T>(
    patience: Duration,
    writing: impl Future<Output = Result<T, Stop>>,
) -> Result<T, Stop> {
    let late = || {
        format!(
            "the database did not answer within {} s",
            patience.as_secs()
        )
    };
    match tokio::time::timeout(patience, writing).await {
        Ok(done) => done,
        Err(_) => Err(Stop::Failed(LedgerError::Unavailable(late()))),
    }
}

async fn one_by_one<W, F, R>(
    works: Arc<Vec<W>>,
    answers: Vec<Answer<W>>,
    patience: Duration,
    write: &F,
) where
    W: Work,
    F: Fn(Arc<Vec<W>>) -> R,
    R: Future<Output = Result<Afterwards<W::Outcome>, Stop>>,
{
    let works = Arc::into_inner(works).unwrap_or_default();
    for (work, answer) in works.into_iter().zip(answers) {
        let outcome = match in_time(patience, write(Arc::new(vec![work]))).await {
            Ok(afterwards) => afterwards
                .await
                .pop()
                .ok_or_else(|| LedgerError::Unavailable("a write came to nothing".into())),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Apart) => Err(LedgerError::Unavailable(
                "a write could not be done even alone".into(),
            )),
        };
        drop(answer.send(outcome));
    }
}

/// The next batch: in order, but for those that touch what another in it touches.
fn take<W: Work>(waiting: &mut VecDeque<Job<W>>) -> (Vec<W>, Vec<Answer<W>>) {
    let mut touched = BTreeSet::new();
    let (mut works, mut answers, mut later) = (Vec::new(), Vec::new(), VecDeque::new());
    while let Some((work, answer)) = waiting.pop_front() {
        let touches = work.touches();
        if works.len() < LARGEST && touches.iter().all(|id| !touched.contains(id)) {
            touched.extend(touches);
            works.push(work);
            answers.push(answer);
        } else {
            // What comes after it has to stay after it.
            touched.extend(touches);
            later.push_back((work, answer));
        }
    }
    *waiting = later;
    (works, answers)
}

/// Does a transaction again when the database broke it off because it and another waited for each other.
pub(crate) async fn patiently<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Stop>
where
    F: Future<Output = Result<T, Stop>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt().await {
            Err(Stop::Failed(LedgerError::Contended(_))) if tries < TRIES => {
                tracing::debug!(tries, "two transactions waited for each other");
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_millis(200);

    struct Number(u32);

    impl Work for Number {
        type Outcome = u32;
        fn touches(&self) -> Vec<Uuid> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn what_follows_a_commit_is_not_held_to_the_patience_with_it() {
        let batcher = Batcher::with_patience(PATIENT, |works: Arc<Vec<Number>>| async move {
            let afterwards: Afterwards<u32> = Box::pin(async move {
                tokio::time::sleep(PATIENT * 2).await;
                works.iter().map(|work| work.0).collect()
            });
            Ok(afterwards)
        });
        assert_eq!(batcher.write(Number(7)).await.unwrap(), 7);
        assert!(!batcher.has_failed());
    }

    #[tokio::test]
    async fn what_is_not_committed_in_time_is_given_up() {
        let batcher = Batcher::with_patience(PATIENT, |_: Arc<Vec<Number>>| std::future::pending());
        let given_up = batcher.write(Number(7)).await;
        assert!(matches!(given_up, Err(LedgerError::Unavailable(_))));
        assert!(batcher.has_failed());
    }
}
