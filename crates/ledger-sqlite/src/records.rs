//! Deliveries and attempts, as people read them.

use crate::{
    codec::{Key, corrupt, failed, from_json, time, unpack, uuid},
    deliveries::{DELIVERED, FAILED, PENDING},
};
use domain::{CustomerId, DeliveryId, EventId, EventKind, IntegrationId, NotSent, ProjectId};
use ledger::{AttemptRecord, DeliveryFilter, DeliveryRecord, DeliveryState, Result, SentRequest};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

pub(crate) fn state_of(status: i64) -> DeliveryState {
    match status {
        DELIVERED => DeliveryState::Delivered,
        FAILED => DeliveryState::Failed,
        _ => DeliveryState::Pending,
    }
}

pub(crate) fn status_of(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Pending => PENDING,
        DeliveryState::Delivered => DELIVERED,
        DeliveryState::Failed => FAILED,
    }
}

const DELIVERY_COLUMNS: &str =
    "d.id, e.id, e.kind, d.customer, d.integration, d.message, d.status, d.reason, d.attempts, d.accepted_at, d.due_at,
    a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail, a.request, d.waits_for IS NOT NULL
    FROM deliveries d JOIN events e ON e.position = d.event LEFT JOIN attempts a ON a.delivery = d.id AND a.number = d.attempts";

fn attempt(row: &Row<'_>, first: usize) -> rusqlite::Result<AttemptRecord> {
    let response: Vec<u8> = row.get(first + 4)?;
    let reason: Option<String> = row.get(first + 5)?;
    Ok(AttemptRecord {
        number: row.get(first)?,
        at: time(row, first + 1)?,
        duration_ms: row.get(first + 2)?,
        status: row.get(first + 3)?,
        response: String::from_utf8_lossy(&response).into_owned(),
        reason: reason.as_deref().and_then(NotSent::from_id),
        detail: row.get(first + 6)?,
    })
}

fn delivery_row(row: &Row<'_>) -> rusqlite::Result<Result<DeliveryRecord>> {
    let (kind, message, reason): (String, String, Option<String>) =
        (row.get(2)?, row.get(5)?, row.get(7)?);
    let id = DeliveryId::new(uuid(row, 0)?);
    let last = row
        .get::<_, Option<u32>>(11)?
        .map(|_| attempt(row, 11))
        .transpose()?;
    let packed: Option<Vec<u8>> = row.get(18)?;
    let request = packed
        .map(|packed| {
            unpack(&packed, "attempts", id)
                .and_then(|json| from_json::<SentRequest>(&json, "attempts", id))
        })
        .transpose();
    let (event, customer, integration) = (
        EventId::new(uuid(row, 1)?),
        CustomerId::new(uuid(row, 3)?),
        IntegrationId::new(uuid(row, 4)?),
    );
    let (state, attempts, accepted_at, due_at, waits) = (
        state_of(row.get(6)?),
        row.get(8)?,
        time(row, 9)?,
        time(row, 10)?,
        row.get(19)?,
    );
    Ok((|| {
        Ok(DeliveryRecord {
            id,
            event,
            kind: EventKind::from_id(&kind)
                .ok_or_else(|| corrupt("events", event, format!("unknown kind {kind}")))?,
            customer,
            integration,
            message: from_json(message.as_bytes(), "deliveries", id)?,
            state,
            reason: reason.as_deref().and_then(NotSent::from_id),
            attempts,
            accepted_at,
            due_at,
            waits,
            request: request?,
            last,
        })
    })())
}

pub(crate) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    // Only what is asked for stands in the statement, so that each question finds its own index.
    let mut sql = format!("SELECT {DELIVERY_COLUMNS} WHERE 1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(project) = filter.project {
        // An integration is of one project: its own index serves better.
        let column = if filter.integration.is_some() {
            "+d.project = ?"
        } else {
            "d.project = ?"
        };
        also(column, Box::new(project.key()));
    }
    if let Some(integration) = filter.integration {
        also("d.integration = ?", Box::new(integration.key()));
    }
    if let Some(before) = before {
        let condition = "d.position < (SELECT position FROM deliveries WHERE id = ?)";
        also(condition, Box::new(before.key()));
    }
    if let Some(state) = filter.state {
        // A literal: a bound value does not match the condition of a partial index.
        sql.push_str(" AND d.status = ");
        sql.push_str(&status_of(state).to_string());
    }
    let sql = format!("{sql} ORDER BY d.position DESC LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let values = rusqlite::params_from_iter(values.iter());
    let rows: Vec<Result<DeliveryRecord>> = statement
        .query_map(values, delivery_row)
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter().collect()
}

pub(crate) fn delivery(
    connection: &Connection,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {DELIVERY_COLUMNS} WHERE d.id = ?1 AND d.project = ?2"
        ))
        .map_err(failed)?;
    statement
        .query_row(params![id.key(), project.key()], delivery_row)
        .optional()
        .map_err(failed)?
        .transpose()
}

pub(crate) fn attempts(connection: &Connection, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
    let mut statement = connection
        .prepare_cached("SELECT number, at, took_ms, status, response, reason, detail FROM attempts WHERE delivery = ?1 ORDER BY number")
        .map_err(failed)?;
    statement
        .query_map([id.key()], |row| attempt(row, 0))
        .and_then(Iterator::collect)
        .map_err(failed)
}
