//! Deliveries and attempts, as people read them.

use crate::codec::{failed, rows};
use domain::{CustomerId, DeliveryId, EventId, IntegrationId, NotSent, ProjectId};
use ledger::{AttemptRecord, DeliveryFilter, DeliveryRecord, DeliveryState, Result, codec::Stored};
use sqlx::PgPool;
use uuid::Uuid;

struct RawDelivery {
    id: Uuid,
    event: Uuid,
    kind: String,
    customer: Uuid,
    integration: Uuid,
    message: String,
    status: i16,
    reason: Option<String>,
    attempts: i32,
    accepted_at: i64,
    due_at: i64,
    waits: bool,
    number: Option<i32>,
    at: Option<i64>,
    took_ms: Option<i64>,
    answered: Option<i32>,
    response: Option<Vec<u8>>,
    because: Option<String>,
    detail: Option<String>,
    headers: Option<String>,
    request: Option<Vec<u8>>,
}

impl RawDelivery {
    fn decode(self) -> Result<DeliveryRecord> {
        let (of, tried) = (
            Stored::new("deliveries", &self.id),
            Stored::new("attempts", &self.id),
        );
        // The columns of an attempt come together.
        let last = match (
            self.number,
            self.at,
            self.took_ms,
            self.response,
            self.detail,
        ) {
            (Some(number), Some(at), Some(took_ms), Some(response), Some(detail)) => {
                let attempt = RawAttempt {
                    number,
                    at,
                    took_ms,
                    status: self.answered,
                    response,
                    reason: self.because,
                    detail,
                    headers: self.headers,
                };
                Some(attempt.decode(&tried)?)
            }
            _ => None,
        };
        Ok(DeliveryRecord {
            id: DeliveryId::new(self.id),
            event: EventId::new(self.event),
            kind: Stored::new("events", &self.event).kind("kind", &self.kind)?,
            customer: CustomerId::new(self.customer),
            integration: IntegrationId::new(self.integration),
            message: of.json("message", self.message.as_bytes())?,
            state: of.state("status", self.status)?,
            reason: reason(&of, self.reason)?,
            attempts: of.number("attempts", self.attempts)?,
            accepted_at: of.time("accepted_at", self.accepted_at)?,
            due_at: of.time("due_at", self.due_at)?,
            waits: self.waits,
            request: self
                .request
                .map(|packed| tried.body("request", &packed))
                .transpose()?,
            last,
        })
    }
}

fn reason(of: &Stored<'_>, id: Option<String>) -> Result<Option<NotSent>> {
    id.map(|id| of.reason("reason", &id)).transpose()
}

struct RawAttempt {
    number: i32,
    at: i64,
    took_ms: i64,
    status: Option<i32>,
    response: Vec<u8>,
    reason: Option<String>,
    detail: String,
    headers: Option<String>,
}

impl RawAttempt {
    fn decode(self, of: &Stored<'_>) -> Result<AttemptRecord> {
        let status = self.status.map(|status| of.number("status", status));
        let headers = self.headers.as_deref();
        let headers = headers.map(|headers| of.json("headers", headers.as_bytes()));
        Ok(AttemptRecord {
            number: of.number("number", self.number)?,
            at: of.time("at", self.at)?,
            duration_ms: of.number("took_ms", self.took_ms)?,
            status: status.transpose()?,
            response: String::from_utf8_lossy(&self.response).into_owned(),
            reason: reason(of, self.reason)?,
            detail: self.detail,
            headers: headers.transpose()?.unwrap_or_default(),
        })
    }
}

async fn records(
    pool: &PgPool,
    filter: &DeliveryFilter,
    one: Option<DeliveryId>,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    sqlx::query_as!(
        RawDelivery,
        r#"select d.id, d.event, e.kind, d.customer, d.integration, d.message, d.status, d.reason, d.attempts, d.accepted_at, d.due_at,
             (d.turn = 0 or d.waits_for is not null) as "waits!", a.number as "number?", a.at as "at?", a.took_ms as "took_ms?", a.status as answered,
             a.response as "response?", a.reason as because, a.detail as "detail?", a.headers, a.request
           from deliveries d join events e on e.customer = d.customer and e.id = d.event
           left join attempts a on a.customer = d.customer and a.delivery = d.id and a.number = d.attempts
           where ($1::uuid is null or d.project = $1) and ($2::uuid is null or d.integration = $2) and ($3::smallint is null or d.status = $3)
             and ($6::uuid is null or d.id = $6) and ($4::uuid is null or d.position < (select position from deliveries where id = $4))
           order by d.position desc limit $5"#,
        filter.project.map(ProjectId::uuid),
        filter.integration.map(IntegrationId::uuid),
        filter.state.map(DeliveryState::number),
        before.map(DeliveryId::uuid),
        rows(limit),
        one.map(DeliveryId::uuid)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(RawDelivery::decode)
    .collect()
}

pub(crate) async fn deliveries(
    pool: &PgPool,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    records(pool, filter, None, before, limit).await
}

pub(crate) async fn delivery(
    pool: &PgPool,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>> {
    let filter = DeliveryFilter {
        project: Some(project),
        ..DeliveryFilter::default()
    };
    Ok(records(pool, &filter, Some(id), None, 1).await?.pop())
}

pub(crate) async fn attempts(pool: &PgPool, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
    sqlx::query_as!(
        RawAttempt,
        "select a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail, a.headers from attempts a
         join deliveries d on d.customer = a.customer and d.id = a.delivery where d.id = $1 order by a.number",
        id.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(|attempt| attempt.decode(&Stored::new("attempts", &id)))
    .collect()
}
