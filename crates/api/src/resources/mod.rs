//! The management and read API, `/api/v1`: a file for each resource, with its routes, handlers, views and tests.

pub(crate) mod apps;
pub(crate) mod customers;
pub(crate) mod deliveries;
pub(crate) mod destinations;
pub(crate) mod entitlements;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod health;
pub(crate) mod inbox;
pub(crate) mod integrations;
pub(crate) mod parked;
pub(crate) mod products;
pub(crate) mod projects;
pub(crate) mod purchases;
pub(crate) mod replays;

pub use health::{missing, wrong_method};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use configuration::{self as desired, Desired};
use ledger::ConfigurationChange;
use serde_json::{Value, json};
use web::{
    App,
    access::Caller,
    configure::configure,
    problem::{Code, Problem},
    route::Route,
};

/// The routes of every resource.
pub(crate) fn routes() -> Vec<Route<App>> {
    [
        apps::routes(),
        customers::routes(),
        deliveries::routes(),
        destinations::routes(),
        entitlements::routes(),
        events::routes(),
        grants::routes(),
        health::routes(),
        inbox::routes(),
        integrations::routes(),
        parked::routes(),
        products::routes(),
        projects::routes(),
        purchases::routes(),
        replays::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What lists of events may be filtered by.
pub(crate) const EVENT_FILTERS: &[&str] = &[
    "kind",
    "customer",
    "app",
    "store",
    "environment",
    "integration",
    "state",
    "since",
    "until",
    "hours",
    "before",
    "after",
    "limit",
    "wait",
];

pub(crate) const DELIVERY_FILTERS: &[&str] = &["integration", "state", "before", "limit"];

const PAGES: &[&str] = &["before", "limit"];

type Answer = Result<axum::Json<Value>, Problem>;

fn list(data: Vec<Value>, next: Option<String>) -> axum::Json<Value> {
    axum::Json(json!({ "data": data, "next": next }))
}

/// Plans and applies one desired part of a project. Answers 201 when something was created.
async fn put(app: &App, caller: &Caller, desired: Desired) -> Result<Response, Problem> {
    let steps = configure(app, caller, &desired)
        .await?
        .map_err(Problem::invalid)?;
    let created = steps
        .iter()
        .any(|(action, _)| *action == desired::Action::Create);
    let summary: Vec<_> = steps
        .iter()
        .map(|(action, subject)| json!({ "action": action, "subject": subject }))
        .collect();
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, axum::Json(json!({ "steps": summary }))).into_response())
}

async fn remove(
    app: &App,
    caller: &Caller,
    change: ConfigurationChange,
) -> Result<StatusCode, Problem> {
    let applied = app.engine.configure(vec![change], &caller.name).await?;
    if applied {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(Code::Conflict, "repeat the request"))
    }
}
