//! Asking the store itself whether the settings of an app work.
//!
//! Tests: `crates/dashboard/tests/sections/apps.rs`.

use super::{finding::Finding, page::page, target::Names};
use crate::{shell::Place, state::Dashboard};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
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
    let path = "/projects/{project}/apps/{key}/check";
    vec![Route::page(
        Method::Post(Effect::Nothing("asks the store whether the settings work")),
        path,
        Access::Form,
        check,
    )]
}

/// `POST /projects/{project}/apps/{key}/check`: asks the store, and shows what it said.
async fn check(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path(names): Path<Names>,
) -> Result<Response, Problem> {
    let target = names.target(&project)?;
    let draft = target.draft(&app);
    let probes = match target.row {
        Some(row) => app.engine.intake().probe(row.id).await?,
        None => Vec::new(),
    };
    let findings = probes.iter().map(Finding::of).collect();
    page(
        &app,
        Place::of(&project, &uri),
        target,
        draft,
        Some(findings),
    )
    .await
}
