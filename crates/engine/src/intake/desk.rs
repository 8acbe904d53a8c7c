//! Questions of each app under way: one about a purchase at a time, at the pace its store allows.

use crate::{System, setup::AppSetup};
use domain::{AppId, Store};
use guarded::Guarded;
use sources::Trouble;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

/// Questions of one app under way at once.
const AT_ONCE: usize = 16;
/// How long a store that just failed is left alone by questions that may wait.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// Purchases remembered before those that nobody asks about are forgotten.
const SUBJECTS: usize = 1024;

/// Questions per second that a store allows an app. Source: Apple, "Identifying rate limits"; Google, "Quotas"; Stripe, "Rate
/// limits".
const fn per_second(store: Store) -> u32 {
    match store {
        Store::AppStore | Store::PlayStore => 40,
        Store::Stripe => 20,
        Store::External | Store::Promotional => u32::MAX,
    }
}

/// Whether a question may wait while its store is in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Somebody waits for the answer.
    Now,
    /// Nobody does: a store that just failed is left alone for a while.
    Whenever,
}

/// Questions under way.
#[derive(Default)]
pub(super) struct Desks(Guarded<BTreeMap<AppId, Arc<Desk>>>);

impl Desks {
    /// That of an app.
    pub(super) fn of(&self, app: &AppSetup) -> Arc<Desk> {
        let mut desks = self.0.lock();
        let desk = desks
            .entry(app.row.id)
            .or_insert_with(|| Arc::new(Desk::new(app.row.store())));
        Arc::clone(desk)
    }
}

/// What one app has under way.
pub(super) struct Desk {
    trouble: Guarded<Option<InTrouble>>,
    permits: Semaphore,
    /// The uptime at which the next question may be asked.
    next: Guarded<Duration>,
    pause: Duration,
    /// What is asked about, each with who may ask.
    subjects: Guarded<BTreeMap<String, Arc<Mutex<()>>>>,
}

/// A store that failed to answer.
struct InTrouble {
    trouble: Trouble,
    /// It is left alone until this uptime.
    until: Duration,
}

impl Desk {
    fn new(store: Store) -> Self {
        Self {
            trouble: Guarded::default(),
            permits: Semaphore::new(AT_ONCE),
            next: Guarded::default(),
            pause: Duration::from_secs(1) / per_second(store),
            subjects: Guarded::default(),
        }
    }

    /// The right to ask about one thing: held while it is asked about and until the answer is taken in, because answers carry
    /// the time they were asked for and must not overtake each other.
    pub(super) fn subject(&self, id: &str) -> Arc<Mutex<()>> {
        let mut subjects = self.subjects.lock();
        if subjects.len() > SUBJECTS {
            subjects.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(subjects.entry(id.to_owned()).or_default())
    }

    /// Waits for one of the places there are at once.
    pub(super) async fn place(&self) -> SemaphorePermit<'_> {
        let permit = self.permits.acquire().await;
        permit.expect("nobody closes the semaphore")
    }

    /// Why the store did not answer last, while it is left alone.
    pub(super) fn trouble(&self, uptime: Duration) -> Option<Trouble> {
        let trouble = self.trouble.lock();
        let found = trouble.as_ref()?;
        (uptime < found.until).then(|| found.trouble.clone())
    }

    /// Remembers whether the store answered.
    pub(super) fn note(&self, trouble: Option<&Trouble>, uptime: Duration) {
        let found = trouble
            .filter(|trouble| matches!(trouble, Trouble::Unavailable { .. }))
            .map(|trouble| InTrouble {
                trouble: trouble.clone(),
                until: uptime.saturating_add(LEFT_ALONE),
            });
        *self.trouble.lock() = found;
    }

    /// Waits for this app's turn.
    pub(super) async fn pace(&self, system: &dyn System) {
        let (turn, wait) = {
            let (mut next, uptime) = (self.next.lock(), system.uptime());
            let turn = uptime.max(*next);
            *next = turn.saturating_add(self.pause);
            (turn, turn.saturating_sub(uptime))
        };
        if wait.is_zero() {
            return;
        }
        tokio::time::sleep(wait).await;
        // What was slept has passed, also by a clock that stands.
        let behind = turn.saturating_sub(system.uptime());
        let mut next = self.next.lock();
        *next = next.saturating_sub(behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A clock that goes when it is told to.
    struct Told(AtomicU64);

    impl System for Told {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn uptime(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
        fn entropy(&self) -> u64 {
            0
        }
    }

    /// Stripe is asked twenty times a second: what passed by the engine's own clock is not waited for again.
    #[tokio::test]
    async fn what_has_passed_is_not_waited_for() {
        let (desk, clock) = (Desk::new(Store::Stripe), Told(AtomicU64::new(0)));
        for asked in 1..=1_000_u32 {
            desk.pace(&clock).await;
            assert_eq!(*desk.next.lock(), Duration::from_millis(50) * asked);
            clock.0.fetch_add(50, Ordering::SeqCst);
        }
    }

    /// By a clock that stands each waits for the one before it, and not for all there were.
    #[tokio::test]
    async fn by_a_clock_that_stands_no_turn_is_waited_for_twice() {
        let (desk, clock) = (Desk::new(Store::PlayStore), Told(AtomicU64::new(0)));
        for _ in 0..5 {
            desk.pace(&clock).await;
            assert_eq!(*desk.next.lock(), Duration::from_millis(25));
        }
    }

    #[test]
    fn a_store_that_failed_is_left_alone_for_half_a_minute_of_the_engines_clock() {
        let desk = Desk::new(Store::AppStore);
        let trouble = Trouble::Unavailable {
            detail: "503".into(),
            again_at: None,
        };
        desk.note(Some(&trouble), Duration::from_secs(10));
        let known = |seconds| desk.trouble(Duration::from_secs(seconds)).is_some();
        assert!(known(10) && known(39) && !known(40));
        desk.note(None, Duration::from_secs(20));
        assert!(!known(20));
    }
}
