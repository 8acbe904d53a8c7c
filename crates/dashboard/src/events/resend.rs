//! Sending one delivery again.
//!
//! Tests: `crates/dashboard/tests/sections/events.rs`.

use crate::{form::Sent, respond::done, state::Dashboard};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use web::{
    App,
    access::Access,
    audit::{Effect, Subject},
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    vec![Route::page(
        Method::Post(Effect::Does("resend delivery", Subject::Path("id"))),
        "/projects/{project}/deliveries/{id}/resend",
        Access::Form,
        resend,
    )]
}

/// `POST /projects/{project}/deliveries/{id}/resend`, from the page of an event or, with `back`, of an integration.
async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = parse("delivery", &id)?;
    let record = app
        .engine
        .ledger()
        .delivery(project.id, id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id.to_string()))?;
    if !app.engine.dispatch().resend(project.id, id).await? {
        return Err(Problem::not_found("delivery", &id.to_string()));
    }
    let asked = Sent::query(&uri);
    let path = match project.integration(asked.text("back")) {
        Ok(known) => format!("/projects/{}/integrations/{}", project.key, known.row.key),
        Err(_) => format!("/projects/{}/events/{}", project.key, record.event),
    };
    Ok(done(&path, "resent"))
}
