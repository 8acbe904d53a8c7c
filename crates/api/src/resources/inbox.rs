//! Raw messages.

use super::Answer;
use axum::extract::{Path, State};
use serde_json::json;
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
    use Access::Read;
    use Method::Get;
    vec![Route::new(
        Get,
        "/api/v1/projects/{project}/inbox/{id}",
        Read,
        "One raw message",
        inbox,
    )]
}

pub(crate) async fn inbox(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let record = app
        .engine
        .ledger()
        .inbox(parse("message", &id)?)
        .await?
        .filter(|record| record.message.project == project.id)
        .ok_or_else(|| Problem::not_found("message", &id))?;
    let message = record.message;
    Ok(axum::Json(json!({
        "id": message.id, "app": message.app, "source": message.source, "key": message.key, "title": message.title, "received_at": message.received_at,
        "parked": record.parked, "body": String::from_utf8_lossy(&message.body),
    })))
}
