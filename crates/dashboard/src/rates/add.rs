//! Newer rates, pasted in.
//!
//! Tests: `crates/dashboard/tests/sections/rates.rs`.

use super::page::page;
use crate::{form::Form, respond::done, shell::Place, state::Dashboard};
use axum::{
    extract::State,
    http::Uri,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::{Effect, Noted, Subject},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/rates";
    vec![Route::page(
        Method::Post(Effect::Does("add exchange rates", Subject::Said)),
        path,
        Access::Manage,
        add,
    )]
}

/// The text of a file in the ECB's form.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RatesForm {
    csv: String,
}

/// `POST /projects/{project}/rates`. They serve every project.
async fn add(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<RatesForm>,
) -> Result<Response, Problem> {
    project.caller.must_reach_all()?;
    let text = sent.csv;
    let added = match sources::rates::read(&text) {
        Ok(added) if added.is_empty() => {
            let problem = "There is no line with rates below the header.".to_owned();
            return page(&app, Place::of(&project, &uri), text, problem).await;
        }
        Ok(added) => added,
        Err(problem) => {
            return page(&app, Place::of(&project, &uri), text, problem.to_string()).await;
        }
    };
    let count = added.len();
    app.engine.add_rates(added).await?;
    let answer = done(&format!("/projects/{}/rates", project.key), "added");
    Ok(Noted::to(count.to_string(), answer).into_response())
}
