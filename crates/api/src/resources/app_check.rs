//! What is done with apps beside configuring them.

use axum::extract::{Path, State};
use serde_json::{Value, json};
use sources::{Probe, ProbeOutcome};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Write;
    use Method::Post;
    vec![Route::new(
        Post,
        "/api/v1/projects/{project}/apps/{app}/check",
        Write,
        "Asks the store whether an app's settings work",
        check,
    )]
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
    let probes = app.engine.probe(found.row.id).await?;
    let findings: Vec<Value> = probes.iter().map(view).collect();
    Ok(axum::Json(json!({ "findings": findings })))
}
