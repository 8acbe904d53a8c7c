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

use axum::http::StatusCode;
use configuration::{self as desired, Desired};
use ledger::ConfigurationChange;
use serde::Serialize;
use web::{
    App,
    access::Caller,
    body::Json,
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

/// What is answered with one thing.
type Answer<T> = Result<Json<T>, Problem>;

/// A page of a list.
#[derive(Serialize)]
pub(crate) struct List<T> {
    data: Vec<T>,
    /// What to pass as `before`, or `after`, for the following page; `null` at the end.
    next: Option<String>,
}

fn list<T>(data: impl IntoIterator<Item = T>, next: Option<String>) -> Json<List<T>> {
    let data = data.into_iter().collect();
    Json(List { data, next })
}

/// What a change of the configuration did.
#[derive(Serialize)]
pub(crate) struct Steps {
    steps: Vec<StepView>,
}

#[derive(Serialize)]
struct StepView {
    action: desired::Action,
    /// Kind and name of a thing.
    subject: String,
}

/// 201 when something was created, 200 otherwise.
type Configured = Result<(StatusCode, Json<Steps>), Problem>;

/// Plans and applies one desired part of a project.
async fn put(app: &App, caller: &Caller, desired: Desired) -> Configured {
    let steps = configure(app, caller, &desired)
        .await?
        .map_err(Problem::invalid)?;
    let created = steps
        .iter()
        .any(|(action, _)| *action == desired::Action::Create);
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let steps = steps
        .into_iter()
        .map(|(action, subject)| StepView { action, subject });
    let steps = steps.collect();
    Ok((status, Json(Steps { steps })))
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
