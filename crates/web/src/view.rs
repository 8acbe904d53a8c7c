//! An event as it is shown, with how it stands with each integration. Shapes here are promises to callers.

use domain::{Event, NotSent};
use engine::{ActiveIntegration, Setup};
use ledger::{FeedRow, IntegrationState};
use serde::Serialize;
use utoipa::ToSchema;

/// An event with how it stands with each integration.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    /// Cursor in commit order.
    pub position: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Each integration there was or is.
    pub integrations: Vec<StateView>,
}

/// How an event stands with one integration.
#[derive(Serialize, ToSchema)]
pub struct StateView {
    /// Its id.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// `delivered`, `pending`, `failed`, `held`, or `not_sent`.
    pub state: &'static str,
    /// `green`, `blue`, `red` or `grey`.
    pub color: &'static str,
    /// Id of the delivery, where there is one.
    pub delivery: Option<String>,
    /// Why it was not delivered.
    pub reason: Option<NotSent>,
    /// The same in words.
    pub text: String,
    /// How many there were.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Option<jiff::Timestamp>,
}

/// What is said of an integration that came after the event.
const CAME_LATER: &str = "The integration was added after this happened. A replay can send it.";

/// How a row of the feed is shown.
pub fn event(setup: &Setup, row: FeedRow) -> EventView {
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
pub fn state(active: Option<&ActiveIntegration>, id: &str, state: &IntegrationState) -> StateView {
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
                    (!waits).then_some(*due_at),
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
