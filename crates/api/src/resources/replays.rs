//! Replays: past events sent to an integration again, first as a forecast.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::{Forecast, Setup};
use ledger::Replay;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body::Json,
    problem::Problem,
    project::InProject,
    replay_form::{Asked, SHOWN, begin, stop},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/api/v1/projects/{project}/replays", Read, "Replays, newest first, and how far each has come", list),
        Route::new(Post, "/api/v1/projects/{project}/replays", Write, "Sends past events to an integration again; with `dry_run`, only says what that would do", start).body("Replay"),
        Route::new(Post, "/api/v1/projects/{project}/replays/{id}/cancel", Write, "Stops a replay; what it has queued is sent", cancel),
    ]
}

/// A replay as callers see it.
fn view(setup: &Setup, replay: &Replay) -> Value {
    let mut value = json!(replay);
    let active = setup.integration(replay.integration);
    value["integration"] = json!(active.map_or("removed", |active| active.row.key.as_str()));
    value
}

fn forecast(seen: &Forecast) -> Value {
    let named = |counts: &BTreeMap<domain::NotSent, u64>| -> Value {
        counts
            .iter()
            .map(|(why, count)| (why.id().to_owned(), json!(count)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!({
        "events": seen.events,
        "would_send": seen.total(),
        "by_standing": seen.sent.iter().map(|(standing, count)| (standing.id().to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "refused": named(&seen.refused),
        "under_way": seen.under_way,
        "is_complete": seen.is_complete,
        "samples": seen.samples.iter().map(|(event, standing)| json!({ "event": event.id, "kind": event.kind, "customer": event.customer.app_user_id, "recorded_at": event.recorded_at, "standing": standing })).collect::<Vec<_>>(),
    })
}

/// `GET /api/v1/projects/{project}/replays`.
pub(crate) async fn list(
    State(app): State<App>,
    project: InProject,
) -> Result<axum::Json<Value>, Problem> {
    let replays = app.engine.ledger().replays(project.id, SHOWN).await?;
    let data: Vec<_> = replays
        .iter()
        .map(|replay| view(&project.setup, replay))
        .collect();
    Ok(axum::Json(json!({ "data": data, "next": null })))
}

/// `POST /api/v1/projects/{project}/replays`.
pub(crate) async fn start(
    State(app): State<App>,
    project: InProject,
    Json(asked): Json<Asked>,
) -> Result<Response, Problem> {
    let wanted = asked
        .check(&app, &project)
        .await?
        .map_err(Problem::invalid)?;
    if asked.dry_run {
        let seen = app.engine.replays().foresee(&wanted.active, &wanted.choice);
        return Ok(axum::Json(forecast(&seen.await?)).into_response());
    }
    let replay = begin(&app, &project, wanted).await?;
    let body = axum::Json(view(&project.setup, &replay));
    Ok((StatusCode::CREATED, body).into_response())
}

/// `POST /api/v1/projects/{project}/replays/{id}/cancel`.
pub(crate) async fn cancel(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    stop(&app, &project, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
