//! Replays: past events sent to one integration again, or for the first time.

use crate::NewDelivery;
use domain::{
    CustomerId, DeliveryId, Environment, EventKind, IntegrationId, NotSent, ProjectId, ReplayId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which events a replay takes, by how they stand with the integration. Those on their way are never taken.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ReplayStanding))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOf {
    /// Given up.
    Failed,
    /// Accepted by the destination.
    Delivered,
    /// No delivery was ever made: the kind was switched off, or the integration was not there yet.
    NeverSent,
}

impl ReplayOf {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Failed, Self::NeverSent, Self::Delivered];

    /// The id used in the API and on pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::NeverSent => "never_sent",
        }
    }

    /// Parses [`ReplayOf::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.id() == id)
    }
}

/// What a replay sends.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayWhat {
    /// Past events.
    #[default]
    Events,
    /// How every customer stands now.
    States,
}

impl ReplayWhat {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Events, Self::States];

    /// The id used in the API and on pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::States => "states",
        }
    }

    /// Parses [`ReplayWhat::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.id() == id)
    }
}

/// Which events a replay takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What it sends. Of states, only `environment` and `customer` choose.
    #[serde(default)]
    pub what: ReplayWhat,
    /// Recorded at or after.
    pub since: Timestamp,
    /// Recorded before.
    pub until: Timestamp,
    /// Of these kinds; empty for all.
    pub kinds: Vec<EventKind>,
    /// Of this environment.
    pub environment: Option<Environment>,
    /// Of this customer.
    pub customer: Option<CustomerId>,
    /// That stand like this with the integration.
    pub standings: Vec<ReplayOf>,
    /// Of those that failed, or were never sent, for one of these reasons; empty for all.
    #[serde(default)]
    pub reasons: Vec<NotSent>,
}

/// Whether a replay goes on.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// It goes on.
    Running,
    /// It has looked at every event it was to look at.
    Done,
    /// Somebody stopped it, or its integration was removed. What it had queued is sent.
    Cancelled,
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whether it goes on.
    pub state: ReplayState,
    /// Position of the last event it looked at; of states, the number of customers.
    pub after: u64,
    /// Of states, the last customer it looked at: the newest are looked at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Deliveries sent again.
    pub again: u64,
    /// Deliveries made for the first time.
    pub new: u64,
    /// Events, or customers, that present settings do not send.
    pub refused: u64,
    /// When it took its last step, and so when it ended.
    pub at: Timestamp,
}

/// Past events sent to one integration again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// The project.
    pub project: ProjectId,
    /// To whom.
    pub integration: IntegrationId,
    /// Which events.
    pub choice: Choice,
    /// Deliveries queued in a second, at most.
    pub per_second: u32,
    /// Who asked for it.
    pub by: String,
    /// By what the request is known when it is made again; `None` where whoever asked named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_as: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Position before the first event it looks at.
    pub first: u64,
    /// Position of the last event it looks at.
    pub last: u64,
    /// How far it has come.
    pub progress: Progress,
}

/// One step of a replay: what it queues, and how far that brings it.
#[derive(Debug, Clone)]
pub struct ReplayStep {
    /// The replay, as it was read: a step against another progress writes nothing.
    pub replay: Replay,
    /// How far it comes.
    pub progress: Progress,
    /// Deliveries to send again, in the order of their events.
    pub again: Vec<DeliveryId>,
    /// Deliveries to make, in the order of their events. One that exists already stays as it is.
    pub new: Vec<NewDelivery>,
    /// Whether deliveries wait for their turn in their customers' lines.
    pub ordered: bool,
}
