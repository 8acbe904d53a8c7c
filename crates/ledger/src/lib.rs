//! What must not be lost.
//!
//! **Motivation.** A store is told 200 only when its message is durable, and an event, its deliveries and the state they
//! come from are one commit. Everything else in Tidings can be lost and worked out again.
//!
//! **How it works.** Intake is *load, compute, commit*: [`Ledger::load`] reads a customer's rows with a version,
//! [`Ledger::commit`] writes only if that version still stands. Dispatch is *lease, send, settle*: `due_at` is schedule and
//! lease in one column, so a crash needs no recovery code: a lease simply runs out. Backends gather concurrent writes into
//! one transaction and answer each caller when it is durable.
//!
//! **What it does not do.** No decisions: what an event is, whether it is sent, when it is retried come from `domain`,
//! `destinations` and `engine`.
//!
//! **Before changing it.** Add to the contract suite first; a test that only one backend passes is a bug report.
#![warn(missing_docs)]

mod accounts;
pub mod codec;
mod commits;
#[cfg(feature = "contract")]
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::too_many_lines,
    reason = "a suite of tests: a panic is how it reports"
)]
pub mod contract;
pub mod copy;
mod deliveries;
mod feed;
mod replays;
mod settings;

pub use accounts::{AuditEntry, Invitation, Role, Session, User};
pub use commits::*;
pub use deliveries::*;
pub use feed::*;
pub use replays::*;
pub use settings::*;

use async_trait::async_trait;
use domain::rates::Rate;
use domain::{
    AppId, CustomerId, DeliveryId, EventId, InboxId, IntegrationId, NotSent, ProjectId, ReplayId,
    UserId,
};
use jiff::{SignedDuration, Timestamp};
use std::num::NonZeroU32;
use tokio::sync::watch;
use uuid::Uuid;

/// Why the ledger could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The store is busy, full or gone; trying again later may help.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
    /// A stored row cannot be read.
    #[error("{table} {id} cannot be read: {problem}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that must be unique exists already, or something referred to does not exist.
    #[error("{0}")]
    Refused(String),
}

impl LedgerError {
    /// Whether trying again later may help.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Corrupt { .. } | Self::Refused(_) => false,
        }
    }
}

/// Result of a ledger operation.
pub type Result<T, E = LedgerError> = std::result::Result<T, E>;

/// Durable storage.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// What is known about a chain and its customer, with the version to commit against.
    async fn load(&self, wanted: &Wanted) -> Result<Loaded>;
    /// Which of `keys` any of the customers already has events for.
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>>;
    /// Writes a message, the state it led to, its events and their deliveries, all or nothing, durably.
    async fn commit(&self, commit: Commit) -> Result<Committed>;
    /// Keeps a message that cannot be understood yet. Durable. `false` when it was known already.
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool>;
    /// Parked messages due for another try, oldest first.
    async fn due_parked(&self, now: Timestamp, limit: usize) -> Result<Vec<Parked>>;
    /// Parked messages of a project, or of one of its apps, the one that came last first, before one of them. Before an id that no
    /// message of the project has there is none.
    async fn parked(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        before: Option<InboxId>,
        limit: usize,
    ) -> Result<Vec<Parked>>;
    /// How many messages of a project are parked, by app, beside those that are under way ([`Parked::is_under_way`]). Does not read
    /// them.
    async fn count_parked(&self, project: ProjectId, now: Timestamp) -> Result<Vec<ParkedCount>>;
    /// Makes parked messages of a project due now: one, or all. Answers how many.
    async fn unpark(&self, project: ProjectId, id: Option<InboxId>, now: Timestamp) -> Result<u64>;
    /// Messages of a project in the order they were processed, each with its position, after position `after`.
    async fn archive(
        &self,
        project: ProjectId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, InboxMessage)>>;
    /// Whether a message was processed before, for duplicate suppression before any work is done.
    async fn seen(&self, id: InboxId) -> Result<bool>;
    /// One raw message.
    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>>;
    /// Chains that time alone may have changed, earliest first.
    async fn due_checks(&self, now: Timestamp, limit: usize) -> Result<Vec<DueCheck>>;
    /// Looks at a chain again at `at` instead, unless it was written meanwhile.
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()>;

    /// Leases up to `limit` due deliveries of one integration until `lease_until`, earliest first.
    async fn claim(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Lease>>;
    /// Which of these integrations have deliveries due, in the order in which they were named.
    async fn integrations_due(
        &self,
        among: &[IntegrationId],
        now: Timestamp,
    ) -> Result<Vec<IntegrationId>>;
    /// Records an attempt, if the delivery is still at the attempt it was leased with. Answers with the deliveries that
    /// waited for this one, leased until `lease_until`.
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled>;
    /// Gives leases back that nothing was attempted with: the deliveries are due at once, for whoever comes. Answers how many.
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64>;
    /// Makes failed deliveries pending again: one, or those of an integration that failed for one of `reasons`.
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64>;
    /// Adds a test event and its deliveries, outside any purchase.
    async fn commit_test(&self, event: NewEvent, deliveries: Vec<NewDelivery>)
    -> Result<Committed>;
    /// Begins a replay.
    async fn start_replay(&self, replay: Replay) -> Result<()>;
    /// Replays of a project, newest first.
    async fn replays(&self, project: ProjectId, limit: usize) -> Result<Vec<Replay>>;
    /// Replays of every project that go on.
    async fn running_replays(&self) -> Result<Vec<Replay>>;
    /// Takes a step: queues its deliveries and notes how far that brings it, all or nothing. `false` when somebody else took
    /// one meanwhile, or cancelled it; nothing was queued then.
    async fn step_replay(&self, step: ReplayStep) -> Result<bool>;
    /// Stops a replay. `false` when it is not going on.
    async fn cancel_replay(&self, project: ProjectId, id: ReplayId, now: Timestamp)
    -> Result<bool>;
    /// Deliveries not yet settled, by integration.
    async fn backlog(&self) -> Result<Vec<(IntegrationId, u64)>>;

    /// Events in commit order; every event is seen exactly once by a reader that follows the cursor.
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<FeedRow>>;
    /// One event with the state of every integration.
    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<FeedRow>>;
    /// Deliveries, newest first.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>>;
    /// One delivery.
    async fn delivery(&self, project: ProjectId, id: DeliveryId) -> Result<Option<DeliveryRecord>>;
    /// Its attempts, first to last.
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptRecord>>;
    /// Customers, newest first.
    async fn customers(
        &self,
        project: ProjectId,
        before: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<domain::customer::Customer>>;
    /// Removes everything personal about a customer: names, attributes, and what events, requests and messages repeat of
    /// them. Facts stay, under a name that says nothing. `false` when it changed since it was loaded.
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool>;
    /// One customer with its purchases, by id or by any of the app's names for it.
    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>>;

    /// What was told in each hour since `since`, oldest first.
    async fn tallies(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Tally>>;
    /// How many subscriptions give access at `now`. Looks at every purchase: for pages that remember the answer.
    async fn running(&self, project: ProjectId, now: Timestamp) -> Result<Vec<Running>>;

    /// How far something periodic has come for an app.
    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>>;
    /// Remembers how far it has come.
    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()>;
    /// Every exchange rate known.
    async fn rates(&self) -> Result<Vec<Rate>>;
    /// Adds exchange rates, replacing those of the same day and currency.
    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()>;

    /// All configuration, with its revision.
    async fn configuration(&self) -> Result<Configuration>;
    /// The revision of the configuration; cheap.
    async fn configuration_revision(&self) -> Result<u64>;
    /// Applies changes together, if the configuration is still at `revision`; `false` when it moved.
    async fn configure(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool>;

    /// Writes down something that was done beside configuring: who, what and to what.
    async fn note(
        &self,
        project: ProjectId,
        who: &str,
        what: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<()>;
    /// What was done in a project, and in all of them, newest first, before a position.
    async fn audit(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>>;
    /// Keeps a session; forgets those that have ended.
    async fn open_session(&self, session: Session) -> Result<()>;
    /// A session that has not ended.
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>>;
    /// A user's sessions that have not ended, the newest first.
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>>;
    /// Ends one session, and all of a user.
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()>;

    /// Completes what a node left half done when it died, where that is possible at all; answers how many rows it mended.
    async fn mend(&self, _now: Timestamp) -> Result<u64> {
        Ok(0)
    }
    /// Makes room for what is written from `now` on, where storage is divided by time. Often is not too often.
    async fn make_room(&self, _now: Timestamp) -> Result<()> {
        Ok(())
    }
    /// Counts up when another node has written something. `None` where there are no other nodes; without news one has to look.
    fn news(&self) -> Option<watch::Receiver<u64>> {
        None
    }
    /// Takes or keeps for a while the right to do what is to be done once, by the clock of the storage. `false` while another
    /// holder's has not run out. It only spares work: whatever is done under it may also be done twice.
    async fn hold(&self, _name: &str, _holder: Uuid, _lasts: SignedDuration) -> Result<bool> {
        Ok(true)
    }
    /// Says that a node is there, for a while, by the clock of the storage; answers how many are, itself included.
    async fn attend(&self, _node: Uuid, _lasts: SignedDuration) -> Result<NonZeroU32> {
        Ok(NonZeroU32::MIN)
    }
    /// Says that a node is leaving: others need not wait for [`Ledger::attend`] to run out.
    async fn leave(&self, _node: Uuid) -> Result<()> {
        Ok(())
    }
    /// Deletes what retention no longer keeps, in small steps; answers how many rows went.
    async fn retain(&self, attempts_before: Timestamp, limit: usize) -> Result<u64>;
    /// What is wrong with what is stored; empty when it is sound. May read everything.
    async fn inspect(&self) -> Result<Vec<String>>;
    /// Whether it can be read and written.
    async fn check(&self) -> Result<()>;
}

/// Which failed deliveries to try again.
#[derive(Debug, Clone)]
pub enum Requeue {
    /// One, whatever its state.
    One(ProjectId, DeliveryId),
    /// Those of an integration that failed for one of these reasons.
    Failed(IntegrationId, Vec<NotSent>),
}
