//! Ending sessions of one's own.
//!
//! Tests: `crates/dashboard/tests/sections/account.rs`.

use super::page::own;
use crate::{
    form::{Form, Trimmed},
    respond::done,
    state::Dashboard,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use web::{
    App,
    access::{Access, digest},
    audit::{Effect, Subject},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/account/sessions";
    vec![Route::page(
        Method::Post(Effect::Does("end sessions of", Subject::Caller)),
        path,
        Access::Own,
        end,
    )]
}

/// Which session; none for all but this.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct EndForm {
    digest: Trimmed,
}

/// `POST /projects/{project}/account/sessions`: ends the one with `digest`, or all but this.
async fn end(
    State(app): State<App>,
    project: InProject,
    headers: HeaderMap,
    Form(sent): Form<EndForm>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let this = app.session_token(&headers).map(|token| digest(&token));
    let (ledger, now) = (app.engine.ledger(), app.engine.system().now());
    // Only one's own: a digest of somebody else's is not in this list.
    for session in ledger.sessions(user.id, now).await? {
        let is_chosen = if sent.digest.is_empty() {
            Some(&session.digest) != this.as_ref()
        } else {
            session.digest == *sent.digest
        };
        if is_chosen {
            ledger.close_sessions(Some(&session.digest), None).await?;
        }
    }
    Ok(done(&format!("/projects/{}/account", project.key), "ended"))
}
