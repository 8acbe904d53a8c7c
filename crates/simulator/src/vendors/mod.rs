//! Vendors: each answers as its own documents say, and sees whether it was asked as they say.
//!
//! One listener plays all of them. The first segment of the path is the key of a destination, so that its `endpoint` is
//! `http://127.0.0.1:PORT/KEY`; what follows is the vendor's own path. How each is asked and what it answers is data, `vendors.json`: taken
//! from the vendors' documents, as read in 2026-11, not from what destinations expect. A vendor whose documents say nothing of a mode does not
//! have it, and answers as if it accepted: who does not check keys accepts a wrong one.
//!
//! Whoever has no hold of the [`Vendors`] asks over HTTP: `GET /_vendors` tells how each behaves and what it was sent last, `PUT
//! /_vendors/KEY` with `{"mode":"throttled"}` changes it.

mod answers;
mod asked;
mod server;

pub use answers::Mode;

use answers::{Answer, Vendor, documented};
use anyhow::Result;
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
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
struct Desk {
    mode: Mode,
    requests: u64,
    last: VecDeque<Seen>,
}

struct Shared {
    /// What each of them takes for its key.
    key: String,
    vendors: BTreeMap<String, Vendor>,
    desks: Guarded<BTreeMap<String, Desk>>,
    started: Instant,
    started_at: Timestamp,
}

/// All vendors, running.
#[derive(Clone)]
pub struct Vendors {
    /// Where they listen, without a slash at the end.
    pub url: String,
    shared: Arc<Shared>,
}

impl Vendors {
    /// Starts listening on a free port of the loopback interface. `key` is what each of them takes for its key, `now` the present.
    pub async fn start(key: &str, now: Timestamp) -> Result<Self> {
        Self::start_at(crate::Stores::anywhere(), key, now).await
    }

    /// Starts listening on a given address.
    pub async fn start_at(address: SocketAddr, key: &str, now: Timestamp) -> Result<Self> {
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            vendors: documented()?,
            desks: Guarded::default(),
            started: Instant::now(),
            started_at: now,
        });
        let url = server::listen(address, Arc::clone(&shared)).await?;
        Ok(Self { url, shared })
    }

    /// Where one of them is asked.
    pub fn endpoint(&self, vendor: &str) -> String {
        format!("{}/{vendor}", self.url)
    }

    /// Whether the documents of one say how it answers so.
    pub fn has(&self, vendor: &str, mode: Mode) -> bool {
        let vendor = self.shared.vendors.get(vendor);
        vendor.is_some_and(|vendor| vendor.has(mode))
    }

    /// How one of them behaves from now on.
    pub fn set(&self, vendor: &str, mode: Mode) {
        self.shared.set(vendor, mode);
    }

    /// How often one of them was asked.
    pub fn requests(&self, vendor: &str) -> u64 {
        let desks = self.shared.desks.lock();
        desks.get(vendor).map_or(0, |desk| desk.requests)
    }

    /// What one of them was sent last, oldest first.
    pub fn last(&self, vendor: &str) -> Vec<Seen> {
        let desks = self.shared.desks.lock();
        let desk = desks.get(vendor);
        desk.map_or_else(Vec::new, |desk| desk.last.iter().cloned().collect())
    }
}

impl Shared {
    fn set(&self, vendor: &str, mode: Mode) {
        let mut desks = self.desks.lock();
        desks.entry(vendor.to_owned()).or_default().mode = mode;
    }

    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.started_at
            .saturating_add(passed)
            .unwrap_or(self.started_at)
    }

    /// How a vendor behaves to the next request. One that throttles does so once.
    fn mode(&self, vendor: &str) -> Mode {
        let mut desks = self.desks.lock();
        let desk = desks.entry(vendor.to_owned()).or_default();
        let mode = desk.mode;
        if mode == Mode::Throttled {
            desk.mode = Mode::Accepted;
        }
        mode
    }

    fn note(&self, vendor: &str, seen: Seen) {
        let mut desks = self.desks.lock();
        let desk = desks.entry(vendor.to_owned()).or_default();
        desk.requests += 1;
        if desk.last.len() == KEPT {
            desk.last.pop_front();
        }
        desk.last.push_back(seen);
    }
}
