//! What moves: intake, dispatch and the clock.
//!
//! **How it works.** [`Intake::accept`] takes a store's message: verify, load, decide (pure, `decide`), commit, and only
//! then answer. The dispatcher sends what was committed: lease, render, send, classify, settle; each integration has a
//! lane of its own with its own limits and circuit breaker. The clock does what time asks for: chains whose state time
//! alone may change, parked messages, expired leases, handshakes, retention.
//!
//! **What it does not do.** It knows no particular store, destination or backend: they come in as traits. It holds no
//! state that a crash could lose: queues are copies of leased rows.
//!
//! **Before changing it.** Nothing answers before its write is durable; no transaction is open during a network call;
//! the wall clock and randomness are read in [`System`] only.
#![warn(missing_docs)]

mod clock;
mod core;
mod customers;
mod decide;
mod dispatch;
mod intake;
mod latest;
pub mod metric;
mod places;
pub mod rederive;
mod replay;
mod retention;
mod setup;
mod system;
pub mod trace;
mod transport;
mod under_way;

#[cfg(feature = "test")]
mod catch_up;

pub use self::core::{Core, Parts, mended};
pub use customers::{CustomerError, CustomerUpdate, Customers, Grant, Merged, WriteError};
pub use dispatch::{Condition, Dispatch, EndpointHealth, Handshake, Health, LaneHealth};
pub use intake::{
    Accepted, Became, Fate, Imported, Intake, IntakeError, Profile, RefundAnswerError,
    awaits_answer,
};
pub use replay::{Begun, Forecast, REPLAY_RATES, ReplayRates, Replays};
pub use retention::Retention;
pub use setup::{ActiveIntegration, AppSetup, MakeSource, ProjectSetup, Secrets, Setup};
/// Why a message is refused: part of an [`IntakeError`].
pub use sources::{Refusal, RefusalCode};
pub use system::{System, WallSystem};
pub use transport::{
    AllowedNetworks, Authorities, AuthorityError, ClientError, Errand, NetworkTransport, Networks,
    Outgoing, Transport, TransportError, parsers,
};
pub use under_way::UnderWay;

use clock::Clock;
use configuration::Vault;
use domain::rates::{Rate, Rates};
use ledger::{ConfigurationChange, Ledger, LedgerError};
use std::{sync::Arc, time::Duration};
use tokio::sync::{MutexGuard, watch};
use under_way::Going;

/// A running engine: its rooms, and what they share. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    core: Core,
    dispatch: Dispatch,
    intake: Intake,
    customers: Customers,
    replays: Replays,
    clock: Clock,
    deeds: Going,
}

impl Engine {
    /// Reads the configuration and starts dispatching and ticking on the current runtime.
    pub async fn start(parts: Parts) -> Result<Self, LedgerError> {
        let core = Core::of(parts).await?;
        let engine = Self::around(core.clone(), Dispatch::new(core));
        engine.dispatch.share_outcomes().await?;
        engine.intake.keep_up().await?;
        engine.dispatch.look_back().await?;
        engine.clock.start().await?;
        engine.dispatch.start();
        Ok(engine)
    }

    /// One that does nothing by itself: time passes for it when it is told.
    ///
    /// What it commits is delivered by whoever serves the same ledger.
    pub async fn quiet(parts: Parts) -> Result<Self, LedgerError> {
        let core = Core::of(parts).await?;
        let engine = Self::around(core.clone(), Dispatch::quiet(core));
        engine.dispatch.share_outcomes().await?;
        Ok(engine)
    }

    /// Puts the rooms together: each gets the core, and the rooms below that it needs.
    fn around(core: Core, dispatch: Dispatch) -> Self {
        let intake = Intake::new(core.clone(), dispatch.clone());
        let customers = Customers::new(core.clone(), intake.clone());
        let replays = Replays::new(core.clone(), dispatch.clone());
        let clock = Clock::new(
            core.clone(),
            dispatch.clone(),
            intake.clone(),
            replays.clone(),
        );
        Self {
            core,
            dispatch,
            intake,
            customers,
            replays,
            clock,
            deeds: Going::default(),
        }
    }

    /// Where messages come in: those of stores, receipts, imports, statements.
    pub const fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Where customers are looked after.
    pub const fn customers(&self) -> &Customers {
        &self.customers
    }

    /// Where deliveries go out, and endpoints are verified.
    pub const fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Where past events are sent again.
    pub const fn replays(&self) -> &Replays {
        &self.replays
    }

    /// The storage, for reading.
    pub fn ledger(&self) -> &dyn Ledger {
        self.core.ledger()
    }

    /// The configuration in memory.
    pub fn setup(&self) -> Arc<Setup> {
        self.core.setup()
    }

    /// Opens and seals secrets.
    pub fn vault(&self) -> &Vault {
        self.core.vault()
    }

    /// The clock and the random source.
    pub fn system(&self) -> &dyn System {
        self.core.system()
    }

    /// Exchange rates in memory.
    pub fn rates(&self) -> Arc<Rates> {
        self.core.rates()
    }

    /// Where people reach this installation.
    pub fn public_url(&self) -> &str {
        self.core.public_url()
    }

    /// A counter that rises whenever the feed may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.core.changes()
    }

    /// Turns to `true` when the engine shuts down.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.core.stopping()
    }

    /// Reads the configuration again if it changed, here or by another process.
    pub async fn reload(&self) -> Result<(), LedgerError> {
        self.core.reload().await
    }

    /// Waits until nobody else on this node decides on the configuration; nobody does until the answer is dropped.
    pub async fn turn_to_decide(&self) -> MutexGuard<'_, ()> {
        self.core.turn_to_decide().await
    }

    /// Applies changes that were decided on `on`, which [`Engine::setup`] gave.
    /// Answers `false` when the configuration has moved since; nothing was changed then, and [`Engine::setup`] is newer.
    pub async fn configure(
        &self,
        on: &Setup,
        changes: Vec<ConfigurationChange>,
        by: &str,
    ) -> Result<bool, LedgerError> {
        self.core.configure(on, changes, by).await
    }

    /// Adds exchange rates; they are in effect at once.
    pub async fn add_rates(&self, rates: Vec<Rate>) -> Result<(), LedgerError> {
        self.core.add_rates(rates).await
    }

    /// Keeps the exchange rates in memory fresh until the engine stops, from `url` where there is one.
    pub fn keep_rates_fresh(&self, url: Option<String>) {
        tokio::spawn(self.clock.clone().keep_rates_fresh(url));
    }

    /// One more deed that nobody may be waiting for, until the answer is dropped.
    pub fn begin_deed(&self) -> UnderWay {
        self.deeds.begin()
    }

    /// Waits, at most `patience`, until no deed is under way; answers whether none is.
    pub async fn deeds_done(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.deeds.over())
            .await
            .is_ok()
    }

    /// Stops taking up work and waits, at most `patience`, for attempts under way to be settled.
    pub async fn stop(&self, patience: Duration) {
        self.core.stop();
        self.dispatch.drain(patience).await;
        if let Err(error) = self.dispatch.share_outcomes().await {
            tracing::warn!(%error, "what became of the last attempts could not be written down");
        }
        if let Err(error) = self.clock.leave().await {
            tracing::warn!(%error, "the other nodes could not be told that this one is leaving");
        }
    }
}
