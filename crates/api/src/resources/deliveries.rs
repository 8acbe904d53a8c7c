//! Deliveries: what was sent, to whom, and what was answered.

use super::answer::{Answer, List, list};
use axum::extract::{Path, State};
use domain::{CustomerId, DeliveryId, EventId, EventKind, IntegrationId, Message, NotSent};
use jiff::Timestamp;
use ledger::{AttemptRecord, DeliveryRecord, DeliveryState, SentRequest};
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::Empty,
    audit::{Effect, Subject},
    body::Json,
    problem::Problem,
    project::InProject,
    query::{DeliveryQuery, Filters, parse},
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
            "/api/v1/projects/{project}/deliveries",
            Read,
            "Last sent events, with request, response and reason",
            deliveries,
        ),
        Route::operation(
            Get,
            "/api/v1/projects/{project}/deliveries/{id}",
            Read,
            "One delivery with every attempt",
            delivery,
        ),
        Route::operation(
            Post(Does("resend delivery", Subject::Path("id"))),
            "/api/v1/projects/{project}/deliveries/{id}/resend",
            Write,
            "Sends a delivery again, with its original id",
            resend,
        ),
    ]
}

/// A delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    pub(crate) id: DeliveryId,
    pub(crate) event: EventId,
    pub(crate) kind: EventKind,
    pub(crate) customer: CustomerId,
    pub(crate) integration: IntegrationId,
    pub(crate) message: Message,
    pub(crate) state: DeliveryState,
    pub(crate) reason: Option<NotSent>,
    pub(crate) reason_text: Option<&'static str>,
    pub(crate) attempts: u32,
    pub(crate) accepted_at: Timestamp,
    /// When it is tried next; `null` once settled.
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) request: Option<SentRequest>,
    pub(crate) last_attempt: Option<AttemptRecord>,
}

impl From<DeliveryRecord> for DeliveryView {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            id: record.id,
            event: record.event,
            kind: record.kind,
            customer: record.customer,
            integration: record.integration,
            message: record.message,
            state: record.state,
            reason: record.reason,
            reason_text: record.reason.map(NotSent::text),
            attempts: record.attempts,
            accepted_at: record.accepted_at,
            due_at: (record.state == DeliveryState::Pending && !record.waits)
                .then_some(record.due_at),
            request: record.request,
            last_attempt: record.last,
        }
    }
}

pub(crate) async fn deliveries(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters<DeliveryQuery>,
) -> Answer<List<DeliveryView>> {
    let filter = query.filter(&project)?;
    let (before, limit) = (query.before()?, query.limit());
    let rows = app
        .engine
        .ledger()
        .deliveries(&filter, before, limit)
        .await?;
    let next = (rows.len() == limit)
        .then(|| rows.last().map(|row| row.id.to_string()))
        .flatten();
    Ok(list(rows.into_iter().map(DeliveryView::from), next))
}

/// A delivery with every attempt, first to last.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryDetail)]
pub(crate) struct Detail {
    attempts: Vec<AttemptRecord>,
    delivery: DeliveryView,
}

pub(crate) async fn delivery(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer<Detail> {
    let record = app
        .engine
        .ledger()
        .delivery(project.id, parse("delivery", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id))?;
    let attempts = app.engine.ledger().attempts(record.id).await?;
    let delivery = DeliveryView::from(record);
    Ok(Json(Detail { attempts, delivery }))
}

pub(crate) async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Empty<202>, Problem> {
    let resent = app
        .engine
        .dispatch()
        .resend(project.id, parse("delivery", &id)?)
        .await?;
    if resent {
        Ok(Empty)
    } else {
        Err(Problem::not_found("delivery", &id))
    }
}
