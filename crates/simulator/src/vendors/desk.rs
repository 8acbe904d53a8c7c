//! How vendors behave, and what they were sent.

use super::answers::{Mode, Vendor};
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

/// So many requests to each are kept.
const KEPT: usize = 20;

/// A request that a vendor was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// `POST`.
    pub method: String,
    /// Path and query, from the vendor's own path on.
    pub target: String,
    /// Its body, as text.
    pub body: String,
    /// How it was answered.
    pub answered: Mode,
    /// What was wrong with it, if anything.
    pub wrong: Option<String>,
}

/// How a vendor behaves, and what it was sent.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Desk {
    pub(super) mode: Mode,
    pub(super) requests: u64,
    pub(super) last: VecDeque<Seen>,
}

pub(super) struct Shared {
    /// What each of them takes for its key.
    pub(super) key: String,
    pub(super) vendors: BTreeMap<String, Vendor>,
    pub(super) desks: Guarded<BTreeMap<String, Desk>>,
    pub(super) started: Instant,
    pub(super) started_at: Timestamp,
}

impl Shared {
    pub(super) fn set(&self, vendor: &str, mode: Mode) {
        let mut desks = self.desks.lock();
        desks.entry(vendor.to_owned()).or_default().mode = mode;
    }

    pub(super) fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.started_at
            .saturating_add(passed)
            .unwrap_or(self.started_at)
    }

    /// How a vendor behaves to the next request. One that throttles does so once.
    pub(super) fn mode(&self, vendor: &str) -> Mode {
        let mut desks = self.desks.lock();
        let desk = desks.entry(vendor.to_owned()).or_default();
        let mode = desk.mode;
        if mode == Mode::Throttled {
            desk.mode = Mode::Accepted;
        }
        mode
    }

    pub(super) fn note(&self, vendor: &str, seen: Seen) {
        let mut desks = self.desks.lock();
        let desk = desks.entry(vendor.to_owned()).or_default();
        desk.requests += 1;
        if desk.last.len() == KEPT {
            desk.last.pop_front();
        }
        desk.last.push_back(seen);
    }
}
