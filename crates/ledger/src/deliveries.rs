//! Deliveries: leased, attempted, settled; and queued again.

use crate::{Replay, ReplayStep, Result};
use async_trait::async_trait;
use domain::{
    CustomerId, DeliveryId, Event, EventId, IntegrationId, Message, NotSent, ProjectId, ReplayId,
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};

/// *Lease, send, settle*: `due_at` is schedule and lease in one column, so a crash needs no recovery code. Whoever finds a delivery due may
/// claim it by moving `due_at`; the number of its attempts is the fence.
#[async_trait]
pub trait Deliveries: Send + Sync + 'static {
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
    /// Gives leases back that nothing was attempted with: the deliveries are due at once, for whoever comes. One that is no
    /// longer the caller's stays as it is. Answers how many were given back.
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64>;
    /// Makes failed deliveries pending again: one, or those of an integration that failed for one of `reasons`.
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64>;
    /// Deliveries not yet settled, by integration.
    async fn backlog(&self) -> Result<Vec<(IntegrationId, u64)>>;
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
}

/// A delivery to write.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id, derived from event, integration and message.
    pub id: DeliveryId,
    /// The project.
    pub project: ProjectId,
    /// The event it carries.
    pub event: EventId,
    /// To whom.
    pub integration: IntegrationId,
    /// About whom.
    pub customer: CustomerId,
    /// What is sent.
    pub message: Message,
    /// Accepted when; retries are counted from here.
    pub accepted_at: Timestamp,
    /// When it may be claimed: at once, or when the lease of the node that will send it runs out.
    pub due_at: Timestamp,
    /// When it goes although an earlier one of the same customer and integration is unsettled; `None` without order.
    pub waits_until: Option<Timestamp>,
    /// The trace of what led to it, as W3C `traceparent`, where it is traced: each attempt belongs to it, however late.
    pub trace: Option<String>,
}

/// A delivery this node may send, once, before the lease runs out.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The delivery.
    pub id: DeliveryId,
    /// To whom.
    pub integration: IntegrationId,
    /// What is sent.
    pub message: Message,
    /// The event.
    pub event: Arc<Event>,
    /// The trace of what led to it, as W3C `traceparent`.
    pub trace: Option<String>,
    /// Attempts made before this one; also the fence.
    pub attempts: u32,
    /// Of these, attempts since it was last accepted or resent by hand.
    pub round: u32,
    /// When it was accepted, or resent by hand.
    pub accepted_at: Timestamp,
}

/// The record of an attempt.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// About whom it is: with the delivery, its key.
    pub customer: CustomerId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Attempts made before this one, as leased.
    pub attempts: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Status code, if there was an answer.
    pub status: Option<u16>,
    /// The beginning of the answer, at most 4 KiB.
    pub response: Vec<u8>,
    /// What people read about a failure.
    pub detail: String,
    /// The request as shown: URL and headers without secrets, and the body.
    pub request: Option<SentRequest>,
    /// What happens next.
    pub next: Next,
}

/// A request as people may see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SentRequest {
    /// URL, masked where it is a secret.
    pub url: String,
    /// Headers, masked where they are secrets.
    pub headers: Vec<(String, String)>,
    /// Body as sent.
    pub body: String,
}

impl SentRequest {
    /// What was done with it, for people: posted over HTTP, or published.
    pub fn verb(&self) -> &'static str {
        if self.url.starts_with("http") {
            "POST"
        } else {
            "PUB"
        }
    }
}

/// What happens to a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Delivered,
    /// Failed for good.
    Failed(NotSent),
    /// Try again then.
    Retry(NotSent, Timestamp),
}

/// What a settlement led to.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Whether it was recorded; `false` when another node had settled that attempt.
    pub recorded: bool,
    /// Deliveries that waited for this one, now leased.
    pub released: Vec<Lease>,
}

/// A lease that is given back unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// About whom the delivery is.
    pub customer: CustomerId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Attempts made before this lease; with its end, the fence.
    pub attempts: u32,
    /// When the lease ends: a delivery that was leased to somebody else since is theirs.
    pub until: Timestamp,
}

/// Which failed deliveries to try again.
#[derive(Debug, Clone)]
pub enum Requeue {
    /// One, whatever its state.
    One(ProjectId, DeliveryId),
    /// Those of an integration that failed for one of these reasons.
    Failed(IntegrationId, Vec<NotSent>),
}
