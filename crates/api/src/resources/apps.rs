//! Apps: how each hears its store, and whether that works.

use super::{Answer, list, put};
use axum::{
    extract::{Path, State},
    response::Response,
};
use configuration::{Desired, DesiredApp};
use serde_json::{Value, json};
use sources::{Probe, ProbeOutcome};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body::Json,
    callback_path,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Method::{Get, Post, Put};
    vec![
        Route::new(
            Get,
            "/api/v1/projects/{project}/apps",
            Read,
            "Apps with their callback URLs",
            apps,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}/apps/{key}",
            Write,
            "Creates or changes an app",
            put_app,
        )
        .body("App"),
        Route::new(
            Post,
            "/api/v1/projects/{project}/apps/{app}/check",
            Write,
            "Asks the store whether an app's settings work",
            check,
        ),
    ]
}

pub(crate) async fn apps(State(app): State<App>, project: InProject) -> Answer {
    let of_project = project
        .setup
        .configuration
        .apps
        .iter()
        .filter(|row| row.project == project.id);
    let with_url = |row: &ledger::App| {
        let mut value = json!(row);
        if let Some(app) = value.as_object_mut() {
            app.remove("sealed_secrets");
        }
        // Which secrets there are, never what they are.
        value["secrets"] = json!(app.engine.setup().secret_names(app.engine.vault(), row));
        value["callback_url"] =
            json!(callback_path(row).map(|path| format!("{}{path}", app.engine.public_url())));
        value["problem"] = json!(
            project
                .setup
                .app(row.id)
                .and_then(|app| app.source.as_ref().err())
        );
        value
    };
    Ok(list(of_project.map(with_url).collect(), None))
}

pub(crate) async fn put_app(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredApp>,
) -> Result<Response, Problem> {
    put(
        &app,
        &project.caller,
        Desired {
            apps: BTreeMap::from([(key, body)]),
            ..project.desired()
        },
    )
    .await
}

fn view(probe: &Probe) -> Value {
    let (outcome, code, detail) = match &probe.outcome {
        ProbeOutcome::Works(seen) => ("works", None, seen.as_str()),
        ProbeOutcome::Waiting(_) => (
            "waiting",
            None,
            "the store has not said yet how it went; ask again in a minute",
        ),
        ProbeOutcome::Fails { code, detail } => ("fails", Some(code), detail.as_str()),
    };
    json!({
        "asked": probe.asked, "environment": probe.environment.map(domain::Environment::id),
        "outcome": outcome, "code": code, "detail": detail,
    })
}

/// `POST .../apps/{app}/check`: asks the store whether the app's settings work. Takes some seconds for the App Store, which
/// answers by sending a test notification.
pub(crate) async fn check(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<axum::Json<Value>, Problem> {
    let found = project
        .setup
        .apps()
        .find(|found| found.row.project == project.id && found.row.key == key)
        .ok_or_else(|| Problem::not_found("app", &key))?;
    let probes = app.engine.intake().probe(found.row.id).await?;
    let findings: Vec<Value> = probes.iter().map(view).collect();
    Ok(axum::Json(json!({ "findings": findings })))
}
