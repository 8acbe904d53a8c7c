//! How things look in the API. Shapes here are promises to callers.

use domain::{CustomerId, DeliveryId, EventId, EventKind, IntegrationId, Message, NotSent};
use ledger::{AttemptRecord, DeliveryRecord, DeliveryState, SentRequest};
use serde::Serialize;
use utoipa::ToSchema;

/// A delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    pub(crate) id: DeliveryId,
    pub(crate) event: EventId,
    pub(crate) kind: EventKind,
    pub(crate) customer: CustomerId,
    pub(crate) integration: IntegrationId,
    pub(crate) message: Message,
    pub(crate) state: DeliveryState,
    pub(crate) reason: Option<NotSent>,
    pub(crate) reason_text: Option<&'static str>,
    pub(crate) attempts: u32,
    pub(crate) accepted_at: jiff::Timestamp,
    /// When it is tried next; `null` once settled.
    pub(crate) due_at: Option<jiff::Timestamp>,
    pub(crate) request: Option<SentRequest>,
    pub(crate) last_attempt: Option<AttemptRecord>,
}

pub(crate) fn delivery(record: DeliveryRecord) -> DeliveryView {
    DeliveryView {
        id: record.id,
        event: record.event,
        kind: record.kind,
        customer: record.customer,
        integration: record.integration,
        message: record.message,
        state: record.state,
        reason: record.reason,
        reason_text: record.reason.map(NotSent::text),
        attempts: record.attempts,
        accepted_at: record.accepted_at,
        due_at: (record.state == DeliveryState::Pending && !record.waits).then_some(record.due_at),
        request: record.request,
        last_attempt: record.last,
    }
}
