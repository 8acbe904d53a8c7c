//! Handshakes that were made, and those under way.

use crate::{Guarded, setup::ActiveIntegration};
use domain::IntegrationId;
use jiff::Timestamp;
use ledger::{Integration, SentRequest, Verification};
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

/// Handshakes of each integration, since the process started.
#[derive(Default)]
pub(super) struct Handshakes {
    last: Guarded<BTreeMap<IntegrationId, Tried>>,
    /// Those under way, with the settings they were begun with.
    under_way: Guarded<BTreeMap<IntegrationId, Vec<u8>>>,
}

/// The last handshakes of an integration.
#[derive(Clone)]
pub(super) struct Tried {
    /// As the uptime of the process.
    pub(super) at: Duration,
    pub(super) made: Vec<Handshake>,
}

impl Handshakes {
    pub(super) fn note(&self, integration: IntegrationId, tried: Tried) {
        self.last.lock().insert(integration, tried);
    }

    pub(super) fn last(&self, integration: IntegrationId) -> Option<Tried> {
        self.last.lock().get(&integration).cloned()
    }

    /// Whether the endpoint should be asked by itself: it never was, or failed a while ago.
    pub(super) fn are_due(&self, active: &ActiveIntegration, uptime: Duration) -> bool {
        if active.row.paused || active.configured.is_err() {
            return false;
        }
        match &active.row.verification {
            // Whoever is refused is not let in for asking again.
            Verification::Passed | Verification::Refused { .. } => false,
            Verification::Pending => true,
            Verification::Failed { .. } => self
                .last(active.row.id)
                .is_none_or(|tried| uptime.saturating_sub(tried.at) >= REST),
        }
    }

    /// Notes that handshakes begin; `false` when they are under way with the same settings.
    pub(super) fn begin(&self, row: &Integration) -> bool {
        let mut under_way = self.under_way.lock();
        let before = under_way.insert(row.id, row.sealed_settings.clone());
        before.as_ref() != Some(&row.sealed_settings)
    }

    pub(super) fn end(&self, row: &Integration) {
        let mut under_way = self.under_way.lock();
        if under_way.get(&row.id) == Some(&row.sealed_settings) {
            under_way.remove(&row.id);
        }
    }
}
