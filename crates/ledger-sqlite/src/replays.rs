//! Replays: past events queued for an integration again.

use crate::codec::{Key, failed, from_json, micros, to_json};
use domain::{ProjectId, ReplayId};
use jiff::Timestamp;
use ledger::{Progress, Replay, ReplayState, ReplayStep, Result};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

pub(crate) fn start(connection: &Connection, replay: &Replay) -> Result<()> {
    connection
        .execute(
            "INSERT INTO replays (id, project, running, body) VALUES (?1, ?2, 1, ?3)",
            params![replay.id.key(), replay.project.key(), to_json(replay)?],
        )
        .map(|_| ())
        .map_err(failed)
}

fn read(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<Replay>> {
    let rows: Vec<String> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_map(values, |row| row.get(0))
                .and_then(Iterator::collect)
        })
        .map_err(failed)?;
    rows.iter()
        .map(|body| from_json(body.as_bytes(), "replays", "row"))
        .collect()
}

pub(crate) fn of_project(
    connection: &Connection,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<Replay>> {
    let sql = "SELECT body FROM replays WHERE project = ?1 ORDER BY id DESC LIMIT ?2";
    read(connection, sql, params![project.key(), limit])
}

pub(crate) fn running(connection: &Connection) -> Result<Vec<Replay>> {
    let sql = "SELECT body FROM replays WHERE running = 1 ORDER BY id";
    read(connection, sql, &[])
}

/// A replay that goes on, as it stands now.
fn find(connection: &Connection, id: ReplayId) -> Result<Option<Replay>> {
    let sql = "SELECT body FROM replays WHERE id = ?1 AND running = 1";
    Ok(read(connection, sql, params![id.key()])?.pop())
}

fn write(connection: &Connection, mut replay: Replay, progress: Progress) -> Result<()> {
    replay.progress = progress;
    let (is_running, body) = (progress.state == ReplayState::Running, to_json(&replay)?);
    connection
        .prepare_cached("UPDATE replays SET running = ?2, body = ?3 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![replay.id.key(), is_running, body]))
        .map(|_| ())
        .map_err(failed)
}

/// The customer's open delivery to the integration whose event comes right before this one's, if there is one.
const PREDECESSOR: &str = "SELECT id FROM deliveries WHERE customer = ?1 AND integration = ?2 AND status = 0 AND event < ?3 ORDER BY event DESC, position DESC LIMIT 1";

fn predecessor(
    connection: &Connection,
    customer: [u8; 16],
    integration: [u8; 16],
    event: i64,
) -> Result<Option<[u8; 16]>> {
    connection
        .prepare_cached(PREDECESSOR)
        .and_then(|mut statement| {
            statement
                .query_row(params![customer, integration, event], |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

pub(crate) fn step(connection: &Connection, step: &ReplayStep) -> Result<bool> {
    let Some(replay) = find(connection, step.replay.id)? else {
        return Ok(false);
    };
    if replay.progress != step.replay.progress {
        return Ok(false);
    }
    let at = micros(step.progress.at);
    let due = |waits_for: Option<[u8; 16]>| match (waits_for, step.waits_until) {
        (Some(_), Some(until)) => micros(until),
        _ => at,
    };
    let mut again = connection
        .prepare_cached("SELECT customer, integration, event FROM deliveries WHERE id = ?1 AND project = ?2 AND status <> 0")
        .map_err(failed)?;
    for id in &step.again {
        let row: Option<([u8; 16], [u8; 16], i64)> = again
            .query_row(params![id.key(), replay.project.key()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .map_err(failed)?;
        // Sent again by hand meanwhile: on its way.
        let Some((customer, integration, event)) = row else {
            continue;
        };
        let waits_for = match step.waits_until {
            Some(_) => predecessor(connection, customer, integration, event)?,
            None => None,
        };
        connection
            .prepare_cached("UPDATE deliveries SET status = 0, round = 0, accepted_at = ?2, due_at = ?3, waits_for = ?4 WHERE id = ?1")
            .and_then(|mut statement| {
                statement.execute(params![id.key(), at, due(waits_for), waits_for])
            })
            .map_err(failed)?;
    }
    for delivery in &step.new {
        let event: i64 = connection
            .prepare_cached("SELECT position FROM events WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([delivery.event.key()], |row| row.get(0)))
            .map_err(failed)?;
        let (customer, integration) = (delivery.customer.key(), delivery.integration.key());
        let waits_for = match step.waits_until {
            Some(_) => predecessor(connection, customer, integration, event)?,
            None => None,
        };
        let message = to_json(&delivery.message)?;
        connection
            .prepare_cached(
                "INSERT INTO deliveries (id, project, event, integration, customer, message, status, attempts, round, accepted_at, due_at, waits_for, trace, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, ?9, ?10, '') ON CONFLICT (id) DO NOTHING",
            )
            .and_then(|mut statement| {
                statement.execute(params![delivery.id.key(), delivery.project.key(), event, integration, customer, message, at, due(waits_for), waits_for, delivery.trace])
            })
            .map_err(failed)?;
    }
    write(connection, replay, step.progress)?;
    Ok(true)
}

pub(crate) fn cancel(
    connection: &Connection,
    project: ProjectId,
    id: ReplayId,
    now: Timestamp,
) -> Result<bool> {
    let Some(replay) = find(connection, id)?.filter(|replay| replay.project == project) else {
        return Ok(false);
    };
    let progress = Progress {
        state: ReplayState::Cancelled,
        at: now,
        ..replay.progress
    };
    write(connection, replay, progress)?;
    Ok(true)
}
