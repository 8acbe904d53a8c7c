//! How many receipts of each app waited for its store when they were counted last.

use domain::AppId;
use guarded::Guarded;
use std::{collections::BTreeMap, time::Duration};

/// How long a count is good.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// What was counted last, by app.
#[derive(Default)]
pub(super) struct Crowds(Guarded<BTreeMap<AppId, Crowd>>);

#[derive(Clone, Copy)]
struct Crowd {
    waiting: u64,
    /// As the uptime of the process.
    at: Duration,
}

impl Crowds {
    /// How many wait, where that was counted lately.
    pub(super) fn waiting(&self, app: AppId, uptime: Duration) -> Option<u64> {
        let known = self.0.lock().get(&app).copied();
        let good = known.filter(|known| uptime.saturating_sub(known.at) < GOOD_FOR);
        good.map(|known| known.waiting)
    }

    /// So many were counted.
    pub(super) fn note(&self, app: AppId, waiting: u64, at: Duration) {
        self.0.lock().insert(app, Crowd { waiting, at });
    }

    /// One more waits. Those whose store answers at once are counted until it is counted again.
    pub(super) fn join(&self, app: AppId) {
        if let Some(crowd) = self.0.lock().get_mut(&app) {
            crowd.waiting += 1;
        }
    }
}
