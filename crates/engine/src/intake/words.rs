//! The last word of each app's store.

use domain::AppId;
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How old what is written down may be.
const STALE: SignedDuration = SignedDuration::from_mins(1);

/// When each app heard its store last, as far as this process knows.
#[derive(Default)]
pub(super) struct Heard {
    last: Guarded<BTreeMap<AppId, Word>>,
}

/// The last word of an app's store.
struct Word {
    at: Timestamp,
    /// What of it is written down.
    written: Option<Timestamp>,
}

impl Heard {
    pub(super) fn note(&self, app: AppId, now: Timestamp) {
        let mut last = self.last.lock();
        let word = last.entry(app).or_insert(Word {
            at: now,
            written: None,
        });
        word.at = word.at.max(now);
    }

    pub(super) fn of(&self, app: AppId) -> Option<Timestamp> {
        self.last.lock().get(&app).map(|word| word.at)
    }

    /// What should be written down; notes that it is.
    pub(super) fn unwritten(&self) -> Vec<(AppId, Timestamp)> {
        let mut last = self.last.lock();
        let mut all = Vec::new();
        for (app, word) in last.iter_mut() {
            let written = word.written;
            if written.is_none_or(|written| written.duration_until(word.at) >= STALE) {
                word.written = Some(word.at);
                all.push((*app, word.at));
            }
        }
        all
    }
}
