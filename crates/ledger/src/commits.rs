//! What intake loads and commits: a customer, its purchases, and what is told of them.

use crate::{CustomerRecord, InboxMessage, NewDelivery, Result, StoredChain};
use async_trait::async_trait;
use domain::{
    AppId, ChainKey, CustomerId, Event, Facts, IntegrationId, NotSent, ProjectId, Snapshot,
    customer::Customer,
};
use jiff::Timestamp;

/// *Load, compute, commit*: a customer's rows are read with a version, and written only if that version still stands.
#[async_trait]
pub trait Commits: Send + Sync + 'static {
    /// What is known about a chain and its customer, with the version to commit against.
    async fn load(&self, wanted: &Wanted) -> Result<Loaded>;
    /// Which of `keys` any of the customers already has events for.
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>>;
    /// Writes a message, the state it led to, its events and their deliveries, all or nothing, durably.
    async fn commit(&self, commit: Commit) -> Result<Committed>;
    /// Adds a test event and its deliveries, outside any purchase.
    async fn commit_test(&self, event: NewEvent, deliveries: Vec<NewDelivery>)
    -> Result<Committed>;
    /// Removes everything personal about a customer: names, attributes, and what events, requests and messages repeat of
    /// them. Facts stay, under a name that says nothing. `false` when it changed since it was loaded.
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool>;
}

/// What intake needs to know before it decides.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The project.
    pub project: ProjectId,
    /// The app the chain belongs to.
    pub app: AppId,
    /// The chain, by any id the store knows it under.
    pub chain: ChainKey,
    /// Other ids under which the store knows it.
    pub links: Vec<String>,
    /// The app's name for the customer, where the message carries one.
    pub app_user_id: Option<String>,
}

/// What is known.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The owner of the chain, or else the customer with the wanted name.
    pub customer: Option<VersionedCustomer>,
    /// The chain, if it is known, under the id it was first stored with.
    pub chain: Option<KnownChain>,
    /// The customer's other purchases that can give access, of the same environment.
    pub others: Vec<OtherChain>,
}

/// A chain that is known, under its key.
#[derive(Debug, Clone)]
pub struct KnownChain {
    /// Which.
    pub key: ChainKey,
    /// What is stored of it.
    pub stored: StoredChain,
}

/// Another purchase of the same customer.
#[derive(Debug, Clone)]
pub struct OtherChain {
    /// Which.
    pub key: ChainKey,
    /// How it stands.
    pub snapshot: Snapshot,
}

/// A customer with its optimistic lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedCustomer {
    /// The customer.
    pub customer: Customer,
    /// Raised by every commit.
    pub version: u64,
    /// Sequence number of its latest event; 0 without one.
    pub seq: u64,
}

/// Everything one message leads to.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The project.
    pub project: ProjectId,
    /// What leads to all this, as a message; `None` for a test, and for a look of the clock that changed nothing.
    pub inbox: Option<InboxMessage>,
    /// The customer as it is to be; `None` when the message concerns none.
    pub customer: Option<CustomerWrite>,
    /// What the customer takes over from another.
    pub handover: Option<Handover>,
    /// The chain as it is to be.
    pub chain: Option<ChainWrite>,
    /// Events, in order.
    pub events: Vec<NewEvent>,
    /// Their deliveries, in order.
    pub deliveries: Vec<NewDelivery>,
}

impl Commit {
    /// Nothing yet, for a project.
    pub const fn of(project: ProjectId) -> Self {
        Self {
            project,
            inbox: None,
            customer: None,
            handover: None,
            chain: None,
            events: Vec::new(),
            deliveries: Vec::new(),
        }
    }
}

/// A customer to write.
#[derive(Debug, Clone)]
pub struct CustomerWrite {
    /// As it is to be.
    pub customer: Customer,
    /// The version it was loaded with; `None` when it is new.
    pub loaded_version: Option<u64>,
    /// Sequence number of its latest event, after this commit.
    pub seq: u64,
}

/// A purchase that passes.
#[derive(Debug, Clone)]
pub struct PassingChain {
    /// Its app.
    pub app: AppId,
    /// Which.
    pub key: ChainKey,
}

/// Purchases, and perhaps names, that pass to the customer of a commit from another.
#[derive(Debug, Clone)]
pub struct Handover {
    /// The other as it is to be.
    pub from: CustomerWrite,
    /// Its purchases that pass.
    pub chains: Vec<PassingChain>,
    /// All its names pass too, and it is no customer of its own any more.
    pub absorbed: bool,
}

/// The state of a chain to write.
#[derive(Debug, Clone)]
pub struct ChainWrite {
    /// Its app.
    pub app: AppId,
    /// Its key.
    pub key: ChainKey,
    /// Other ids under which the store knows it.
    pub links: Vec<String>,
    /// All facts.
    pub facts: Facts,
    /// Ids of the transactions that differ from what is stored.
    pub changed: Vec<String>,
    /// Their snapshot.
    pub snapshot: Snapshot,
    /// When time alone may change it next.
    pub check_at: Option<Timestamp>,
}

/// An event to write.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The event.
    pub event: Event,
    /// Integrations it is not sent to, and why.
    pub not_sent: Vec<(IntegrationId, NotSent)>,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// Durable. These deliveries wait for no other and are leased as they were written.
    Done {
        /// Ids of the deliveries that may be sent now.
        ready: Vec<domain::DeliveryId>,
    },
    /// The message was known; nothing was written.
    Duplicate,
    /// The customer changed since it was loaded; nothing was written. Load again.
    Conflict,
}
