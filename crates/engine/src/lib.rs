//! What moves: intake, dispatch and the clock.
//!
//! **How it works.** [`Engine::accept`] takes a store's message: verify, load, decide (pure, `decide`), commit, and only
//! then answer. The dispatcher sends what was committed: lease, render, send, classify, settle; each integration has a
//! lane of its own with its own limits and circuit breaker. The ticker does what time asks for: chains whose state time
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
mod guarded;
mod intake;
pub mod metric;
pub mod rederive;
mod replay;
mod setup;
mod system;
pub mod trace;
mod transport;

#[cfg(feature = "test")]
mod catch_up;

pub use self::core::{Core, Parts};
pub use customers::{Grant, Imported, Merged, PeopleError, Profile, WriteError};
pub use dispatch::{Handshake, LaneHealth};
pub use guarded::Guarded;
pub use intake::{Accepted, IntakeError};
pub use replay::{Forecast, RATES as REPLAY_RATES};
pub use setup::{ActiveIntegration, AppSetup, MakeSource, ProjectSetup, Secrets, Setup};
pub use system::{System, WallSystem};
pub use transport::{AllowedNetworks, NetworkTransport, Transport, TransportError};

use configuration::Vault;
use dispatch::Dispatcher;
use domain::{DeliveryId, Event, IntegrationId, NotSent, ProjectId, rates::Rates};
use ledger::{Commit, Committed, ConfigurationChange, Ledger, LedgerError, NewEvent, Requeue};
use sources::Web;
use std::sync::Arc;
use tokio::sync::watch;

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    core: Core,
    dispatcher: Dispatcher,
    vouched: intake::revocation::Vouched,
    inquiries: intake::inquiry::Inquiries,
    heard: intake::heard::Heard,
    handshakes: dispatch::handshake::Handshakes,
    /// Another process delivers what this one commits.
    is_quiet: bool,
    /// What this node has the right to do at the moment, and until when it need not ask again.
    duties: clock::Duties,
}

impl Engine {
    /// Reads the configuration and starts dispatching and ticking on the current runtime.
    pub async fn start(parts: Parts) -> Result<Self, LedgerError> {
        let engine = Self::assemble(parts, false).await?;
        engine.attend().await?;
        tokio::spawn(engine.clone().keep_attending());
        tokio::spawn(engine.clone().poll_due());
        tokio::spawn(engine.clone().tick());
        if let Some(news) = engine.ledger().news() {
            tokio::spawn(engine.clone().follow(news));
        }
        for chore in clock::Chore::ALL {
            tokio::spawn(engine.clone().keep_doing(chore));
        }
        Ok(engine)
    }

    async fn assemble(parts: Parts, is_quiet: bool) -> Result<Self, LedgerError> {
        let core = Core::of(parts).await?;
        let inner = Inner {
            dispatcher: Dispatcher::new(),
            vouched: intake::revocation::Vouched::default(),
            inquiries: intake::inquiry::Inquiries::default(),
            heard: intake::heard::Heard::default(),
            handshakes: dispatch::handshake::Handshakes::default(),
            is_quiet,
            duties: clock::Duties::of(core.system().uuid()),
            core,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// One that does nothing by itself: time passes for it when it is told.
    ///
    /// What it commits is delivered by whoever serves the same ledger.
    pub async fn quiet(parts: Parts) -> Result<Self, LedgerError> {
        Self::assemble(parts, true).await
    }

    /// What every room shares.
    pub(crate) fn core(&self) -> &Core {
        &self.inner.core
    }

    /// The storage, for reading.
    pub fn ledger(&self) -> &dyn Ledger {
        self.core().ledger()
    }

    /// The configuration in memory.
    pub fn setup(&self) -> Arc<Setup> {
        self.core().setup()
    }

    /// Opens and seals secrets.
    pub fn vault(&self) -> &Vault {
        self.core().vault()
    }

    /// The clock and the random source.
    pub fn system(&self) -> &dyn System {
        self.core().system()
    }

    /// Exchange rates in memory.
    pub fn rates(&self) -> Arc<Rates> {
        self.core().rates()
    }

    pub(crate) fn web(&self) -> &dyn Web {
        self.core().web()
    }

    /// Where people reach this installation.
    pub fn public_url(&self) -> &str {
        self.core().public_url()
    }

    /// A counter that rises whenever the feed may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.core().changes()
    }

    /// Commits; its deliveries belong to the trace of what led to it.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, LedgerError> {
        self.core().commit(commit).await
    }

    fn note_change(&self) {
        self.core().note_change();
    }

    /// After a commit whose deliveries were left for the poll to find.
    pub(crate) fn wake_after(&self, events: usize) {
        if events > 0 {
            self.inner.dispatcher.wake();
            self.note_change();
        }
    }

    /// Whether the engine is shutting down.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.core().stopping()
    }

    /// Reads the configuration again if it changed, here or by another process. What failed for want of credentials gets
    /// another chance when the settings of its integration changed.
    pub async fn reload(&self) -> Result<(), LedgerError> {
        self.core().reload().await
    }

    /// Applies configuration changes made against the configuration in memory.
    /// Answers `false` when the configuration had moved meanwhile; nothing was changed then.
    pub async fn configure(
        &self,
        changes: Vec<ConfigurationChange>,
        by: &str,
    ) -> Result<bool, LedgerError> {
        let applied = self.core().configure(changes, by).await?;
        if applied {
            self.verify_pending().await?;
        }
        Ok(applied)
    }

    /// Sends a delivery again, whatever became of it. `false` when it does not exist.
    pub async fn resend(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<bool, LedgerError> {
        let requeued = self
            .ledger()
            .requeue(Requeue::One(project, delivery), self.system().now())
            .await?;
        self.inner.dispatcher.wake();
        self.note_change();
        Ok(requeued > 0)
    }

    /// Tries every failed delivery of an integration again. Answers how many there are.
    pub async fn retry_failed(&self, integration: IntegrationId) -> Result<u64, LedgerError> {
        let which = Requeue::Failed(integration, NotSent::ALL.to_vec());
        let requeued = self.ledger().requeue(which, self.system().now()).await?;
        self.inner.dispatcher.wake();
        self.note_change();
        Ok(requeued)
    }

    /// Sends a test event to one integration, through everything a real event goes through.
    pub async fn send_test(&self, integration: &ActiveIntegration) -> Result<Event, LedgerError> {
        let now = self.system().now();
        let event = decide::test_event(integration.row.project, self.system().uuid(), now);
        let planned = decide::plan(&event, std::slice::from_ref(integration), now);
        self.ledger()
            .commit_test(
                NewEvent {
                    event: event.clone(),
                    not_sent: planned.not_sent,
                },
                planned.deliveries,
            )
            .await?;
        self.inner.dispatcher.wake();
        self.note_change();
        Ok(event)
    }

    /// How the lanes stand, for health pages.
    pub fn lanes(&self) -> Vec<(IntegrationId, LaneHealth)> {
        self.inner.dispatcher.health()
    }

    /// Stops taking up work and waits, at most `patience`, for attempts under way to be settled.
    pub async fn stop(&self, patience: std::time::Duration) {
        self.core().stop();
        self.inner.dispatcher.drain(patience).await;
        if let Err(error) = self.leave().await {
            tracing::warn!(%error, "the other nodes could not be told that this one is leaving");
        }
    }
}
