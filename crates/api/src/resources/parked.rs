//! Parked messages: what waits, why, and tried again.

use super::Answer;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Method::{Get, Post};
    vec![
        Route::new(
            Get,
            "/api/v1/projects/{project}/parked",
            Read,
            "Messages that wait, each with its reason",
            parked,
        )
        .query(&["limit"]),
        Route::new(
            Post,
            "/api/v1/projects/{project}/parked/retry",
            Write,
            "Tries all waiting messages again",
            retry_all,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/parked/{message}/retry",
            Write,
            "Tries one waiting message again",
            retry_one,
        ),
    ]
}

/// Most waiting messages told at once.
const MOST_PARKED: usize = 200;

/// `GET .../parked`.
pub(crate) async fn parked(State(app): State<App>, project: InProject) -> Answer {
    let rows = app
        .engine
        .ledger()
        .parked(project.id, None, None, MOST_PARKED)
        .await?;
    let items: Vec<Value> = rows
        .into_iter()
        .map(|parked| {
            json!({
                "id": parked.message.id, "app": parked.message.app, "source": parked.message.source,
                "title": parked.message.title, "received_at": parked.message.received_at,
                "reason": parked.reason, "tries": parked.tries, "retry_at": parked.retry_at,
            })
        })
        .collect();
    Ok(axum::Json(json!({ "items": items })))
}

/// `POST .../parked/retry`.
pub(crate) async fn retry_all(State(app): State<App>, project: InProject) -> Answer {
    let now = app.engine.system().now();
    let count = app.engine.ledger().unpark(project.id, None, now).await?;
    Ok(axum::Json(json!({ "retried": count })))
}

/// `POST .../parked/{message}/retry`.
pub(crate) async fn retry_one(
    State(app): State<App>,
    project: InProject,
    Path((_, message)): Path<(String, String)>,
) -> Answer {
    let now = app.engine.system().now();
    let id = parse("message", &message)?;
    let count = app
        .engine
        .ledger()
        .unpark(project.id, Some(id), now)
        .await?;
    if count == 0 {
        return Err(Problem::not_found("waiting message", &message));
    }
    Ok(axum::Json(json!({ "retried": count })))
}
