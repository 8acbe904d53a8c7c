//! Questions of each app under way: one about a purchase at a time, at the pace its store allows.

use crate::{Guarded, setup::AppSetup};
use domain::{AppId, Store};
use sources::Trouble;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::Instant,
};

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
    /// When the next question may be asked.
    next: Guarded<Option<Instant>>,
    pause: Duration,
    /// What is asked about, each with who may ask.
    subjects: Guarded<BTreeMap<String, Arc<Mutex<()>>>>,
}

/// A store that failed to answer.
struct InTrouble {
    trouble: Trouble,
    /// It is left alone until then.
    until: Instant,
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
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let trouble = self.trouble.lock();
        let found = trouble.as_ref()?;
        (Instant::now() < found.until).then(|| found.trouble.clone())
    }

    /// Remembers whether the store answered.
    pub(super) fn note(&self, trouble: Option<&Trouble>) {
        let found = trouble
            .filter(|trouble| matches!(trouble, Trouble::Unavailable { .. }))
            .map(|trouble| InTrouble {
                trouble: trouble.clone(),
                until: Instant::now() + LEFT_ALONE,
            });
        *self.trouble.lock() = found;
    }

    /// Waits for this app's turn.
    pub(super) async fn pace(&self) {
        let turn = {
            let mut next = self.next.lock();
            let turn = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            *next = Some(turn + self.pause);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}
