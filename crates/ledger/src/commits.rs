//! What intake loads and commits.

use crate::deliveries::NewDelivery;
use domain::{
    AppId, ChainKey, CustomerId, Event, Facts, InboxId, IntegrationId, NotSent, ProjectId,
    Snapshot, customer::Customer,
};
use jiff::Timestamp;

/// A raw message from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Its id, derived from source and key.
    pub id: InboxId,
    /// The project it was sent to.
    pub project: ProjectId,
    /// The app it was sent to.
    pub app: AppId,
    /// Where it came from, for example `app_store`.
    pub source: String,
    /// The source's own id of it; told twice, it is one message.
    pub key: String,
    /// What the source calls it, for people: `DID_RENEW / BILLING_RECOVERY`.
    pub title: String,
    /// The bytes as they came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

/// A raw message and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRecord {
    /// The message.
    pub message: InboxMessage,
    /// Why it is parked; `None` when it was processed.
    pub parked: Option<String>,
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
    pub chain: Option<(ChainKey, StoredChain)>,
    /// The customer's other purchases that can give access, of the same environment.
    pub others: Vec<(ChainKey, Snapshot)>,
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

/// A chain as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChain {
    /// All facts.
    pub facts: Facts,
    /// Their snapshot when last derived.
    pub snapshot: Snapshot,
    /// Customers it belonged to before: what was told of it was told to them.
    pub formers: Vec<CustomerId>,
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

/// Everything one message leads to.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The project.
    pub project: ProjectId,
    /// The message; `None` when time passing was the cause.
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

/// Purchases, and perhaps names, that pass to the customer of a commit from another.
#[derive(Debug, Clone)]
pub struct Handover {
    /// The other as it is to be.
    pub from: CustomerWrite,
    /// Its purchases that pass.
    pub chains: Vec<(AppId, ChainKey)>,
    /// All its names pass too, and it is no customer of its own any more.
    pub absorbed: bool,
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

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The message.
    pub message: InboxMessage,
    /// Why.
    pub reason: String,
    /// How often it was tried in vain.
    pub tries: u32,
    /// When it is tried again.
    pub retry_at: Timestamp,
}

/// How many messages of an app wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedCount {
    /// The app they were sent to.
    pub app: AppId,
    /// How many.
    pub count: u64,
}

/// How long a message waits for the first answer of its store before anybody else takes it up.
pub const FIRST_ANSWER: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

impl Parked {
    /// Whether its store is being asked for the first time right now: nothing is wrong with it yet.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        let given = self.message.received_at.duration_until(self.retry_at);
        self.tries == 0 && now < self.retry_at && given <= FIRST_ANSWER
    }
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

/// A chain that time alone may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    /// Its project.
    pub project: ProjectId,
    /// Its app.
    pub app: AppId,
    /// Its key.
    pub chain: ChainKey,
    /// Its customer.
    pub customer: CustomerId,
    /// When it was due.
    pub check_at: Timestamp,
}
