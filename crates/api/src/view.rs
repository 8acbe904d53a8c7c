//! How things look in the API. Shapes here are promises to callers.

use configuration::{Stored, masked};
use domain::{Message, NotSent};
use engine::{ActiveIntegration, Engine, Setup};
use ledger::{AttemptRecord, CustomerRecord, DeliveryRecord, SentRequest, Verification};
use serde::Serialize;
use serde_json::{Value, json};

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
        due_at: (record.state == ledger::DeliveryState::Pending).then_some(record.due_at),
        request: record.request,
        last_attempt: record.last,
    }
}

pub(crate) fn integration(engine: &Engine, active: &ActiveIntegration) -> Value {
    let row = &active.row;
    let stored = Stored::of_integration(engine.vault(), row);
    let settings = stored
        .unreadable
        .is_none()
        .then(|| masked(active.spec.fields, &stored.settings));
    let health = engine
        .lanes()
        .into_iter()
        .find(|(id, _)| *id == row.id)
        .map(|(_, health)| health);
    let (state, problem) = match &row.verification {
        Verification::Passed => ("passed", None),
        Verification::Pending => ("pending", None),
        Verification::Failed { problem, .. } => ("failed", Some(problem)),
    };
    json!({
        "id": row.id, "key": row.key, "name": row.name, "destination": row.destination, "paused": row.paused,
        "verification": { "state": state, "problem": problem },
        "held": active.held().map(|reason| json!({ "reason": reason, "text": reason.text() })),
        "problem": active.configured.as_ref().err(),
        "settings": settings,
        "breaker_open": health.is_some_and(|health| health.breaker_open),
    })
}

pub(crate) fn customer(setup: &Setup, record: CustomerRecord, now: jiff::Timestamp) -> Value {
    let purchases: Vec<_> = record
        .purchases
        .iter()
        .map(|(app, chain, stored)| json!({ "app": app, "chain": chain, "snapshot": stored.snapshot, "transactions": stored.facts.transactions.values().map(|transaction| &transaction.fact).collect::<Vec<_>>() }))
        .collect();
    let unlocks = record
        .purchases
        .first()
        .and_then(|(app, ..)| setup.app(*app))
        .and_then(|app| setup.project(app.row.project))
        .map(|project| project.unlocks.clone())
        .unwrap_or_default();
    let access = |environment| {
        let of_environment = record
            .purchases
            .iter()
            .filter(|(_, chain, _)| chain.environment == environment)
            .map(|(_, chain, stored)| (chain, &stored.snapshot));
        domain::access::access(of_environment, &unlocks)
            .into_iter()
            .map(|(id, level)| {
                (
                    id,
                    json!({ "is_active_now": level.is_active_at(now), "level": level }),
                )
            })
            .collect::<serde_json::Map<_, _>>()
    };
    json!({
        "customer": record.customer, "customer_seq": record.seq, "purchases": purchases,
        "access": { "production": access(domain::Environment::Production), "sandbox": access(domain::Environment::Sandbox) },
    })
}
