//! What more than one surface shows: events, with how each stands with its integrations, and what is in them. Shapes here are promises to callers.
//!
//! What has members is a view of its own, so that what is stored can change by itself. A word (an id, one of a list) is the same everywhere, and so
//! the domain's own.

mod access;
mod amount;
mod customer;
mod happened;
mod standing;

pub use access::AccessLevelView;
pub use amount::{MoneyView, OfferView};
pub use customer::CustomerView;
pub use happened::HappenedView;
pub use standing::StandingView;

use domain::{Environment, NotSent};
use engine::{ActiveIntegration, Setup};
use ledger::{DeliveryState, FeedRow, IntegrationState};
use serde::Serialize;
use utoipa::ToSchema;

/// An event with how it stands with each integration.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    /// Cursor in commit order.
    pub position: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: HappenedView,
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
    /// `green`, `yellow` where it was accepted by the rule of its format but hardly processed, `blue`, `red` or `grey`.
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

/// What is said of a delivery that is not the first of its customer's.
pub const WAITS: &str = "Waits for an earlier event of the same customer, which comes first.";

/// What is said of a delivery that was accepted by the rule of its format, but hardly processed.
const IN_DOUBT: &str = "in doubt";

/// How something that was delivered is shown.
pub struct Accepted {
    /// In one word.
    pub word: &'static str,
    /// `green`, or `yellow`.
    pub color: &'static str,
    /// In a sentence.
    pub text: String,
}

/// How what was delivered is shown, where this was remarked of its answer: a redirect, or a body that is not whole, is accepted by the rule of its
/// format, and no good news.
pub fn accepted(remarked: &str) -> Accepted {
    if remarked.is_empty() {
        return Accepted {
            word: "delivered",
            color: "green",
            text: "Delivered.".into(),
        };
    }
    Accepted {
        word: IN_DOUBT,
        color: "yellow",
        text: format!("Delivered, in doubt: {remarked}."),
    }
}

impl StateView {
    /// How it stands, in one word.
    pub fn word(&self) -> String {
        if self.color == "yellow" {
            return IN_DOUBT.into();
        }
        self.state.replace('_', " ")
    }

    /// Whether nothing needs to be said of it beside its colour.
    pub fn is_plain(&self) -> bool {
        self.color == "green" || self.state == "not_sent" && self.color == "grey"
    }
}

/// How a row of the feed is shown.
pub fn event(setup: &Setup, row: FeedRow) -> EventView {
    EventView {
        position: row.position,
        integrations: states(setup, &row),
        event: row.event.into(),
    }
}

/// How an event stands with each integration there was or is.
pub fn states(setup: &Setup, row: &FeedRow) -> Vec<StateView> {
    let mut states: Vec<_> = row
        .integrations
        .iter()
        .map(|(id, stands)| {
            let (active, of) = (setup.integration(*id), row.event.environment);
            state(active, of, &id.to_string(), stands)
        })
        .collect();
    // A test is of the one integration it was made for.
    let missing = setup
        .project(row.event.project)
        .filter(|_| row.event.kind != domain::EventKind::Test)
        .into_iter()
        .flat_map(|project| &project.integrations)
        .filter(|active| row.integrations.iter().all(|(id, _)| *id != active.row.id));
    states.extend(missing.map(|active| StateView {
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
    states
}

/// How an event stands with one of its integrations: where several messages went to it, the first that was not delivered.
pub fn of_one(active: &ActiveIntegration, row: &FeedRow) -> Option<StateView> {
    let states = row
        .integrations
        .iter()
        .filter(|(id, _)| *id == active.row.id);
    let of = row.event.environment;
    let shown = states.map(|(id, stands)| state(Some(active), of, &id.to_string(), stands));
    shown.min_by_key(|state| (state.state == "delivered", state.color == "green"))
}

/// How an event of an environment stands with one integration.
pub fn state(
    active: Option<&ActiveIntegration>,
    environment: Environment,
    id: &str,
    state: &IntegrationState,
) -> StateView {
    let (key, name) = active.map_or(("removed", "removed integration"), |active| {
        (active.row.key.as_str(), active.row.name.as_str())
    });
    let blank = StateView {
        integration: id.to_owned(),
        key: key.to_owned(),
        name: name.to_owned(),
        state: "not_sent",
        color: "grey",
        delivery: None,
        reason: None,
        text: String::new(),
        attempts: 0,
        due_at: None,
    };
    match state {
        IntegrationState::NotSent(reason) => StateView {
            color: if reason.is_intended() { "grey" } else { "red" },
            reason: Some(*reason),
            text: reason.text().to_owned(),
            ..blank
        },
        IntegrationState::Delivery { .. } => {
            let held = active.and_then(|active| active.held(active.endpoint(environment)));
            delivery(blank, held, state)
        }
    }
}

/// How a delivery stands, on what is said of its integration. `held` is why its endpoint is sent nothing, if it is not.
fn delivery(blank: StateView, held: Option<NotSent>, state: &IntegrationState) -> StateView {
    let IntegrationState::Delivery {
        id,
        state,
        reason,
        detail,
        attempts,
        due_at,
        waits,
    } = state
    else {
        return blank;
    };
    let (attempts, due_at) = (*attempts, (!waits).then_some(*due_at));
    let of = StateView {
        delivery: Some(id.to_string()),
        attempts,
        ..blank
    };
    match (state, held) {
        (DeliveryState::Delivered, _) => {
            let Accepted { color, text, .. } = accepted(detail);
            StateView {
                state: "delivered",
                color,
                text,
                ..of
            }
        }
        (DeliveryState::Failed, _) => StateView {
            state: "failed",
            color: "red",
            reason: *reason,
            text: reason.map_or_else(|| detail.clone(), |reason| explained(reason, detail)),
            ..of
        },
        (DeliveryState::Pending, Some(held)) => StateView {
            state: "held",
            color: "blue",
            reason: Some(held),
            // What it is held for was answered by the endpoint, in words of its own.
            text: if *reason == Some(held) {
                explained(held, detail)
            } else {
                held.text().to_owned()
            },
            due_at,
            ..of
        },
        (DeliveryState::Pending, None) => StateView {
            state: "pending",
            color: if attempts > 0 { "red" } else { "blue" },
            reason: *reason,
            text: match reason {
                Some(reason) => failed_so_far(attempts, *reason, detail),
                None if *waits => WAITS.into(),
                None => "Waiting to be sent.".into(),
            },
            due_at,
            ..of
        },
    }
}

fn failed_so_far(attempts: u32, reason: NotSent, detail: &str) -> String {
    format!("Attempt {attempts} failed. {}", explained(reason, detail))
}

fn explained(reason: NotSent, detail: &str) -> String {
    if detail.is_empty() {
        reason.text().to_owned()
    } else {
        format!("{} ({detail})", reason.text())
    }
}
