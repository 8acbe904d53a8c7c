//! What people and programs read.

use crate::{CustomerRecord, Result, SentRequest};
use async_trait::async_trait;
use domain::{
    AppId, CustomerId, DeliveryId, Environment, Event, EventId, EventKind, Headers, IntegrationId,
    Message, NotSent, ProjectId, customer::Customer,
};
use jiff::Timestamp;
use serde::Serialize;

/// Events with their deliveries, customers with their purchases, and what they add up to.
#[async_trait]
pub trait Feed: Send + Sync + 'static {
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
    ) -> Result<Vec<Customer>>;
    /// One customer with its purchases, by id or by any of the app's names for it.
    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>>;
    /// What was told in each hour since `since`, oldest first.
    async fn tallies(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Tally>>;
    /// How many subscriptions give access at `now`. Looks at every purchase: for pages that remember the answer.
    async fn running(&self, project: ProjectId, now: Timestamp) -> Result<Vec<Running>>;
}

/// Which way to read, and from where. Cursors are positions in commit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest events before a position (or the newest of all), newest first.
    Before(Option<u64>, usize),
    /// The events after a position, oldest first.
    After(u64, usize),
}

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this project; `None` of all.
    pub project: Option<ProjectId>,
    /// Of these kinds; empty for all.
    pub kinds: Vec<EventKind>,
    /// Of this customer.
    pub customer: Option<CustomerId>,
    /// Of one of these apps; `None` of all.
    pub apps: Option<Vec<AppId>>,
    /// Of this environment.
    pub environment: Option<Environment>,
    /// Recorded at or after.
    pub since: Option<Timestamp>,
    /// Recorded before.
    pub until: Option<Timestamp>,
    /// Whose delivery to this integration is in this state.
    pub delivery: Option<(Option<IntegrationId>, DeliveryState)>,
}

/// An event in the feed.
#[derive(Debug, Clone)]
pub struct FeedRow {
    /// Its position in commit order: the cursor.
    pub position: u64,
    /// The event.
    pub event: Event,
    /// How it stands with each integration of the project.
    pub integrations: Vec<(IntegrationId, IntegrationState)>,
}

impl FeedRow {
    /// An event with its deliveries, and with those it was not sent to. A replay may have sent since what was not meant to be sent at first:
    /// then there is a delivery, and only that is told.
    pub fn new(
        position: u64,
        event: Event,
        deliveries: Vec<(IntegrationId, IntegrationState)>,
        not_sent: Vec<(IntegrationId, NotSent)>,
    ) -> Self {
        let mut integrations = deliveries;
        let sent: Vec<IntegrationId> = integrations.iter().map(|(id, _)| *id).collect();
        integrations.extend(
            not_sent
                .into_iter()
                .filter(|(id, _)| !sent.contains(id))
                .map(|(id, reason)| (id, IntegrationState::NotSent(reason))),
        );
        Self {
            position,
            event,
            integrations,
        }
    }
}

/// How one event stands with one integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntegrationState {
    /// Never meant to be sent, and why.
    NotSent(NotSent),
    /// A delivery.
    Delivery {
        /// Its id.
        id: DeliveryId,
        /// Where it is.
        state: DeliveryState,
        /// Why it failed or is being retried.
        reason: Option<NotSent>,
        /// What people read about it.
        detail: String,
        /// Attempts made.
        attempts: u32,
        /// When it is due, while pending.
        due_at: Timestamp,
        /// An earlier delivery of the same customer has to be settled first.
        waits: bool,
    },
}

/// Where a delivery is.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Scheduled.
    Pending,
    /// Accepted by the destination.
    Delivered,
    /// Given up, with a reason.
    Failed,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The number that stands for it in columns.
    pub const fn number(self) -> i16 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Failed => 2,
        }
    }
    /// The id used in SQL and the API.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
    /// Parses [`DeliveryState::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.id() == id)
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this project; `None` of all.
    pub project: Option<ProjectId>,
    /// Of this integration.
    pub integration: Option<IntegrationId>,
    /// In this state.
    pub state: Option<DeliveryState>,
}

/// A delivery as people read it.
#[derive(Debug, Clone)]
pub struct DeliveryRecord {
    /// Its id.
    pub id: DeliveryId,
    /// The event.
    pub event: EventId,
    /// Its kind.
    pub kind: EventKind,
    /// About whom.
    pub customer: CustomerId,
    /// To whom.
    pub integration: IntegrationId,
    /// What is sent.
    pub message: Message,
    /// Where it is.
    pub state: DeliveryState,
    /// Why it failed or is being retried.
    pub reason: Option<NotSent>,
    /// Attempts made.
    pub attempts: u32,
    /// When it was accepted, or resent by hand.
    pub accepted_at: Timestamp,
    /// When it is due, while pending.
    pub due_at: Timestamp,
    /// An earlier delivery of the same customer has to be settled first.
    pub waits: bool,
    /// The request last sent.
    pub request: Option<SentRequest>,
    /// The last attempt.
    pub last: Option<AttemptRecord>,
}

/// An attempt as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Status code, if there was an answer.
    pub status: Option<u16>,
    /// Headers of the answer that are kept.
    pub headers: Headers,
    /// The beginning of the answer.
    pub response: String,
    /// Why it failed.
    pub reason: Option<NotSent>,
    /// What people read about it.
    pub detail: String,
}

/// What was told in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Its beginning.
    pub hour: Timestamp,
    /// Where.
    pub environment: Environment,
    /// Of what kind.
    pub kind: EventKind,
    /// How often.
    pub count: u64,
    /// Money that came in less money that went back, in millionths of a US dollar, as far as known.
    pub usd_micros: i64,
}

/// How many subscriptions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Where.
    pub environment: Environment,
    /// Free, and paid for.
    pub trials: u64,
    /// Paid for.
    pub paid: u64,
}
