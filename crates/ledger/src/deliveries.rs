//! Deliveries: leased, attempted, settled; and queued again.

use crate::{Integration, LaneId, Outcomes, Replay, ReplayStep, Result};
use async_trait::async_trait;
use domain::{
    CustomerId, DeliveryId, Event, Headers, IntegrationId, Message, NotSent, ProjectId, ReplayId,
    time::after,
};
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};

/// When a delivery is due that waits for its turn: after every clock.
pub const FAR: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// How long after the first attempt at a delivery the next of its customer goes all the same: nobody waits for ever behind one
/// that is never accepted.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// How long what was attempted with settings that are no longer in force waits for a node that has read the others.
pub const PUT_BACK: SignedDuration = SignedDuration::from_secs(1);

/// *Lease, send, settle*: `due_at` is schedule and lease in one column, so a crash needs no recovery code. Whoever finds a delivery due may
/// claim it by moving `due_at`; the number of its attempts is the fence.
///
/// *One after the other*: where order matters, the deliveries of one customer in one [lane](LaneId) make a line, in the order of their events.
/// All but the first of a line [wait](Turn::Waits), far ahead of every clock. Who is next is found when one is settled, or when patience
/// with the first ends; a claim takes nothing that is not its turn, whatever woke it.
#[async_trait]
pub trait Deliveries: Send + Sync + 'static {
    /// Leases deliveries that are due and whose turn it is, earliest first.
    async fn claim(&self, claim: Claim) -> Result<Vec<Lease>>;
    /// Makes deliveries due that rest and whose turn it is, those first that were due first: their endpoint is asked whether it is well, or is well
    /// again. Answers how many.
    async fn rouse(&self, rouse: Rouse) -> Result<u64>;
    /// Which of these lanes have deliveries due, in the order in which they were named.
    async fn lanes_due(&self, among: &[LaneId], now: Timestamp) -> Result<Vec<LaneId>>;
    /// Records an attempt, if the delivery is still at the attempt it was leased with, and if it failed with settings that are still in force
    /// ([`Settlement::next_upon`]). Once it is settled for good, answers with the one that is next in its line, leased until `lease_until`.
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled>;
    /// Gives leases back that nothing was attempted with: the deliveries are due at once, for whoever comes, and before what was
    /// accepted later. One that is no longer the caller's stays as it is. Answers how many were given back.
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64>;
    /// Makes failed deliveries pending again: one, or those of an integration that failed for one of `reasons`, each in its place.
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64>;
    /// Fails what waits for an integration that is gone: its commit was under way when that was removed. Answers how many.
    async fn fail_removed(&self, now: Timestamp) -> Result<u64>;
    /// The clock was set back by so much, to `now`: what is scheduled after now comes as much earlier, deliveries, parked messages and what the clock
    /// that was ahead may have planned of [looks at purchases](crate::Checks). Where several nodes find that, retries come too early rather than late.
    /// It is the [latest moment](crate::Upkeep::latest_time) from then on. Answers how much was moved.
    async fn set_back(&self, by: SignedDuration, now: Timestamp) -> Result<u64>;
    /// What waits, by integration.
    async fn backlog(&self) -> Result<Vec<Waiting>>;
    /// Adds what this node heard of endpoints, one entry for each, to what is known of them.
    async fn add_outcomes(&self, heard: Vec<(LaneId, Outcomes)>) -> Result<()>;
    /// What is known of every endpoint, whichever node heard it. What cannot be read is left out.
    async fn outcomes(&self) -> Result<Vec<(LaneId, Outcomes)>>;
    /// Begins a replay.
    /// Where one of the project was asked for as the same request, that one is answered, and nothing begins.
    async fn start_replay(&self, replay: Replay) -> Result<Replay>;
    /// Replays of a project, newest first, before one of them.
    async fn replays(
        &self,
        project: ProjectId,
        before: Option<ReplayId>,
        limit: usize,
    ) -> Result<Vec<Replay>>;
    /// One replay of a project.
    async fn replay(&self, project: ProjectId, id: ReplayId) -> Result<Option<Replay>>;
    /// Replays of every project that go on.
    async fn running_replays(&self) -> Result<Vec<Replay>>;
    /// Takes a step: queues its deliveries and notes how far that brings it, all or nothing. `false` when somebody else took
    /// one meanwhile, or cancelled it; nothing was queued then.
    async fn step_replay(&self, step: ReplayStep) -> Result<bool>;
    /// Stops a replay. `false` when it is not going on.
    async fn cancel_replay(&self, project: ProjectId, id: ReplayId, now: Timestamp)
    -> Result<bool>;
}

/// Which deliveries of a lane may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Any.
    Any,
    /// Of each customer's the first that is not settled, one at a time.
    Customer {
        /// One that was first tried before, and rests, is passed: patience with it is at an end.
        tried_before: Timestamp,
    },
}

/// Where a pending delivery stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Others go first.
    Waits,
    /// Leased until it is due, or due.
    Goes,
    /// Tried, and due again later.
    Rests,
}

impl Turn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waits, Self::Goes, Self::Rests];

    /// The number that stands for it in columns.
    pub const fn number(self) -> i16 {
        match self {
            Self::Waits => 0,
            Self::Goes => 1,
            Self::Rests => 2,
        }
    }
}

/// What to lease.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Of which lane.
    pub lane: LaneId,
    /// Due by then.
    pub now: Timestamp,
    /// Until when.
    pub lease_until: Timestamp,
    /// How many, at most.
    pub limit: usize,
    /// Whose turn it is.
    pub order: Order,
    /// Of anybody but this customer.
    pub except: Option<CustomerId>,
}

/// What to make due before its time.
#[derive(Debug, Clone, Copy)]
pub struct Rouse {
    /// Of which lane.
    pub lane: LaneId,
    /// What rests until later than that; it is due then.
    pub now: Timestamp,
    /// How many, at most.
    pub limit: usize,
    /// Whose turn it is.
    pub order: Order,
    /// Whose last attempt did not begin before.
    pub tried_from: Timestamp,
    /// Whose last attempt began before.
    pub tried_before: Timestamp,
    /// Of anybody but this customer.
    pub except: Option<CustomerId>,
}

/// Deliveries of an integration that are not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The integration.
    pub integration: IntegrationId,
    /// How many.
    pub count: u64,
    /// When the oldest of them was accepted, or resent by hand.
    pub oldest: Timestamp,
}

/// A delivery this node may send, once, before the lease runs out.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The delivery.
    pub id: DeliveryId,
    /// To whom, and by which lane.
    pub lane: LaneId,
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
    /// When the first of the attempts of this round began.
    pub tried_at: Option<Timestamp>,
}

impl Lease {
    /// The same delivery, leased once more, after an attempt that was no retry of its own ([`Next::Later`]).
    #[must_use]
    pub fn put_off(self) -> Self {
        Self {
            attempts: self.attempts + 1,
            ..self
        }
    }
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
    /// Headers of the answer that are kept.
    pub headers: Headers,
    /// The beginning of the answer, at most 4 KiB.
    pub response: Vec<u8>,
    /// What people read about a failure.
    pub detail: String,
    /// The request as shown: URL and headers without secrets, and the body.
    pub request: Option<SentRequest>,
    /// Whether what was sent names the customer. Of one who was forgotten meanwhile, only what happened is recorded then.
    pub names_customer: bool,
    /// What happens next.
    pub next: Next,
    /// What it was made with, where it failed for want of other settings.
    pub lacked: Option<MadeWith>,
    /// Which delivery may go once this one is settled.
    pub order: Order,
}

impl Settlement {
    /// What happened, without what was sent and answered.
    #[must_use]
    pub fn without_words(self) -> Self {
        Self {
            headers: Headers::default(),
            response: Vec::new(),
            detail: String::new(),
            request: None,
            ..self
        }
    }

    /// What happens next where its integration is `stored` like this by now: what failed for want of settings is due again soon where others are in
    /// force. Whoever saved them did not find it among what had failed.
    #[must_use]
    pub fn next_upon(&self, stored: Option<&Integration>) -> Next {
        match (&self.next, &self.lacked, stored) {
            (Next::Failed(reason), Some(lacked), Some(stored))
                if lacked.sealed_settings != stored.sealed_settings =>
            {
                Next::Later(*reason, after(self.at, PUT_BACK))
            }
            (next, ..) => next.clone(),
        }
    }
}

/// The settings that an attempt was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeWith {
    /// Of which integration.
    pub integration: IntegrationId,
    /// As they were stored.
    pub sealed_settings: Vec<u8>,
}

/// A request as people may see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "StoredRequest")]
pub struct SentRequest {
    /// What was done with it: a method of HTTP, or `PUB`, where it was published.
    pub method: String,
    /// URL, masked where it is a secret.
    pub url: String,
    /// Headers, masked where they are secrets.
    pub headers: Headers,
    /// Body as sent, masked where it holds secrets.
    pub body: String,
    /// What else was sent in the same attempt, before it or with it, in words; absent where there was nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub also: String,
}

/// The same as it is stored. Earlier releases knew of one method for each way to send.
#[derive(serde::Deserialize)]
struct StoredRequest {
    method: Option<String>,
    url: String,
    headers: Headers,
    body: String,
    #[serde(default)]
    also: String,
}

impl From<StoredRequest> for SentRequest {
    fn from(stored: StoredRequest) -> Self {
        let usual = if stored.url.starts_with("http") {
            "POST"
        } else {
            "PUB"
        };
        Self {
            method: stored.method.unwrap_or_else(|| usual.to_owned()),
            url: stored.url,
            headers: stored.headers,
            body: stored.body,
            also: stored.also,
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
    /// Tried before its time: it rests on until then, and that was no retry of its own.
    Rest(NotSent, Timestamp),
    /// Its endpoint takes nothing from anybody now: it stays the first to go, from then on, and is no retry of its own.
    Later(NotSent, Timestamp),
}

impl Next {
    /// Why it was not accepted, if it was not.
    pub const fn reason(&self) -> Option<NotSent> {
        match self {
            Self::Delivered => None,
            Self::Failed(reason)
            | Self::Retry(reason, _)
            | Self::Rest(reason, _)
            | Self::Later(reason, _) => Some(*reason),
        }
    }

    /// Whether the attempt counts as one of its round.
    pub const fn counts(&self) -> bool {
        match self {
            Self::Delivered | Self::Failed(_) | Self::Retry(..) => true,
            Self::Rest(..) | Self::Later(..) => false,
        }
    }
}

/// What a settlement led to.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Whether it was recorded; `false` when another node had settled that attempt.
    pub recorded: bool,
    /// What is next in its line, now leased.
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
    Failed {
        /// The integration.
        integration: IntegrationId,
        /// The reasons.
        reasons: Vec<NotSent>,
        /// Whether they wait for their turn in their customers' lines.
        ordered: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_an_earlier_release_has_the_method_that_it_had() {
        for (url, method) in [
            ("https://a.example/in", "POST"),
            ("nats://a/subject", "PUB"),
        ] {
            let stored = format!(r#"{{"url":"{url}","headers":[["a","b"]],"body":"{{}}"}}"#);
            let read: SentRequest = serde_json::from_str(&stored).unwrap();
            assert_eq!((read.method.as_str(), read.url.as_str()), (method, url));
            let put = SentRequest {
                method: "PUT".into(),
                ..read
            };
            let again = serde_json::to_string(&put).unwrap();
            assert_eq!(serde_json::from_str::<SentRequest>(&again).unwrap(), put);
        }
    }
}
