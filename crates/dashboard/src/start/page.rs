//! The steps of the start, each with how far it has come.
//!
//! Tests: `crates/dashboard/tests/sections/start.rs`.

use crate::{
    form::FormId,
    health,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::EventKind;
use ledger::{EventFilter, Page};
use web::{
    App,
    access::Access,
    callback_path,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
    view,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/start";
    vec![Route::page(Method::Get, path, Access::Page, start)]
}

/// Test events looked at.
const LOOKED_AT: usize = 20;

/// An app on the way to its first message.
struct AppStep {
    key: String,
    name: String,
    callback: String,
    heard: bool,
}

struct IntegrationStep {
    key: String,
    name: String,
    /// How it does, in a word.
    state: String,
}

#[derive(Template)]
#[template(path = "start/page.html")]
struct StartTemplate {
    shell: Shell,
    apps: Vec<AppStep>,
    heard: bool,
    integrations: Vec<IntegrationStep>,
    tested: bool,
    /// The id of the forms that send a test event.
    form: String,
}

async fn app_steps(app: &App, project: &InProject) -> Result<Vec<AppStep>, Problem> {
    let mut steps = Vec::new();
    for row in project.apps() {
        let callback = callback_path(row);
        steps.push(AppStep {
            key: row.key.clone(),
            name: row.name.clone(),
            callback: callback
                .map(|path| format!("{}{path}", app.engine.public_url()))
                .unwrap_or_default(),
            heard: app.engine.intake().last_heard(row.id).await?.is_some(),
        });
    }
    Ok(steps)
}

/// Whether a test event was delivered anywhere without a doubt.
async fn is_tested(app: &App, project: &InProject) -> Result<bool, Problem> {
    let filter = EventFilter {
        project: Some(project.id),
        kinds: vec![EventKind::Test],
        ..EventFilter::default()
    };
    let newest = Page::Before(None, LOOKED_AT);
    let tests = app.engine.ledger().events(&filter, newest).await?;
    Ok(tests.iter().any(|row| {
        row.integrations.iter().any(|(id, state)| {
            let shown = view::state(None, row.event.environment, &id.to_string(), state);
            shown.state == "delivered" && shown.is_plain()
        })
    }))
}

/// `GET /projects/{project}/start`.
async fn start(State(app): State<App>, project: InProject, uri: Uri) -> Result<Response, Problem> {
    let apps = app_steps(&app, &project).await?;
    let integrations = project.integrations()?.iter().map(|active| {
        let row = &active.row;
        let health = health::Shown::of(&app, active);
        IntegrationStep {
            key: row.key.clone(),
            name: row.name.clone(),
            state: health.state,
        }
    });
    Ok(html(&StartTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "start").await?,
        integrations: integrations.collect(),
        heard: apps.iter().any(|app| app.heard),
        apps,
        tested: is_tested(&app, &project).await?,
        form: FormId::fresh(app.engine.system()),
    }))
}
