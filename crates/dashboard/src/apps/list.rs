//! The apps of a project, and the stores of which there can be another.
//!
//! Tests: `crates/dashboard/tests/sections/apps.rs`.

use crate::{
    badges,
    choice::Choice,
    filters,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use configuration::APPS;
use web::{
    App,
    access::Access,
    callback_path,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/apps";
    vec![Route::page(Method::Get, path, Access::Page, apps)]
}

/// One line of the list.
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) store: &'static str,
    pub(crate) callback: String,
    pub(crate) problem: String,
    pub(crate) parked: u64,
    /// When a message of its store came last.
    pub(crate) heard: String,
}

/// How an app hears its store.
pub(super) async fn line(
    app: &App,
    project: &InProject,
    row: &ledger::App,
) -> Result<Line, Problem> {
    let waiting = badges::parked_by_app(app, project.id).await?;
    let waiting = waiting.iter().find(|waiting| waiting.app == row.id);
    let heard = app.engine.intake().last_heard(row.id).await?;
    let source = project.setup.app(row.id).map(|app| &app.source);
    Ok(Line {
        key: row.key.clone(),
        name: row.name.clone(),
        store: row.store().title(),
        callback: callback_path(row)
            .map(|path| format!("{}{path}", app.engine.public_url()))
            .unwrap_or_default(),
        problem: source
            .and_then(|source| source.as_ref().err().cloned())
            .unwrap_or_default(),
        parked: waiting.map_or(0, |waiting| waiting.count),
        heard: heard.map(exact).unwrap_or_default(),
    })
}

#[derive(Template)]
#[template(path = "apps/list.html")]
struct ListTemplate {
    shell: Shell,
    apps: Vec<Line>,
    stores: Vec<Choice>,
}

/// `GET /projects/{project}/apps`.
async fn apps(State(app): State<App>, project: InProject, uri: Uri) -> Result<Response, Problem> {
    let mut lines = Vec::new();
    for row in project.apps() {
        lines.push(line(&app, &project, row).await?);
    }
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "apps").await?,
        apps: lines,
        stores: APPS
            .iter()
            .map(|spec| Choice::new(spec.store.id(), spec.store.title()))
            .collect(),
    }))
}
