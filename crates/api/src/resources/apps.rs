//! Apps: how each hears its store, and whether that works.

use super::answer::{Answer, Configured, List, list, put};
use axum::extract::{Path, State};
use configuration::DesiredApp;
use domain::{AppId, Environment, ProjectId};
use ledger::{AppSettings, Commission};
use serde::Serialize;
use sources::{Probe, ProbeOutcome};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    audit::Effect,
    body::Json,
    callback_path,
    problem::Problem,
    project::InProject,
    query::{Filters, NoFilters},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::{Configures, Nothing};
    use Method::{Get, Post, Put};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/apps",
            Read,
            "Apps with their callback URLs",
            apps,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}/apps/{key}",
            Write,
            "Creates or changes an app",
            put_app,
        ),
        Route::operation(
            Post(Nothing("asks the store whether the settings work")),
            "/api/v1/projects/{project}/apps/{app}/check",
            Write,
            "Asks the store whether an app's settings work",
            check,
        ),
    ]
}

/// An app with its callback URL. Which secrets it has, never what they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppView {
    callback_url: Option<String>,
    commission: Option<Commission>,
    id: AppId,
    key: String,
    name: String,
    /// Why its settings cannot be used.
    problem: Option<String>,
    project: ProjectId,
    secrets: Vec<String>,
    settings: AppSettings,
}

pub(crate) async fn apps(
    State(app): State<App>,
    project: InProject,
    _: Filters<NoFilters>,
) -> Answer<List<AppView>> {
    let setup = &project.setup;
    let of_project = setup
        .configuration
        .apps
        .iter()
        .filter(|row| row.project == project.id);
    let shown = of_project.map(|row| AppView {
        callback_url: callback_path(row).map(|path| format!("{}{path}", app.engine.public_url())),
        commission: row.commission,
        id: row.id,
        key: row.key.clone(),
        name: row.name.clone(),
        problem: setup
            .app(row.id)
            .and_then(|app| app.source.as_ref().err().cloned()),
        project: row.project,
        secrets: setup.secret_names(app.engine.vault(), row),
        settings: row.settings.clone(),
    });
    Ok(list(shown, None))
}

pub(crate) async fn put_app(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredApp>,
) -> Configured {
    put(&app, &project, key, body).await
}

/// What came of asking a store.
#[derive(Serialize, ToSchema)]
pub(crate) struct Findings {
    findings: Vec<Finding>,
}

#[derive(Serialize, ToSchema)]
struct Finding {
    asked: &'static str,
    code: Option<&'static str>,
    detail: String,
    environment: Option<Environment>,
    /// `works`, `waiting` or `fails`.
    outcome: &'static str,
}

impl From<Probe> for Finding {
    fn from(probe: Probe) -> Self {
        let (outcome, code, detail) = match probe.outcome {
            ProbeOutcome::Works(seen) => ("works", None, seen),
            ProbeOutcome::Waiting(_) => (
                "waiting",
                None,
                "the store has not said yet how it went; ask again in a minute".to_owned(),
            ),
            ProbeOutcome::Fails { code, detail } => ("fails", Some(code), detail),
        };
        Self {
            asked: probe.asked,
            code,
            detail,
            environment: probe.environment,
            outcome,
        }
    }
}

/// `POST .../apps/{app}/check`: asks the store whether the app's settings work. Takes some seconds for the App Store, which
/// answers by sending a test notification.
pub(crate) async fn check(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer<Findings> {
    let found = project
        .setup
        .apps()
        .find(|found| found.row.project == project.id && found.row.key == key)
        .ok_or_else(|| Problem::not_found("app", &key))?;
    let probes = app.engine.intake().probe(found.row.id).await?;
    let findings = probes.into_iter().map(Finding::from).collect();
    Ok(Json(Findings { findings }))
}
