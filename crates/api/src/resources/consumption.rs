//! Answers to stores that ask what speaks for or against a refund.
//!
//! Tests: `crates/api/tests/resources/consumption.rs`.

use super::answer::Answer;
use axum::extract::{Path, State};
use domain::EventId;
use jiff::Timestamp;
use serde::Serialize;
use sources::RefundAnswer;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    audit::{Effect, Subject},
    body::Json,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    vec![Route::operation(
        Method::Post(Effect::Does("answer refund request", Subject::Path("id"))),
        "/api/v1/projects/{project}/events/{id}/consumption",
        Access::Write,
        "Tells the store of a refund_requested event what speaks for or against the refund",
        answer,
    )]
}

/// The store has taken it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answered {
    answered_at: Timestamp,
    /// The event that was answered.
    event: EventId,
}

/// `POST .../events/{id}/consumption`. 409 where the event asks nothing (`refund_not_asked`) or the store waits no longer
/// (`refund_deadline_passed`), 422 where a field is not what the store takes (`invalid`) or the store refused it (`refused_by_store`), with
/// its words.
pub(crate) async fn answer(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    Json(answer): Json<RefundAnswer>,
) -> Answer<Answered> {
    let event = parse("event", &id)?;
    let row = app.engine.ledger().event(project.id, event).await?;
    let row = row.ok_or_else(|| Problem::not_found("event", &id))?;
    app.engine
        .intake()
        .answer_refund(&row.event, &answer)
        .await?;
    Ok(Json(Answered {
        answered_at: app.engine.system().now(),
        event,
    }))
}
