//! What a ledger holds of a customer, row by row.

use crate::{DeliveryState, LaneId, Turn};
use domain::{
    AppId, CustomerId, DeliveryId, Environment, Event, EventId, EventKind, InboxId, NotSent,
    ProjectId, customer::Customer,
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What is held of a customer, as of one moment.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The customer.
    pub customer: Customer,
    /// Its project.
    pub project: ProjectId,
    /// The number of its last event.
    pub seq: u64,
    /// The customer it was merged into.
    pub merged_into: Option<CustomerId>,
    /// Names that lead to it.
    pub names: BTreeSet<String>,
    /// Its events, in whatever order.
    pub events: Vec<HeldEvent>,
    /// Those of the messages that led to them that are kept.
    pub causes: BTreeSet<InboxId>,
    /// Deliveries of its events, or under its name.
    pub deliveries: Vec<HeldDelivery>,
    /// Attempts at them that are kept.
    pub attempts: Vec<HeldAttempt>,
    /// Its purchases.
    pub purchases: Vec<HeldPurchase>,
    /// Its transactions.
    pub transactions: Vec<HeldTransaction>,
}

/// An event, and what its row says of it.
#[derive(Debug, Clone)]
pub struct HeldEvent {
    /// Its id.
    pub id: EventId,
    /// Its project.
    pub project: ProjectId,
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: EventKind,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its places in the feed.
    pub places: Vec<Place>,
    /// What was told.
    pub event: Event,
}

/// Where an event stands in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// There.
    At(u64),
    /// It is committed, and gets its place when somebody reads.
    Next,
}

/// A delivery.
#[derive(Debug, Clone)]
pub struct HeldDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its project.
    pub project: ProjectId,
    /// Under whose name it stands.
    pub customer: CustomerId,
    /// What it carries.
    pub event: EventId,
    /// Where it goes.
    pub lane: LaneId,
    /// Among deliveries of one event, the order in which they were made.
    pub position: u64,
    /// Where it is.
    pub state: DeliveryState,
    /// Where it stands in its line.
    pub turn: Turn,
    /// Attempts made.
    pub attempts: u32,
    /// Of these, since it was accepted or resent by hand.
    pub round: u32,
    /// When it is due, or until when it is leased.
    pub due_at: Timestamp,
    /// When the first of this round began.
    pub tried_at: Option<Timestamp>,
    /// Why it failed or is tried again.
    pub reason: Option<NotSent>,
}

/// An attempt.
#[derive(Debug, Clone, Copy)]
pub struct HeldAttempt {
    /// At which delivery.
    pub delivery: DeliveryId,
    /// The how manieth, from 1.
    pub number: u32,
    /// Why it was not accepted.
    pub reason: Option<NotSent>,
}

/// A purchase by the id it is stored under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldChain {
    /// The app.
    pub app: AppId,
    /// The environment.
    pub environment: Environment,
    /// The store's id.
    pub id: String,
}

/// A purchase.
#[derive(Debug, Clone)]
pub struct HeldPurchase {
    /// Which.
    pub chain: HeldChain,
    /// Its project.
    pub project: ProjectId,
    /// To whom the store's ids of it lead, one for each id.
    pub leads_to: Vec<CustomerId>,
}

/// A transaction.
#[derive(Debug, Clone)]
pub struct HeldTransaction {
    /// Of which purchase.
    pub chain: HeldChain,
    /// The store's id.
    pub id: String,
}
