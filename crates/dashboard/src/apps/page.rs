//! The page of an app that is there, or is about to be.
//!
//! Tests: `crates/dashboard/tests/sections/apps.rs`.

use super::{
    finding::Finding,
    list::{Line, line},
    parked::{Waiting, waiting},
    target::{Names, Target},
};
use crate::{
    filters,
    form::{Draft, Grouped, Part, Wrong},
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![
        Route::page(Get, "/projects/{project}/apps/new/{store}", Page, app),
        Route::page(Get, "/projects/{project}/apps/{key}", Page, app),
    ]
}

#[derive(Template)]
#[template(path = "apps/page.html")]
struct AppTemplate {
    shell: Shell,
    action: String,
    store: &'static str,
    instructions: &'static str,
    key: String,
    name: String,
    line: Option<Line>,
    findings: Option<Vec<Finding>>,
    waiting: Vec<Waiting>,
    groups: Vec<Grouped>,
    key_problem: String,
    refused: Vec<Wrong>,
}

/// The page, with what its form holds, and what the store said if it was asked.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    target: Target<'_>,
    mut draft: Draft,
    findings: Option<Vec<Finding>>,
) -> Result<Response, Problem> {
    let project = at.project;
    let filled = draft.filled(target.described());
    let (waiting, line) = match target.row {
        None => (Vec::new(), None),
        Some(row) => (
            waiting(app, project, row).await?,
            Some(line(app, project, row).await?),
        ),
    };
    let page = AppTemplate {
        action: target.action(project),
        store: target.spec.store.title(),
        instructions: target.spec.instructions,
        key: draft.key,
        name: draft.name,
        line,
        findings,
        waiting,
        groups: filled.groups,
        shell: Shell::load(app, at, "apps").await?,
        key_problem: filled.key_problem,
        refused: filled.refused,
    };
    Ok(if page.refused.is_empty() {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/apps/{key}`, and `GET /projects/{project}/apps/new/{store}`.
async fn app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path(names): Path<Names>,
) -> Result<Response, Problem> {
    let target = names.target(&project)?;
    page(
        &app,
        Place::of(&project, &uri),
        target,
        target.draft(&app),
        None,
    )
    .await
}
