//! Deliveries: what was sent, to whom, and what was answered.
//!
//! Tests: `crates/api/tests/resources/deliveries.rs`.

use super::answer::{Answer, List, list};
use axum::extract::{Path, State};
use domain::{
    CustomerId, DeliveryId, EventId, EventKind, Headers, IntegrationId, Message, NotSent,
};
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
    pub(crate) message: PlannedView,
    pub(crate) state: DeliveryState,
    pub(crate) reason: Option<NotSent>,
    pub(crate) reason_text: Option<&'static str>,
    pub(crate) attempts: u32,
    pub(crate) accepted_at: Timestamp,
    /// When it is tried next; `null` once settled.
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) request: Option<RequestView>,
    pub(crate) last_attempt: Option<AttemptView>,
}

impl From<DeliveryRecord> for DeliveryView {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            id: record.id,
            event: record.event,
            kind: record.kind,
            customer: record.customer,
            integration: record.integration,
            message: record.message.into(),
            state: record.state,
            reason: record.reason,
            reason_text: record.reason.map(NotSent::text),
            attempts: record.attempts,
            accepted_at: record.accepted_at,
            due_at: (record.state == DeliveryState::Pending && !record.waits)
                .then_some(record.due_at),
            request: record.request.map(RequestView::from),
            last_attempt: record.last.map(AttemptView::from),
        }
    }
}

/// One message of one event.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct PlannedView {
    /// What the destination calls it.
    name: String,
    /// The shape it was planned for, where its destination has several: settings may change while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// Kept beside the payload in the delivery record, as the samples of the Slack integration show.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_identifier: Option<String>,
    /// The app it came from, beside the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
}

impl From<Message> for PlannedView {
    fn from(planned: Message) -> Self {
        Self {
            name: planned.name,
            format: planned.format,
            product_identifier: planned.product_identifier,
            app_id: planned.app_id,
        }
    }
}

/// A request as people may see it.
#[derive(Serialize, ToSchema)]
#[schema(as = SentRequest)]
pub(crate) struct RequestView {
    /// What was done with it: a method of HTTP, or `PUB`, where it was published.
    method: String,
    /// URL, masked where it is a secret.
    url: String,
    /// Headers, masked where they are secrets.
    #[schema(value_type = Vec<(String, String)>)]
    headers: Headers,
    /// Body as sent, masked where it holds secrets.
    body: String,
    /// What else was sent in the same attempt, before it or with it, in words; absent where there was nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    also: String,
}

impl From<SentRequest> for RequestView {
    fn from(sent: SentRequest) -> Self {
        Self {
            method: sent.method,
            url: sent.url,
            headers: sent.headers,
            body: sent.body,
            also: sent.also,
        }
    }
}

/// An attempt as people read it.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptRecord)]
pub(crate) struct AttemptView {
    /// 1 for the first.
    number: u32,
    /// When it began.
    at: Timestamp,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// Status code, if there was an answer.
    status: Option<u16>,
    /// Headers of the answer that are kept.
    #[schema(value_type = Vec<(String, String)>)]
    headers: Headers,
    /// The beginning of the answer.
    response: String,
    /// Why it failed.
    reason: Option<NotSent>,
    /// What people read about it.
    detail: String,
}

impl From<AttemptRecord> for AttemptView {
    fn from(record: AttemptRecord) -> Self {
        Self {
            number: record.number,
            at: record.at,
            duration_ms: record.duration_ms,
            status: record.status,
            headers: record.headers,
            response: record.response,
            reason: record.reason,
            detail: record.detail,
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
    attempts: Vec<AttemptView>,
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
    Ok(Json(Detail {
        attempts: attempts.into_iter().map(AttemptView::from).collect(),
        delivery: DeliveryView::from(record),
    }))
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
