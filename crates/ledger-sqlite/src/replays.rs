//! Replays: past events queued for an integration again.

use crate::{
    codec::{Key, micros, to_json},
    statement::{all, execute, first},
};
use domain::{ProjectId, ReplayId};
use jiff::Timestamp;
use ledger::{
    NewDelivery, Progress, Replay, ReplayState, ReplayStep, Result,
    codec::{Stored, readable},
};
use rusqlite::{Connection, Params, params};

pub(crate) fn start(connection: &Connection, replay: &Replay) -> Result<()> {
    execute(
        connection,
        "INSERT INTO replays (id, project, running, body) VALUES (?1, ?2, 1, ?3)",
        params![replay.id.key(), replay.project.key(), to_json(replay)?],
    )
    .map(|_| ())
}

fn read(
    connection: &Connection,
    condition: &str,
    values: impl Params,
) -> Result<Vec<Result<Replay>>> {
    let sql = format!("SELECT id, body FROM replays WHERE {condition}");
    all(connection, "replays", &sql, values, |row| Ok(row.json(1)))
}

pub(crate) fn of_project(
    connection: &Connection,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<Replay>> {
    let values = params![project.key(), limit];
    let found = read(connection, "project = ?1 ORDER BY id DESC LIMIT ?2", values)?;
    found.into_iter().collect()
}

pub(crate) fn running(connection: &Connection) -> Result<Vec<Replay>> {
    Ok(readable(read(connection, "running = 1 ORDER BY id", [])?))
}

/// A replay that goes on, as it stands now.
fn find(connection: &Connection, id: ReplayId) -> Result<Option<Replay>> {
    let found = read(connection, "id = ?1 AND running = 1", [id.key()])?;
    found.into_iter().next().transpose()
}

fn write(connection: &Connection, mut replay: Replay, progress: Progress) -> Result<()> {
    replay.progress = progress;
    let (is_running, body) = (progress.state == ReplayState::Running, to_json(&replay)?);
    execute(
        connection,
        "UPDATE replays SET running = ?2, body = ?3 WHERE id = ?1",
        params![replay.id.key(), is_running, body],
    )
    .map(|_| ())
}

/// A delivery among those of its customer to its integration.
struct Line {
    customer: [u8; 16],
    integration: [u8; 16],
    /// Position of its event.
    event: i64,
}

/// When a delivery is due, and what it waits for: the customer's open delivery whose event comes right before its own, if there is one.
fn queued(
    connection: &Connection,
    step: &ReplayStep,
    line: &Line,
) -> Result<(i64, Option<[u8; 16]>)> {
    let at = micros(step.progress.at);
    let Some(until) = step.waits_until else {
        return Ok((at, None));
    };
    let before = first(
        connection,
        "deliveries",
        "SELECT id FROM deliveries WHERE customer = ?1 AND integration = ?2 AND status = 0 AND event < ?3 ORDER BY event DESC, position DESC LIMIT 1",
        params![line.customer, line.integration, line.event],
        |row| row.get(0),
    )?;
    Ok((before.map_or(at, |_| micros(until)), before))
}

pub(crate) fn step(connection: &Connection, step: &ReplayStep) -> Result<bool> {
    let Some(replay) = find(connection, step.replay.id)? else {
        return Ok(false);
    };
    if replay.progress != step.replay.progress {
        return Ok(false);
    }
    for id in &step.again {
        let line = first(
            connection,
            "deliveries",
            "SELECT id, customer, integration, event FROM deliveries WHERE id = ?1 AND project = ?2 AND status <> 0",
            params![id.key(), replay.project.key()],
            |row| {
                Ok(Line {
                    customer: row.get(1)?,
                    integration: row.get(2)?,
                    event: row.get(3)?,
                })
            },
        )?;
        // Sent again by hand meanwhile: on its way.
        let Some(line) = line else { continue };
        let (due_at, waits_for) = queued(connection, step, &line)?;
        execute(
            connection,
            "UPDATE deliveries SET status = 0, round = 0, accepted_at = ?2, due_at = ?3, waits_for = ?4 WHERE id = ?1",
            params![id.key(), micros(step.progress.at), due_at, waits_for],
        )?;
    }
    for delivery in &step.new {
        queue(connection, step, delivery)?;
    }
    write(connection, replay, step.progress)?;
    Ok(true)
}

/// Makes a delivery. One that exists already stays as it is.
fn queue(connection: &Connection, step: &ReplayStep, delivery: &NewDelivery) -> Result<()> {
    let sql = "SELECT position FROM events WHERE id = ?1";
    let event = first(connection, "events", sql, [delivery.event.key()], |row| {
        row.get(0)
    })?;
    let line = Line {
        customer: delivery.customer.key(),
        integration: delivery.integration.key(),
        event: event.ok_or_else(|| {
            let problem = "a replay tells it, but it does not exist";
            Stored::new("events", &delivery.event).corrupt("id", problem)
        })?,
    };
    let (due_at, waits_for) = queued(connection, step, &line)?;
    execute(
        connection,
        "INSERT INTO deliveries (id, project, event, integration, customer, message, status, attempts, round, accepted_at, due_at, waits_for, trace, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, ?9, ?10, '') ON CONFLICT (id) DO NOTHING",
        params![
            delivery.id.key(),
            delivery.project.key(),
            line.event,
            line.integration,
            line.customer,
            to_json(&delivery.message)?,
            micros(step.progress.at),
            due_at,
            waits_for,
            delivery.trace
        ],
    )
    .map(|_| ())
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
