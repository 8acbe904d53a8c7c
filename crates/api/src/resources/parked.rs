//! Parked messages: what waits, why, and tried again.
//!
//! Tests: `crates/api/tests/resources/parked.rs`.

use super::answer::{Answer, List, list};
use axum::extract::{Path, State};
use domain::{AppId, InboxId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    audit::{Did, Effect, Known, Noted, Subject},
    body::Json,
    problem::Problem,
    project::InProject,
    query::{Filters, PageQuery, parse},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::Does;
    use Method::{Get, Post};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/parked",
            Read,
            "Messages that wait, each with its reason",
            parked,
        ),
        Route::operation(
            Post(Does("retake parked messages", Subject::None)),
            "/api/v1/projects/{project}/parked/retry",
            Write,
            "Takes all parked messages again",
            retake_all,
        ),
        Route::operation(
            Post(Does("retake parked message", Subject::Path("message"))),
            "/api/v1/projects/{project}/parked/{message}/retry",
            Write,
            "Takes one parked message again",
            retake_one,
        ),
    ]
}

/// A parked message, without its body.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParkedView {
    app: AppId,
    id: InboxId,
    /// Why it waits.
    reason: String,
    received_at: Timestamp,
    retry_at: Timestamp,
    source: String,
    title: String,
    tries: u32,
}

/// `GET .../parked`: the one that came last first.
pub(crate) async fn parked(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters<PageQuery>,
) -> Answer<List<ParkedView>> {
    let (ledger, limit) = (app.engine.ledger(), query.limit());
    let rows = ledger.parked(project.id, None, query.before()?, limit);
    let rows = rows.await?;
    let last = rows.last().filter(|_| rows.len() == limit);
    let next = last.map(|parked| parked.message.id.to_string());
    let shown = rows.into_iter().map(|parked| ParkedView {
        app: parked.message.app,
        id: parked.message.id,
        reason: parked.reason,
        received_at: parked.message.received_at,
        retry_at: parked.retry_at,
        source: parked.message.origin.to_string(),
        title: parked.message.title,
        tries: parked.tries,
    });
    Ok(list(shown, next))
}

/// How many messages are tried again.
// Addresses and members of the API keep the word they were published with.
#[derive(Serialize, ToSchema)]
pub(crate) struct Retried {
    retried: u64,
}

/// `POST .../parked/retry`.
pub(crate) async fn retake_all(
    State(app): State<App>,
    project: InProject,
) -> Result<Noted<Json<Retried>>, Problem> {
    let (ledger, now) = (app.engine.ledger(), app.engine.system().now());
    let count = ledger.unpark(project.id, None, None, now).await?;
    let did = if count > 0 {
        Did::AsStated(Known::default())
    } else {
        Did::Nothing
    };
    Ok(Noted::new(did, Json(Retried { retried: count })))
}

/// `POST .../parked/{message}/retry`.
pub(crate) async fn retake_one(
    State(app): State<App>,
    project: InProject,
    Path((_, message)): Path<(String, String)>,
) -> Answer<Retried> {
    let now = app.engine.system().now();
    let id = parse("message", &message)?;
    let count = app
        .engine
        .ledger()
        .unpark(project.id, None, Some(id), now)
        .await?;
    if count == 0 {
        return Err(Problem::not_found("parked message", &message));
    }
    Ok(Json(Retried { retried: count }))
}
