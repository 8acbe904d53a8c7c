//! Deliveries and attempts, as people read them.

use crate::codec::{count, failed, kind, reason, rows, state_of, status_of, time, unsigned};
use domain::{CustomerId, DeliveryId, EventId, IntegrationId, ProjectId};
use ledger::{
    AttemptRecord, DeliveryFilter, DeliveryRecord, Result, SentRequest,
    codec::{from_json, unpack},
};
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
    request: Option<Vec<u8>>,
}

impl RawDelivery {
    fn decode(self) -> Result<DeliveryRecord> {
        let id = DeliveryId::new(self.id);
        let request = self
            .request
            .map(|packed| {
                from_json::<SentRequest>(&unpack(&packed, "attempts", id)?, "attempts", id)
            })
            .transpose()?;
        let last = match (self.number, self.at) {
            (Some(number), Some(at)) => Some(
                RawAttempt {
                    number,
                    at,
                    took_ms: self.took_ms.unwrap_or_default(),
                    status: self.answered,
                    response: self.response.unwrap_or_default(),
                    reason: self.because,
                    detail: self.detail.unwrap_or_default(),
                }
                .decode()?,
            ),
            _ => None,
        };
        Ok(DeliveryRecord {
            id,
            event: EventId::new(self.event),
            kind: kind(&self.kind, "events")?,
            customer: CustomerId::new(self.customer),
            integration: IntegrationId::new(self.integration),
            message: from_json(self.message.as_bytes(), "deliveries", id)?,
            state: state_of(self.status),
            reason: reason(self.reason.as_deref()),
            attempts: count(self.attempts),
            accepted_at: time(self.accepted_at, "deliveries")?,
            due_at: time(self.due_at, "deliveries")?,
            waits: self.waits,
            request,
            last,
        })
    }
}

struct RawAttempt {
    number: i32,
    at: i64,
    took_ms: i64,
    status: Option<i32>,
    response: Vec<u8>,
    reason: Option<String>,
    detail: String,
}

impl RawAttempt {
    fn decode(self) -> Result<AttemptRecord> {
        Ok(AttemptRecord {
            number: count(self.number),
            at: time(self.at, "attempts")?,
            duration_ms: unsigned(self.took_ms),
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            response: String::from_utf8_lossy(&self.response).into_owned(),
            reason: reason(self.reason.as_deref()),
            detail: self.detail,
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
             d.waits_for is not null as "waits!", a.number as "number?", a.at as "at?", a.took_ms as "took_ms?", a.status as answered,
             a.response as "response?", a.reason as because, a.detail as "detail?", a.request
           from deliveries d join events e on e.customer = d.customer and e.id = d.event
           left join attempts a on a.customer = d.customer and a.delivery = d.id and a.number = d.attempts
           where ($1::uuid is null or d.project = $1) and ($2::uuid is null or d.integration = $2) and ($3::smallint is null or d.status = $3)
             and ($6::uuid is null or d.id = $6) and ($4::uuid is null or d.position < (select position from deliveries where id = $4))
           order by d.position desc limit $5"#,
        filter.project.map(ProjectId::uuid),
        filter.integration.map(IntegrationId::uuid),
        filter.state.map(status_of),
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
        "select a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail from attempts a
         join deliveries d on d.customer = a.customer and d.id = a.delivery where d.id = $1 order by a.number",
        id.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(RawAttempt::decode)
    .collect()
}
