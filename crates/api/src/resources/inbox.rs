//! Raw messages.

use super::Answer;
use axum::extract::{Path, State};
use domain::{AppId, InboxId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    body::Json,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![Route::operation(
        Get,
        "/api/v1/projects/{project}/inbox/{id}",
        Read,
        "One raw message",
        inbox,
    )]
}

/// A raw message.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageView {
    app: AppId,
    /// As it came; bytes that are no text are replaced.
    body: String,
    id: InboxId,
    /// The source's own id of it.
    key: String,
    /// Why it waits; `null` once it was processed.
    parked: Option<String>,
    received_at: Timestamp,
    source: String,
    title: String,
}

pub(crate) async fn inbox(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer<MessageView> {
    let record = app
        .engine
        .ledger()
        .inbox(parse("message", &id)?)
        .await?
        .filter(|record| record.message.project == project.id)
        .ok_or_else(|| Problem::not_found("message", &id))?;
    let message = record.message;
    Ok(Json(MessageView {
        app: message.app,
        body: String::from_utf8_lossy(&message.body).into_owned(),
        id: message.id,
        key: message.key,
        parked: record.parked,
        received_at: message.received_at,
        source: message.origin.to_string(),
        title: message.title,
    }))
}
