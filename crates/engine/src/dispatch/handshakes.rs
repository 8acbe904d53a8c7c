//! Handshakes that were made, and those under way.

use crate::setup::ActiveIntegration;
use guarded::Guarded;
use jiff::Timestamp;
use ledger::{Integration, LaneId, SentRequest, Verification};
use std::{collections::BTreeMap, time::Duration};

/// How long a failed handshake rests before it is tried again by itself.
const REST: Duration = Duration::from_secs(30);

/// One handshake, as people may see it.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Which endpoint: `production` or `sandbox`.
    pub endpoint: &'static str,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What was sent.
    pub request: SentRequest,
    /// Status code, if there was an answer.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: String,
    /// What was wrong with it; `None` when it passed.
    pub problem: Option<String>,
}

/// Handshakes of each endpoint, since the process started.
#[derive(Default)]
pub(super) struct Handshakes {
    last: Guarded<BTreeMap<LaneId, Tried>>,
    /// Those under way, with the settings they were begun with.
    under_way: Guarded<BTreeMap<LaneId, Vec<u8>>>,
}

/// The last handshake of an endpoint.
#[derive(Clone)]
pub(super) struct Tried {
    /// As the uptime of the process.
    pub(super) at: Duration,
    /// None where there is none to make.
    pub(super) made: Option<Handshake>,
}

impl Handshakes {
    pub(super) fn note(&self, lane: LaneId, tried: Tried) {
        self.last.lock().insert(lane, tried);
    }

    pub(super) fn last(&self, lane: LaneId) -> Option<Tried> {
        self.last.lock().get(&lane).cloned()
    }

    /// Whether the endpoint should be asked by itself: it never was, or failed a while ago.
    pub(super) fn is_due(
        &self,
        active: &ActiveIntegration,
        lane: LaneId,
        uptime: Duration,
    ) -> bool {
        if active.row.paused || active.configured.is_err() {
            return false;
        }
        match active.row.verification.of(lane.endpoint) {
            // Whoever is refused is not let in for asking again.
            Verification::Passed | Verification::Refused { .. } => false,
            Verification::Pending => true,
            Verification::Failed { .. } => self
                .last(lane)
                .is_none_or(|tried| uptime.saturating_sub(tried.at) >= REST),
        }
    }

    /// Notes that a handshake begins; `false` when one is under way with the same settings.
    pub(super) fn begin(&self, lane: LaneId, row: &Integration) -> bool {
        let mut under_way = self.under_way.lock();
        let before = under_way.insert(lane, row.sealed_settings.clone());
        before.as_ref() != Some(&row.sealed_settings)
    }

    pub(super) fn end(&self, lane: LaneId, row: &Integration) {
        let mut under_way = self.under_way.lock();
        if under_way.get(&lane) == Some(&row.sealed_settings) {
            under_way.remove(&lane);
        }
    }
}
