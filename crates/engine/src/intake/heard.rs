//! When each app heard its store last, for people. Kept in memory and written down now and then: a crash forgets a minute.

use crate::{Engine, Guarded};
use domain::AppId;
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use std::collections::BTreeMap;

const MARK: &str = "heard";
/// How old what is written down may be.
const STALE: SignedDuration = SignedDuration::from_mins(1);

#[derive(Default)]
pub(crate) struct Heard {
    /// When, and what of it is written down.
    last: Guarded<BTreeMap<AppId, (Timestamp, Option<Timestamp>)>>,
}

impl Heard {
    pub(crate) fn note(&self, app: AppId, now: Timestamp) {
        let mut last = self.last.lock();
        let entry = last.entry(app).or_insert((now, None));
        entry.0 = entry.0.max(now);
    }

    fn of(&self, app: AppId) -> Option<Timestamp> {
        let last = self.last.lock();
        last.get(&app).map(|(at, _)| *at)
    }

    /// What should be written down; notes that it is.
    fn unwritten(&self) -> Vec<(AppId, Timestamp)> {
        let mut last = self.last.lock();
        let mut all = Vec::new();
        for (app, (at, written)) in last.iter_mut() {
            if written.is_none_or(|written| written.duration_until(*at) >= STALE) {
                *written = Some(*at);
                all.push((*app, *at));
            }
        }
        all
    }
}

impl Engine {
    /// When a store last sent an app a message that was taken in.
    pub async fn last_heard(&self, app: AppId) -> Result<Option<Timestamp>, LedgerError> {
        let written = self.ledger().mark(app, MARK).await?;
        Ok(self.inner.heard.of(app).max(written))
    }

    pub(crate) async fn write_down_heard(&self) -> Result<(), LedgerError> {
        for (app, at) in self.inner.heard.unwritten() {
            self.ledger().set_mark(app, MARK, at).await?;
        }
        Ok(())
    }
}
