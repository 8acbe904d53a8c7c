//! The state of a customer, whatever happened: one message of format `standard` with `send_state`, which a receiver stores and does not think about.
//!
//! It has the members that an event has, at the same places: whoever reads `data.customer`, `data.customer_seq` and `data.access` of one reads the
//! other too.

use domain::{
    AccessLevel, CancellationReason, Environment, Event, EventId, EventKind, Present,
    customer::Customer,
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// What such a message is called.
pub(super) const NAME: &str = "customer_state";

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    timestamp: Timestamp,
    data: State<'a>,
}

#[derive(Serialize)]
struct State<'a> {
    customer: &'a Customer,
    customer_seq: u64,
    environment: Environment,
    access: &'a BTreeMap<String, AccessLevel>,
    reason: Reason<'a>,
}

/// What led to it.
#[derive(Serialize)]
struct Reason<'a> {
    event: EventId,
    kind: EventKind,
    rule: &'a str,
    product: Option<&'a str>,
    cancellation_reason: Option<CancellationReason>,
}

/// Whether an event is told as a state: of those that say how a customer stands, one says all of it.
pub(super) fn is_told(event: &Event) -> bool {
    match Present::from_rule(&event.cause.rule) {
        Some(present) => present == Present::Customer,
        None => event.kind != EventKind::Test,
    }
}

/// The body of one message.
pub(super) fn render(name: &str, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope {
        name,
        timestamp: event.occurred_at,
        data: State {
            customer: &event.customer,
            customer_seq: event.customer_seq,
            environment: event.environment,
            access: &event.access,
            reason: Reason {
                event: event.id,
                kind: event.kind,
                rule: &event.cause.rule,
                product: event.product.as_deref(),
                cancellation_reason: event.cancellation_reason,
            },
        },
    })
}
