//! When each app heard its store last, for people. Kept in memory and written down now and then: a crash forgets a minute.

use super::Intake;
use crate::Guarded;
use domain::AppId;
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use std::collections::BTreeMap;

const MARK: &str = "heard";
/// How old what is written down may be.
const STALE: SignedDuration = SignedDuration::from_mins(1);

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

    fn of(&self, app: AppId) -> Option<Timestamp> {
        self.last.lock().get(&app).map(|word| word.at)
    }

    /// What should be written down; notes that it is.
    fn unwritten(&self) -> Vec<(AppId, Timestamp)> {
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

impl Intake {
    /// When a store last sent an app a message that was taken in.
    pub async fn last_heard(&self, app: AppId) -> Result<Option<Timestamp>, LedgerError> {
        let written = self.core.ledger().mark(app, MARK).await?;
        Ok(self.memory.heard.of(app).max(written))
    }

    /// Writes down when stores were heard.
    pub(crate) async fn write_down_heard(&self) -> Result<(), LedgerError> {
        for (app, at) in self.memory.heard.unwritten() {
            self.core.ledger().set_mark(app, MARK, at).await?;
        }
        Ok(())
    }
}
