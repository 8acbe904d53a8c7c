//! Deliveries and attempts, as people read them.

use crate::{
    codec::{Found, Key},
    statement::{all, first},
};
use domain::{DeliveryId, ProjectId};
use ledger::{AttemptRecord, DeliveryFilter, DeliveryRecord, Result};
use rusqlite::{Connection, ToSql, params};

const DELIVERY: &str =
    "d.id, e.id, e.kind, d.customer, d.integration, d.message, d.status, d.reason, d.attempts, d.accepted_at, d.due_at,
    d.turn = 0, a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail, a.headers, a.request
    FROM deliveries d JOIN events e ON e.position = d.event LEFT JOIN attempts a ON a.delivery = d.id AND a.number = d.attempts";

fn record(row: &Found<'_>) -> Result<DeliveryRecord> {
    let tried = row.of("attempts");
    Ok(DeliveryRecord {
        id: row.id(0)?,
        event: row.id(1)?,
        kind: row.of("events").kind(2)?,
        customer: row.id(3)?,
        integration: row.id(4)?,
        message: row.json(5)?,
        state: row.state(6)?,
        reason: row.maybe(7, Found::reason)?,
        attempts: row.get(8)?,
        accepted_at: row.time(9)?,
        due_at: row.time(10)?,
        waits: row.get(11)?,
        last: tried.maybe(12, attempt)?,
        request: tried.maybe(20, Found::body)?,
    })
}

/// From the columns that begin with its number.
fn attempt(row: &Found<'_>, first: usize) -> Result<AttemptRecord> {
    let response: Vec<u8> = row.get(first + 4)?;
    Ok(AttemptRecord {
        number: row.get(first)?,
        at: row.time(first + 1)?,
        duration_ms: row.get(first + 2)?,
        status: row.get(first + 3)?,
        response: String::from_utf8_lossy(&response).into_owned(),
        reason: row.maybe(first + 5, Found::reason)?,
        detail: row.get(first + 6)?,
        headers: row.maybe(first + 7, Found::json)?.unwrap_or_default(),
    })
}

pub(crate) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    // Only what is asked for stands in the statement, so that each question finds its own index.
    let mut sql = format!("SELECT {DELIVERY} WHERE 1");
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
        sql.push_str(&state.number().to_string());
    }
    let sql = format!("{sql} ORDER BY d.position DESC LIMIT {limit}");
    let values = rusqlite::params_from_iter(values.iter());
    all(connection, "deliveries", &sql, values, record)
}

pub(crate) fn delivery(
    connection: &Connection,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>> {
    let sql = format!("SELECT {DELIVERY} WHERE d.id = ?1 AND d.project = ?2");
    let values = params![id.key(), project.key()];
    first(connection, "deliveries", &sql, values, record)
}

pub(crate) fn attempts(connection: &Connection, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
    all(
        connection,
        "attempts",
        "SELECT delivery, number, at, took_ms, status, response, reason, detail, headers FROM attempts WHERE delivery = ?1 ORDER BY number",
        [id.key()],
        |row| attempt(row, 1),
    )
}
