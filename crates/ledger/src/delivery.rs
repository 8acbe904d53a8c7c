//! A delivery before its first attempt, and the lane it goes through.

use domain::{CustomerId, DeliveryId, Environment, EventId, IntegrationId, Message, ProjectId};
use jiff::Timestamp;

/// A lane: what goes to one endpoint of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId {
    /// The integration.
    pub integration: IntegrationId,
    /// Which of its endpoints: where there is one for every environment, that of production.
    pub endpoint: Environment,
}

impl LaneId {
    /// Every lane that an integration can have.
    pub fn all(integration: IntegrationId) -> [Self; 2] {
        Environment::ALL.map(|endpoint| Self {
            integration,
            endpoint,
        })
    }
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
    /// To whom, and by which lane.
    pub lane: LaneId,
    /// About whom.
    pub customer: CustomerId,
    /// What is sent.
    pub message: Message,
    /// Accepted when.
    pub accepted_at: Timestamp,
    /// When it may be claimed: at once, or when the lease of the node that will send it runs out.
    pub due_at: Timestamp,
    /// Whether it waits for its turn in the customer's line.
    pub ordered: bool,
    /// The trace of what led to it, as W3C `traceparent`, where it is traced: each attempt belongs to it, however late.
    pub trace: Option<String>,
}
