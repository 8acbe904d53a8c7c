//! Hashing is dear in memory and time: few are made at once, few wait for their turn, and nobody else waits at all.

use std::{panic::resume_unwind, sync::Arc};
use tokio::sync::Semaphore;

/// Most that are made at once.
const AT_ONCE: usize = 2;
/// Most that wait.
const WAITING: usize = 16;

/// As many are made and wait as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Busy {
    /// Seconds after which there is room again: a full queue is through by then.
    pub const WAIT_SECONDS: u64 = 5;
}

/// Where hashes are made.
#[derive(Debug, Clone)]
pub struct Hashing {
    /// For each that is made or waits.
    places: Arc<Semaphore>,
    /// For each that is made.
    turns: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Hashing {
    /// Makes one on a thread that may block, when it is its turn. Whoever hangs up while waiting makes room; what is being made is made to its
    /// end, and counts until then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let place = Arc::clone(&self.places);
        let place = place.try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Busy)?;
        let made = tokio::task::spawn_blocking(move || {
            let _until_made = (place, turn);
            work()
        });
        match made.await {
            Ok(made) => Ok(made),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The server stops.
                Err(_) => Err(Busy),
            },
        }
    }

    /// Nothing is made until what is answered is dropped: whoever asks waits.
    #[cfg(any(test, feature = "test"))]
    pub fn hold(&self) -> impl Sized + use<> {
        let turns = u32::try_from(AT_ONCE).expect("is small");
        let turns = Arc::clone(&self.turns).try_acquire_many_owned(turns);
        turns.expect("nobody hashes")
    }

    /// Waits until so many have asked who have no answer yet.
    #[cfg(any(test, feature = "test"))]
    pub async fn asked(&self, times: usize) {
        while AT_ONCE + WAITING - self.places.available_permits() < times {
            tokio::task::yield_now().await;
        }
    }

    /// Takes every place, until what is answered is dropped.
    #[cfg(any(test, feature = "test"))]
    pub fn fill(&self) -> impl Sized + use<> {
        let places = u32::try_from(AT_ONCE + WAITING).expect("is small");
        let places = Arc::clone(&self.places).try_acquire_many_owned(places);
        places.expect("nobody hashes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering::SeqCst},
            mpsc,
        },
        thread,
    };
    use tokio::task::JoinSet;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_are_made_at_once_few_wait_and_no_more() {
        let hashing = Hashing::default();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (go_on, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let mut tasks = JoinSet::new();
        for _ in 0..100 {
            let (hashing, running, most) =
                (hashing.clone(), Arc::clone(&running), Arc::clone(&most));
            let held = Arc::clone(&held);
            tasks.spawn(async move {
                let work = move || {
                    most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                    held.lock().unwrap().recv().unwrap();
                    running.fetch_sub(1, SeqCst);
                };
                hashing.run(work).await
            });
        }
        // Those that find no place end while the others are held.
        for _ in 0..100 - AT_ONCE - WAITING {
            assert_eq!(tasks.join_next().await.unwrap().unwrap(), Err(Busy));
        }
        for _ in 0..AT_ONCE + WAITING {
            go_on.send(()).unwrap();
        }
        while let Some(done) = tasks.join_next().await {
            assert_eq!(done.unwrap(), Ok(()));
        }
        assert!(most.load(SeqCst) <= AT_ONCE);
        assert_eq!(
            hashing.run(thread::panicking).await,
            Ok(false),
            "there is room again"
        );
    }

    #[tokio::test]
    async fn whoever_hangs_up_while_waiting_makes_room() {
        let hashing = Hashing::default();
        let (go_on, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE + WAITING {
            let (hashing, held) = (hashing.clone(), Arc::clone(&held));
            tasks.spawn(async move { hashing.run(move || held.lock().unwrap().recv()).await });
        }
        while hashing.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(hashing.run(|| ()).await.is_err());
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
        // The two that were being made are made to their end.
        let begun = AT_ONCE + WAITING - hashing.places.available_permits();
        assert!(begun <= AT_ONCE, "{begun}");
        for _ in 0..begun {
            go_on.send(()).unwrap();
        }
        assert_eq!(hashing.run(|| 7).await, Ok(7));
    }
}
