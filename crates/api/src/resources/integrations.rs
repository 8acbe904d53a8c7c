//! Integrations: destinations configured in a project.

use super::{Answer, list, put, remove};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use configuration::{Desired, DesiredIntegration, Stored, masked};
use engine::{ActiveIntegration, Engine};
use ledger::{ConfigurationChange, Verification};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body::Json,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Method::{Delete, Get, Post, Put};
    vec![
        Route::new(
            Get,
            "/api/v1/projects/{project}/integrations",
            Read,
            "Integrations, secrets masked",
            integrations,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/integrations/{key}",
            Read,
            "One integration, secrets masked",
            integration,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/integrations/{key}/test",
            Write,
            "Sends a test event",
            send_test,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/integrations/{key}/verify",
            Write,
            "Makes the verification handshake now",
            verify,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Creates or changes an integration",
            put_integration,
        )
        .body("Integration"),
        Route::new(
            Delete,
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Removes an integration; its unsent deliveries fail",
            delete_integration,
        ),
    ]
}

pub(crate) async fn integrations(State(app): State<App>, project: InProject) -> Answer {
    let rows = project.setup.project(project.id).map(|project| {
        project
            .integrations
            .iter()
            .map(|active| shown(&app.engine, active))
            .collect()
    });
    Ok(list(rows.unwrap_or_default(), None))
}

pub(crate) async fn integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer {
    Ok(axum::Json(shown(&app.engine, project.integration(&key)?)))
}

pub(crate) async fn send_test(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let event = app
        .engine
        .dispatch()
        .send_test(project.integration(&key)?)
        .await?;
    project.did(&app, "send test event to", &key).await?;
    Ok((
        StatusCode::ACCEPTED,
        axum::Json(json!({ "event": event.id })),
    )
        .into_response())
}

pub(crate) async fn verify(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer {
    Ok(axum::Json(json!(
        app.engine
            .dispatch()
            .verify(project.integration(&key)?)
            .await?
    )))
}

pub(crate) async fn put_integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredIntegration>,
) -> Result<Response, Problem> {
    put(
        &app,
        &project.caller,
        Desired {
            integrations: BTreeMap::from([(key, body)]),
            ..project.desired()
        },
    )
    .await
}

pub(crate) async fn delete_integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = project.integration(&key)?.row.id;
    remove(
        &app,
        &project.caller,
        ConfigurationChange::RemoveIntegration(id),
    )
    .await
}

fn shown(engine: &Engine, active: &ActiveIntegration) -> Value {
    let row = &active.row;
    let stored = Stored::of_integration(engine.vault(), row);
    let settings = stored
        .unreadable
        .is_none()
        .then(|| masked(active.spec.fields, &stored.settings));
    let health = engine
        .dispatch()
        .lanes()
        .into_iter()
        .find(|(id, _)| *id == row.id)
        .map(|(_, health)| health);
    let (state, problem) = match &row.verification {
        Verification::Passed => ("passed", None),
        Verification::Pending => ("pending", None),
        Verification::Failed { problem, .. } => ("failed", Some(problem)),
    };
    json!({
        "id": row.id, "key": row.key, "name": row.name, "destination": row.destination, "paused": row.paused,
        "verification": { "state": state, "problem": problem },
        "held": active.held().map(|reason| json!({ "reason": reason, "text": reason.text() })),
        "problem": active.configured.as_ref().err(),
        "settings": settings,
        "breaker_open": health.is_some_and(|health| health.breaker_open),
    })
}
