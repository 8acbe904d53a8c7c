//! Sending one delivery again that is as it was shown: pressed twice, it is sent once more.
//!
//! Tests: `crates/dashboard/tests/sections/events.rs`.

use crate::{
    as_shown::as_shown,
    form::{Form, Sent, Trimmed},
    respond::done,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use serde::Deserialize;
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
        Method::Post(Effect::Does("resend delivery", Subject::Path("id"))),
        "/projects/{project}/deliveries/{id}/resend",
        Access::Form,
        resend,
    )]
}

/// The form that sends one again.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ResendForm {
    /// How it was on the page; empty for whoever has it from none.
    shown: Trimmed,
}

/// `POST /projects/{project}/deliveries/{id}/resend`, from the page of an event or, with `back`, of an integration.
async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    uri: Uri,
    Form(sent): Form<ResendForm>,
) -> Result<Noted<Response>, Problem> {
    let id = parse("delivery", &id)?;
    let record = app
        .engine
        .ledger()
        .delivery(project.id, id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id.to_string()))?;
    let is_as_shown = sent.shown.is_empty() || *sent.shown == as_shown(&record);
    if is_as_shown && !app.engine.dispatch().resend(project.id, id).await? {
        return Err(Problem::not_found("delivery", &id.to_string()));
    }
    let asked = Sent::query(&uri);
    let path = match project.integration(asked.text("back")) {
        Ok(known) => format!("/projects/{}/integrations/{}", project.key, known.row.key),
        Err(_) => format!("/projects/{}/events/{}", project.key, record.event),
    };
    let answer = done(&path, "resent");
    Ok(if is_as_shown {
        Noted::new(Did::AsStated(Known::default()), answer)
    } else {
        Noted::nothing(answer)
    })
}
