//! Raw messages: kept as they came, and what became of each.

use crate::{Origin, Result};
use async_trait::async_trait;
use domain::{AppId, InboxId, ProjectId};
use jiff::{SignedDuration, Timestamp};

/// Messages from outside. One that cannot be understood yet is parked with a reason, and comes up again.
#[async_trait]
pub trait Inbox: Send + Sync + 'static {
    /// Keeps a message that cannot be understood yet. Durable. `false` when it was known already.
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool>;
    /// Parked messages of any but these apps that are due for another try, oldest first.
    async fn due_parked(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<Parked>>;
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
    /// How many receipts of an app are parked and tried again before a moment. Does not read them, and counts no further than `most`.
    async fn count_waiting_receipts(&self, app: AppId, before: Timestamp, most: u64)
    -> Result<u64>;
    /// Makes parked messages of a project, or of one of its apps, due now: one, or all. Answers how many.
    async fn unpark(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        id: Option<InboxId>,
        now: Timestamp,
    ) -> Result<u64>;
    /// Messages of a project in the order they were processed, after position `after`.
    async fn archive(&self, project: ProjectId, after: u64, limit: usize) -> Result<Vec<Archived>>;
    /// The same the other way round: what was processed last first, before position `before`.
    async fn processed(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Archived>>;
    /// Whether a message was processed before, for duplicate suppression before any work is done. One that is parked was not.
    async fn seen(&self, id: InboxId) -> Result<bool>;
    /// One raw message.
    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>>;
}

/// A raw message from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Its id, derived from origin and key.
    pub id: InboxId,
    /// The project it was sent to.
    pub project: ProjectId,
    /// The app it was sent to.
    pub app: AppId,
    /// Where it came from.
    pub origin: Origin,
    /// The id that its origin has for it; told twice, it is one message.
    pub key: String,
    /// What its origin calls it, for people: `DID_RENEW / BILLING_RECOVERY`.
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

/// A message that was processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Where it stands in the order in which messages were processed.
    pub position: u64,
    /// The message.
    pub message: InboxMessage,
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

/// How long a message waits for the first answer of its store before anybody else takes it up.
pub const FIRST_ANSWER: SignedDuration = SignedDuration::from_secs(60);

impl Parked {
    /// Whether its store is being asked for the first time right now: nothing is wrong with it yet.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        let given = self.message.received_at.duration_until(self.retry_at);
        self.tries == 0 && now < self.retry_at && given <= FIRST_ANSWER
    }
}

/// How many messages of an app wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedCount {
    /// The app they were sent to.
    pub app: AppId,
    /// How many.
    pub count: u64,
}
