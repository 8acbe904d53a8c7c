//! Messages of an app that wait until they can be read or their store answers.
//!
//! Tests: `crates/dashboard/tests/sections/apps.rs`.

use super::target::find;
use crate::{
    respond::done,
    state::Dashboard,
    text::{clock, encode, exact},
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use web::{
    App,
    access::Access,
    audit::{Did, Effect, Known, Noted, Subject},
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    vec![Route::page(
        Method::Post(Effect::Does(
            "retake parked messages of",
            Subject::Path("key"),
        )),
        "/projects/{project}/apps/{key}/parked/{message}",
        Access::Form,
        retake,
    )]
}

/// Parked messages that are shown of an app.
const MOST_SHOWN: usize = 200;

/// A message that waits.
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) at: String,
    pub(crate) at_short: String,
    pub(crate) reason: String,
    pub(crate) tries: u32,
    pub(crate) next: String,
}

/// What waits for an app, but for what is being read right now.
pub(super) async fn waiting(
    app: &App,
    project: &InProject,
    row: &ledger::App,
) -> Result<Vec<Waiting>, Problem> {
    let now = app.engine.system().now();
    let ledger = app.engine.ledger();
    let parked = ledger
        .parked(project.id, Some(row.id), None, MOST_SHOWN)
        .await?;
    let waiting = parked
        .into_iter()
        .filter(|parked| !parked.is_under_way(now));
    Ok(waiting
        .map(|parked| Waiting {
            id: parked.message.id.to_string(),
            title: parked.message.title,
            at: exact(parked.message.received_at),
            at_short: clock(parked.message.received_at),
            reason: parked.reason,
            tries: parked.tries,
            next: exact(parked.retry_at),
        })
        .collect())
}

/// `POST /projects/{project}/apps/{key}/parked/{message}`: one parked message of the app, or `all`.
async fn retake(
    State(app): State<App>,
    project: InProject,
    Path((_, key, message)): Path<(String, String, String)>,
) -> Result<Noted<Response>, Problem> {
    let row = find(&project, &key)?;
    let id = match message.as_str() {
        "all" => None,
        id => Some(parse("message", id)?),
    };
    let now = app.engine.system().now();
    let ledger = app.engine.ledger();
    let retaken = ledger.unpark(project.id, Some(row.id), id, now).await?;
    if id.is_some() && retaken == 0 {
        return Err(Problem::not_found("parked message", &message));
    }
    let path = format!("/projects/{}/apps/{}", project.key, encode(&row.key));
    let did = if retaken > 0 {
        Did::AsStated(Known::default())
    } else {
        Did::Nothing
    };
    Ok(Noted::new(did, done(&path, "retried")))
}
