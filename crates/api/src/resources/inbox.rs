//! Raw messages, and what became of each.
//!
//! Tests: `crates/api/tests/resources/inbox.rs`.

use super::answer::{Answer, List, list};
use axum::extract::{Path, State};
use domain::{AppId, EventId, InboxId};
use engine::Became;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    body::Json,
    problem::Problem,
    project::InProject,
    query::{Filters, PageQuery, parse, position},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/inbox",
            Read,
            "Messages that were processed, the last first, with what became of each",
            messages,
        ),
        Route::operation(
            Get,
            "/api/v1/projects/{project}/inbox/{id}",
            Read,
            "One raw message, with what became of it",
            inbox,
        ),
    ]
}

/// What became of a message.
#[derive(Serialize, ToSchema)]
struct Outcome {
    /// `waits`, `told` (events came of it), `asked` (its store was asked, and the answer is a message of its own), `nothing_new` or
    /// `no_purchase`.
    code: &'static str,
    /// The events that it led to, in order.
    events: Vec<EventId>,
    /// What it was and what became of it, in words; where no event came of it, why.
    text: String,
}

impl From<Became> for Outcome {
    fn from(became: Became) -> Self {
        let events = became.events.into_iter().map(|(id, _)| id);
        Self {
            code: became.code.id(),
            events: events.collect(),
            text: became.words,
        }
    }
}

/// A message that was processed, without its body.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProcessedView {
    app: AppId,
    id: InboxId,
    /// The source's own id of it.
    key: String,
    outcome: Outcome,
    received_at: Timestamp,
    source: String,
    title: String,
}

/// `GET .../inbox`: the one that was processed last first.
pub(crate) async fn messages(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters<PageQuery>,
) -> Answer<List<ProcessedView>> {
    let limit = query.limit();
    let before = query.before()?.map(|at| position("before", at));
    let ledger = app.engine.ledger();
    let found = ledger
        .processed(project.id, before.transpose()?, limit)
        .await?;
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|last| last.position.to_string());
    let mut shown = Vec::new();
    for message in found.into_iter().map(|archived| archived.message) {
        let became = app.engine.intake().became(&message, None).await?;
        shown.push(ProcessedView {
            app: message.app,
            id: message.id,
            key: message.key,
            outcome: became.into(),
            received_at: message.received_at,
            source: message.origin.to_string(),
            title: message.title,
        });
    }
    Ok(list(shown, next))
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
    /// What became of it.
    outcome: Outcome,
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
    let parked = record.parked.as_deref();
    let became = app.engine.intake().became(&message, parked).await?;
    Ok(Json(MessageView {
        app: message.app,
        body: String::from_utf8_lossy(&message.body).into_owned(),
        id: message.id,
        key: message.key,
        outcome: became.into(),
        parked: record.parked,
        received_at: message.received_at,
        source: message.origin.to_string(),
        title: message.title,
    }))
}
