//! Customers that are forgotten.
//!
//! Tests: `crates/dashboard/tests/sections/customers.rs`.

use crate::{
    form::{Form, Trimmed, wrong},
    respond::done,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::{Effect, Subject},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/customers/{who}/forget";
    // Whom is what was to be forgotten.
    vec![Route::page(
        Method::Post(Effect::Does("forget", Subject::Always("a customer"))),
        path,
        Access::Form,
        forget,
    )]
}

/// Whoever forgets a customer types its name.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ForgetForm {
    sure: Trimmed,
}

/// `POST /projects/{project}/customers/{who}/forget`.
async fn forget(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Form(sent): Form<ForgetForm>,
) -> Result<Response, Problem> {
    if *sent.sure != *who {
        let message = "type the customer's id to forget it; nothing was changed";
        return Err(Problem::invalid(vec![wrong("sure", message)]));
    }
    app.engine.customers().forget(project.id, &who).await?;
    Ok(done(
        &format!("/projects/{}/customers", project.key),
        "forgotten",
    ))
}
