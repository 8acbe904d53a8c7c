//! When each list of what a store could not deliver was last asked for, by this node.

use domain::{AppId, Environment, time::is_recent};
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Before a list that could not be read whole is asked for again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// When each list was last asked for.
#[derive(Default)]
pub(super) struct Looks(Guarded<BTreeMap<(AppId, Environment), Timestamp>>);

impl Looks {
    /// Whether it is long enough since this list was asked for; notes that it is now.
    pub(super) fn may_look(&self, app: AppId, environment: Environment, now: Timestamp) -> bool {
        let mut last = self.0.lock();
        let known = last.get(&(app, environment));
        let may = known.is_none_or(|known| !is_recent(*known, now, AGAIN));
        if may {
            last.insert((app, environment), now);
        }
        may
    }
}
