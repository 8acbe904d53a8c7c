//! An engine apart: a clock that stands where it is put, no network, and the configuration that decides about events.

use crate::{System, Transport, TransportError};
use async_trait::async_trait;
use destinations::{Request, Response};
use jiff::Timestamp;
use ledger::{Configuration, ConfigurationChange, Ledger, LedgerError};
use sources::{Call, Reply, Web};
use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

/// Stands at the time of the message that is taken in.
pub(super) struct ReplayClock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl ReplayClock {
    pub(super) const fn new() -> Self {
        Self {
            micros: AtomicI64::new(0),
            drawn: AtomicU64::new(1),
        }
    }

    pub(super) fn set(&self, at: Timestamp) {
        self.micros.store(at.as_microsecond(), Ordering::SeqCst);
    }
}

impl System for ReplayClock {
    fn now(&self) -> Timestamp {
        let micros = self.micros.load(Ordering::SeqCst);
        Timestamp::from_microsecond(micros).expect("it was set from a timestamp")
    }
    fn entropy(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::SeqCst)
    }
}

/// Where everything goes that would go out.
pub(super) struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn send(&self, _: &Request, _: Duration) -> Result<Response, TransportError> {
        Err(TransportError::Network(
            "nothing is sent while rederiving".into(),
        ))
    }
}

#[async_trait]
impl Web for Nowhere {
    async fn call(&self, _: &Call) -> Result<Reply, String> {
        Err("no store is asked while rederiving".into())
    }
}

/// Copies the rates, and everything of the configuration that decides about events.
pub(super) async fn copy(ledger: &dyn Ledger, scratch: &dyn Ledger) -> Result<(), LedgerError> {
    let changes = copied(&ledger.configuration().await?);
    scratch
        .configure(0, changes, "rederive", Timestamp::UNIX_EPOCH)
        .await?;
    scratch.put_rates(ledger.rates().await?).await
}

fn copied(configuration: &Configuration) -> Vec<ConfigurationChange> {
    let projects = configuration.projects.iter().cloned();
    let apps = configuration.apps.iter().cloned();
    let products = configuration.products.iter().cloned();
    let entitlements = configuration.entitlements.iter().cloned();
    projects
        .map(ConfigurationChange::PutProject)
        .chain(entitlements.map(ConfigurationChange::PutEntitlement))
        .chain(products.map(ConfigurationChange::PutProduct))
        .chain(apps.map(ConfigurationChange::PutApp))
        .collect()
}
