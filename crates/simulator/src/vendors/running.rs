//! All vendors, as whoever started them has them at hand.

use super::{
    answers::{Mode, documented},
    desk::{Seen, Shared},
    server,
};
use anyhow::Result;
use guarded::Guarded;
use jiff::Timestamp;
use std::{net::SocketAddr, sync::Arc, time::Instant};

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
