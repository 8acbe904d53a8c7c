//! What products unlock.
//!
//! Tests: `crates/dashboard/tests/sections/catalog.rs`.

use super::page::save;
use crate::{
    form::{Form, Trimmed, given},
    shell::Place,
    state::Dashboard,
};
use axum::{extract::State, http::Uri, response::Response};
use configuration::DesiredEntitlement;
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::Effect,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/catalog/entitlements";
    vec![Route::page(
        Method::Post(Effect::Configures),
        path,
        Access::Form,
        save_one,
    )]
}

/// The form of one entitlement.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct EntitlementForm {
    key: Trimmed,
    name: Option<Trimmed>,
}

/// `POST /projects/{project}/catalog/entitlements`.
async fn save_one(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<EntitlementForm>,
) -> Result<Response, Problem> {
    let entitlement = DesiredEntitlement {
        name: given(sent.name),
    };
    save(
        &app,
        Place::of(&project, &uri),
        [(sent.key.into(), entitlement)],
    )
    .await
}
