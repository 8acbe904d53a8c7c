//! The core: all that a room may see.
//!
//! Durable storage, the clock, the ways out, and the configuration and exchange rates in memory. A room is made with a
//! [`Core`] and with what else it needs, and calls nothing above it: it writes, and whoever follows the feed
//! ([`Core::changes`]) or the configuration ([`Core::reloads`]) looks again.

use crate::{
    Retention, System, Transport, TransportError,
    latest::Latest,
    places::{Place, Places, Wants},
    setup::{Compiler, MakeSource, Setup},
    trace,
};
use async_trait::async_trait;
use configuration::Vault;
use destinations::{Request, Response};
use domain::{
    AppId, NotSent, ProjectId,
    rates::{Rate, Rates},
};
use ledger::{Commit, Committed, Configuration, ConfigurationChange, Ledger, LedgerError, Requeue};
use sources::{Call, Reply, Web, rates::with_shipped};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, MutexGuard, watch};
use tracing::Instrument;

/// What an engine is made of.
pub struct Parts {
    /// Durable storage.
    pub ledger: Arc<dyn Ledger>,
    /// The clock and the random source.
    pub system: Arc<dyn System>,
    /// The way to destinations.
    pub transport: Arc<dyn Transport>,
    /// Opens and seals secrets.
    pub vault: Vault,
    /// Where people reach this installation, without a trailing slash.
    pub public_url: String,
    /// The way to stores.
    pub web: Arc<dyn Web>,
    /// Makes the source of an app.
    pub make_source: MakeSource,
    /// Clients that wait for what stores answer, at most. Whoever comes then is told to come again; what it sent is asked about all the same.
    pub most_waiting: usize,
    /// How long is kept what does not stay for ever.
    pub retention: Retention,
}

/// The way to stores, one at a time for each place.
struct Placed {
    web: Arc<dyn Web>,
    places: Arc<Places>,
}

#[async_trait]
impl Web for Placed {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let _place = self.places.place(Wants::host_of(None, &call.url)).await;
        self.web.call(call).await
    }
}

/// What every room shares. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    shared: Arc<Shared>,
}

struct Shared {
    ledger: Arc<dyn Ledger>,
    system: Arc<dyn System>,
    transport: Arc<dyn Transport>,
    web: Placed,
    places: Arc<Places>,
    waiting: Arc<Places>,
    retention: Retention,
    compiler: Compiler,
    setup: Latest<Setup>,
    rates: Latest<Rates>,
    /// Whose turn it is to decide on the configuration.
    deciding: Mutex<()>,
    /// Raised whenever the configuration in memory was replaced.
    reloaded: watch::Sender<u64>,
    /// Raised after every commit and settlement: whoever follows the feed looks again.
    changed: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
}

impl Core {
    /// Reads what is kept in memory.
    pub(crate) async fn of(parts: Parts) -> Result<Self, LedgerError> {
        let compiler = Compiler {
            vault: parts.vault,
            public_url: parts.public_url,
            make_source: parts.make_source,
            #[cfg(feature = "test")]
            dress: guarded::Guarded::default(),
        };
        let setup = compiler.compile(parts.ledger.configuration().await?, None);
        let rates = with_shipped(parts.ledger.rates().await?);
        let places = Places::new(parts.transport.at_once());
        let web = Placed {
            web: parts.web,
            places: Arc::clone(&places),
        };
        let shared = Shared {
            ledger: parts.ledger,
            system: parts.system,
            transport: parts.transport,
            web,
            places,
            waiting: Places::new(parts.most_waiting),
            retention: parts.retention,
            compiler,
            setup: Latest::new(setup),
            rates: Latest::new(rates),
            deciding: Mutex::default(),
            reloaded: watch::Sender::new(0),
            changed: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The storage.
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.shared.ledger
    }

    /// The clock and the random source.
    pub fn system(&self) -> &dyn System {
        &*self.shared.system
    }

    /// The way to destinations, for whoever has a place.
    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.shared.transport
    }

    /// A place for a client that waits for what the store of an app answers, if there is one.
    pub(crate) fn place_to_wait(&self, app: AppId) -> Option<Place> {
        self.shared.waiting.free_place(&Wants::answer(app))
    }

    /// Waits for one of the places of what goes out at once.
    pub(crate) async fn place(&self, wants: Wants) -> Place {
        self.shared.places.place(wants).await
    }

    /// Whose part of all places a project's attempts take: its own, where there are several.
    pub(crate) fn shares_as(&self, project: ProjectId) -> Option<ProjectId> {
        let setup = self.setup();
        (setup.configuration.projects.len() > 1).then_some(project)
    }

    /// Sends something of a project beside its lanes, when there is a place for it.
    pub(crate) async fn send(
        &self,
        project: ProjectId,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let wants = Wants::host_of(self.shares_as(project), &request.url);
        let _place = self.place(wants).await;
        self.transport().send(request, timeout).await
    }

    /// The way to stores.
    pub fn web(&self) -> &dyn Web {
        &self.shared.web
    }

    /// How long is kept what does not stay for ever.
    pub(crate) fn retention(&self) -> Retention {
        self.shared.retention
    }

    /// Opens and seals secrets.
    pub fn vault(&self) -> &Vault {
        &self.shared.compiler.vault
    }

    /// Where people reach this installation, without a trailing slash.
    pub fn public_url(&self) -> &str {
        &self.shared.compiler.public_url
    }

    /// The configuration in memory. It stays as it is for whoever holds it; a reload puts another in its place.
    pub fn setup(&self) -> Arc<Setup> {
        self.shared.setup.get()
    }

    /// Exchange rates in memory.
    pub fn rates(&self) -> Arc<Rates> {
        self.shared.rates.get()
    }

    /// Adds exchange rates; they are in effect at once.
    pub async fn add_rates(&self, rates: Vec<Rate>) -> Result<(), LedgerError> {
        self.ledger().put_rates(rates).await?;
        // What is durable is never answered as failed.
        if let Err(error) = self.reload_rates().await {
            tracing::warn!(%error, "exchange rates that were added could not be read again; trying again later");
        }
        Ok(())
    }

    /// Reads the exchange rates again, where another process may have added some.
    pub(crate) async fn reload_rates(&self) -> Result<(), LedgerError> {
        let read = self.shared.rates.begin();
        let rates = with_shipped(self.ledger().rates().await?);
        self.shared.rates.take_in(read, Arc::new(rates), |_| {});
        Ok(())
    }

    /// Commits; its deliveries belong to the trace of what led to it.
    pub(crate) async fn commit(&self, mut commit: Commit) -> Result<Committed, LedgerError> {
        let span = trace::commit(&mut commit);
        self.ledger().commit(commit).instrument(span).await
    }

    /// A counter that rises whenever the feed may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Says that the feed may have changed.
    pub(crate) fn note_change(&self) {
        self.shared.changed.send_modify(|count| *count += 1);
    }

    /// A counter that rises whenever the configuration in memory was replaced.
    pub(crate) fn reloads(&self) -> watch::Receiver<u64> {
        self.shared.reloaded.subscribe()
    }

    /// Reads the configuration again if it changed, here or by another process.
    pub async fn reload(&self) -> Result<(), LedgerError> {
        let read = self.shared.setup.begin();
        let known = self.setup();
        let found = if self.ledger().configuration_revision().await? == known.revision() {
            known
        } else {
            let configuration = self.ledger().configuration().await?;
            let compiler = &self.shared.compiler;
            Arc::new(compiler.compile(configuration, Some(&known)))
        };
        let setup = &self.shared.setup;
        setup.take_in(read, Arc::clone(&found), |before| {
            if before.revision() != found.revision() {
                self.shared.reloaded.send_modify(|count| *count += 1);
                self.note_change();
            }
        });
        Ok(())
    }

    /// Puts something in place of integrations, from now on.
    #[cfg(feature = "test")]
    pub(crate) fn dress(&self, dress: crate::setup::Dress) {
        let compiler = &self.shared.compiler;
        *compiler.dress.lock() = Some(dress);
        let read = self.shared.setup.begin();
        let known = self.setup();
        let compiled = compiler.compile(known.configuration.clone(), Some(&known));
        self.shared.setup.take_in(read, Arc::new(compiled), |_| {});
    }

    /// Waits until nobody else on this node decides on the configuration; nobody does until the answer is dropped. Other nodes
    /// may still be faster: whoever commits against a configuration that has moved decides again.
    pub async fn turn_to_decide(&self) -> MutexGuard<'_, ()> {
        self.shared.deciding.lock().await
    }

    /// Applies configuration changes made against the configuration in memory.
    /// Answers `false` when the configuration had moved meanwhile; nothing was changed then.
    pub async fn configure(
        &self,
        on: &Setup,
        changes: Vec<ConfigurationChange>,
        by: &str,
    ) -> Result<bool, LedgerError> {
        let again = mended(&on.configuration, &changes);
        let now = self.system().now();
        let applied = self
            .ledger()
            .configure_and_requeue(on.revision(), changes, again, by, now)
            .await?;
        match self.reload().await {
            // What is durable is never answered as failed.
            Err(error) if applied => {
                tracing::warn!(%error, "a configuration that was changed could not be read again; trying again soon");
            }
            read => read?,
        }
        Ok(applied)
    }

    /// Turns to `true` when the engine shuts down.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.shared.stopping.subscribe()
    }

    /// Whether the engine is shutting down.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.shared.stopping.borrow()
    }

    /// Waits for `pause`, or until the engine stops; answers whether it goes on.
    pub(crate) async fn goes_on_after(&self, pause: Duration) -> bool {
        let mut stopping = self.stopping();
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            _ = stopping.wait_for(|stopping| *stopping) => false,
        }
    }

    /// Tells everybody to take up no more.
    pub(crate) fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }
}

/// What other settings of an integration may mend.
pub(crate) const MENDED: [NotSent; 2] = [NotSent::MissingCredentials, NotSent::BlockedAddress];

/// What is to be tried again with these changes of what is known, in one commit with them: nothing that ends a process can come between. What fails
/// after that with the settings of before, the ledger finds when it records the attempt.
pub fn mended(known: &Configuration, changes: &[ConfigurationChange]) -> Vec<Requeue> {
    let mended = |change: &ConfigurationChange| {
        let ConfigurationChange::PutIntegration(row) = change else {
            return None;
        };
        let before = known.integrations.iter().find(|known| known.id == row.id)?;
        let destination = destinations::find(&row.destination)?;
        (before.sealed_settings != row.sealed_settings).then(|| Requeue::Failed {
            integration: row.id,
            reasons: MENDED.to_vec(),
            ordered: destination.spec().ordered,
        })
    };
    changes.iter().filter_map(mended).collect()
}
