//! How things look in the API. Shapes here are promises to callers.

use configuration::masked_settings;
use destinations::Message;
use domain::{Event, NotSent};
use engine::{ActiveIntegration, Engine, Setup};
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryRecord, FeedRow, IntegrationState, SentRequest,
    Verification,
};
use serde::Serialize;
use serde_json::{Value, json};

/// An event with how it stands with each integration.
#[derive(Serialize)]
pub(crate) struct EventView {
    /// Cursor in commit order.
    pub(crate) position: u64,
    #[serde(flatten)]
    pub(crate) event: Event,
    pub(crate) integrations: Vec<StateView>,
}

/// How an event stands with one integration.
#[derive(Serialize)]
pub(crate) struct StateView {
    pub(crate) integration: String,
    pub(crate) key: String,
    pub(crate) name: String,
    /// `delivered`, `pending`, `failed`, `held`, or `not_sent`.
    pub(crate) state: &'static str,
    /// `green`, `blue`, `red` or `grey`.
    pub(crate) color: &'static str,
    pub(crate) delivery: Option<String>,
    pub(crate) reason: Option<NotSent>,
    pub(crate) text: String,
    pub(crate) attempts: u32,
    pub(crate) due_at: Option<jiff::Timestamp>,
}

/// What is said of an integration that came after the event.
const CAME_LATER: &str = "The integration was added after this happened. A replay can send it.";

pub(crate) fn event(setup: &Setup, row: FeedRow) -> EventView {
    let mut integrations: Vec<_> = row
        .integrations
        .iter()
        .map(|(id, stands)| state(setup.integration(*id), &id.to_string(), stands))
        .collect();
    // A test is of the one integration it was made for.
    let missing = setup
        .project(row.event.project)
        .filter(|_| row.event.kind != domain::EventKind::Test)
        .into_iter()
        .flat_map(|project| &project.integrations)
        .filter(|active| row.integrations.iter().all(|(id, _)| *id != active.row.id));
    integrations.extend(missing.map(|active| StateView {
        integration: active.row.id.to_string(),
        key: active.row.key.clone(),
        name: active.row.name.clone(),
        state: "not_sent",
        color: "grey",
        delivery: None,
        reason: None,
        text: CAME_LATER.to_owned(),
        attempts: 0,
        due_at: None,
    }));
    EventView {
        position: row.position,
        event: row.event,
        integrations,
    }
}

/// How an event stands with one integration.
pub(crate) fn state(
    active: Option<&ActiveIntegration>,
    id: &str,
    state: &IntegrationState,
) -> StateView {
    let (key, name) = active.map_or(("removed", "removed integration"), |active| {
        (active.row.key.as_str(), active.row.name.as_str())
    });
    let view =
        |state, color, delivery, reason: Option<NotSent>, text, attempts, due_at| StateView {
            integration: id.to_owned(),
            key: key.to_owned(),
            name: name.to_owned(),
            state,
            color,
            delivery,
            reason,
            text,
            attempts,
            due_at,
        };
    match state {
        IntegrationState::NotSent(reason) => view(
            "not_sent",
            if reason.is_intended() { "grey" } else { "red" },
            None,
            Some(*reason),
            reason.text().to_owned(),
            0,
            None,
        ),
        IntegrationState::Delivery {
            id,
            state,
            reason,
            detail,
            attempts,
            due_at,
            waits,
        } => {
            let explained = |reason: &NotSent| {
                if detail.is_empty() {
                    reason.text().to_owned()
                } else {
                    format!("{} ({detail})", reason.text())
                }
            };
            let id = Some(id.to_string());
            match (state, active.and_then(ActiveIntegration::held)) {
                (ledger::DeliveryState::Delivered, _) => view(
                    "delivered",
                    "green",
                    id,
                    None,
                    "Delivered.".into(),
                    *attempts,
                    None,
                ),
                (ledger::DeliveryState::Failed, _) => view(
                    "failed",
                    "red",
                    id,
                    *reason,
                    reason.as_ref().map_or_else(|| detail.clone(), explained),
                    *attempts,
                    None,
                ),
                (ledger::DeliveryState::Pending, Some(held)) => view(
                    "held",
                    "blue",
                    id,
                    Some(held),
                    held.text().to_owned(),
                    *attempts,
                    Some(*due_at),
                ),
                (ledger::DeliveryState::Pending, None) => {
                    let waiting = if *waits {
                        "Waits for an earlier event of the same customer, which comes first."
                    } else {
                        "Waiting to be sent."
                    };
                    let text = reason.as_ref().map_or_else(
                        || waiting.to_owned(),
                        |reason| format!("Attempt {attempts} failed. {}", explained(reason)),
                    );
                    view(
                        "pending",
                        if *attempts > 0 { "red" } else { "blue" },
                        id,
                        *reason,
                        text,
                        *attempts,
                        (!waits).then_some(*due_at),
                    )
                }
            }
        }
    }
}

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
    let settings = engine
        .vault()
        .open_sealed(&row.id.to_string(), &row.sealed_settings)
        .ok()
        .and_then(|plain| serde_json::from_slice::<Value>(&plain).ok());
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
        "settings": settings.map(|settings| masked_settings(active.spec, &settings)),
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
