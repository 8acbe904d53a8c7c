//! How things look in the API. Shapes here are promises to callers.

use domain::{Message, NotSent};
use ledger::{AttemptRecord, DeliveryRecord, SentRequest};
use serde::Serialize;

/// A delivery.
#[derive(Serialize)]
pub(crate) struct DeliveryView {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) kind: &'static str,
    pub(crate) customer: String,
    pub(crate) integration: String,
    pub(crate) message: Message,
    pub(crate) state: &'static str,
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
        id: record.id.to_string(),
        event: record.event.to_string(),
        kind: record.kind.id(),
        customer: record.customer.to_string(),
        integration: record.integration.to_string(),
        message: record.message,
        state: record.state.id(),
        reason: record.reason,
        reason_text: record.reason.map(NotSent::text),
        attempts: record.attempts,
        accepted_at: record.accepted_at,
        due_at: (record.state == ledger::DeliveryState::Pending && !record.waits)
            .then_some(record.due_at),
        request: record.request,
        last_attempt: record.last,
    }
}
