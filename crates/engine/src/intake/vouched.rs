//! Good answers about certificates, for a while.

use domain::time::is_recent;
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use sources::apple::ocsp::Check;
use std::collections::BTreeMap;

/// How long a good answer is believed, and how many are remembered. Source: App Store Server Library, whose values these are.
const BELIEVED: SignedDuration = SignedDuration::from_mins(15);
const REMEMBERED: usize = 64;

/// Good answers, by question.
#[derive(Default)]
pub(super) struct Vouched(Guarded<BTreeMap<Vec<u8>, Timestamp>>);

impl Vouched {
    pub(super) fn holds(&self, check: &Check, now: Timestamp) -> bool {
        let known = self.0.lock();
        known
            .get(&check.request)
            .is_some_and(|at| is_recent(*at, now, BELIEVED))
    }

    pub(super) fn remember(&self, check: &Check, now: Timestamp) {
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(check.request.clone(), now);
    }
}
