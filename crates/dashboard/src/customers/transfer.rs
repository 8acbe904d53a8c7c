//! Purchases that are moved to another customer.
//!
//! Tests: `crates/dashboard/tests/sections/customers.rs`.

use super::path::path_of;
use crate::{
    form::{Form, Trimmed},
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
    vec![Route::page(
        Method::Post(Effect::Does("move purchases of", Subject::Customer("who"))),
        "/projects/{project}/customers/{who}/transfer",
        Access::Form,
        transfer,
    )]
}

/// To whom.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct TransferForm {
    to: Trimmed,
}

/// `POST /projects/{project}/customers/{who}/transfer`.
async fn transfer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Form(sent): Form<TransferForm>,
) -> Result<Response, Problem> {
    let customers = app.engine.customers();
    customers.transfer(project.id, &who, &sent.to).await?;
    Ok(done(&path_of(&project.key, &sent.to), "moved"))
}
