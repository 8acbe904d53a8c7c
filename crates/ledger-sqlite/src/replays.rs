//! Replays: past events queued for an integration again.

use crate::{
    codec::{Key, micros, to_json},
    statement::{all, execute, first},
};
use domain::{DeliveryId, ProjectId, ReplayId};
use jiff::Timestamp;
use ledger::{
    FAR, NewDelivery, Progress, Replay, ReplayState, ReplayStep, Result, Turn,
    codec::{Stored, readable},
};
use rusqlite::{Connection, Params, params};

pub(crate) fn start(connection: &Connection, replay: Replay) -> Result<Replay> {
    if let Some(asked_as) = &replay.asked_as {
        let values = params![replay.project.key(), asked_as];
        let same = "project = ?1 AND json_extract(body, '$.asked_as') = ?2";
        if let Some(begun) = read(connection, same, values)?.into_iter().next() {
            return begun;
        }
    }
    execute(
        connection,
        "INSERT INTO replays (id, project, running, body) VALUES (?1, ?2, 1, ?3)",
        params![replay.id.key(), replay.project.key(), to_json(&replay)?],
    )?;
    Ok(replay)
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
    before: Option<ReplayId>,
    limit: usize,
) -> Result<Vec<Replay>> {
    let values = params![project.key(), before.map(|id| id.key()), limit];
    let page = "project = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3";
    read(connection, page, values)?.into_iter().collect()
}

pub(crate) fn one(
    connection: &Connection,
    project: ProjectId,
    id: ReplayId,
) -> Result<Option<Replay>> {
    let values = [id.key(), project.key()];
    let found = read(connection, "id = ?1 AND project = ?2", values)?;
    found.into_iter().next().transpose()
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

pub(crate) fn step(connection: &Connection, step: &ReplayStep) -> Result<bool> {
    let Some(replay) = find(connection, step.replay.id)? else {
        return Ok(false);
    };
    if replay.progress != step.replay.progress {
        return Ok(false);
    }
    let mut queued = Vec::new();
    for id in &step.again {
        let (due_at, turn) = place(step);
        let again = execute(
            connection,
            "UPDATE deliveries SET status = 0, round = 0, accepted_at = ?3, due_at = ?4, turn = ?5, tried_at = NULL
             WHERE id = ?1 AND project = ?2 AND status <> 0",
            params![
                id.key(),
                replay.project.key(),
                micros(step.progress.at),
                due_at,
                turn
            ],
        )?;
        // Otherwise sent again by hand meanwhile: on its way.
        if again > 0 {
            queued.push(*id);
        }
    }
    for delivery in &step.new {
        queue(connection, step, delivery)?;
        queued.push(delivery.id);
    }
    if step.ordered {
        begin_lines(connection, step, &queued)?;
    }
    write(connection, replay, step.progress)?;
    Ok(true)
}

/// When a delivery that is queued is due, and where it stands before its line is looked at.
fn place(step: &ReplayStep) -> (i64, i16) {
    if step.ordered {
        (micros(FAR), Turn::Waits.number())
    } else {
        (micros(step.progress.at), Turn::Goes.number())
    }
}

/// Makes a delivery. One that exists already stays as it is.
fn queue(connection: &Connection, step: &ReplayStep, delivery: &NewDelivery) -> Result<()> {
    let sql = "SELECT position FROM events WHERE id = ?1";
    let event: Option<i64> = first(connection, "events", sql, [delivery.event.key()], |row| {
        row.get(0)
    })?;
    let event = event.ok_or_else(|| {
        let problem = "a replay tells it, but it does not exist";
        Stored::new("events", &delivery.event).corrupt("id", problem)
    })?;
    let (due_at, turn) = place(step);
    execute(
        connection,
        "INSERT INTO deliveries (id, project, event, integration, endpoint, customer, message, status, attempts, round, accepted_at, due_at, turn, trace, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, ?8, ?9, ?10, ?11, '') ON CONFLICT (id) DO NOTHING",
        params![
            delivery.id.key(),
            delivery.project.key(),
            event,
            delivery.lane.integration.key(),
            delivery.lane.endpoint.id(),
            delivery.customer.key(),
            to_json(&delivery.message)?,
            micros(step.progress.at),
            due_at,
            turn,
            delivery.trace
        ],
    )
    .map(|_| ())
}

/// Of what was queued, the first of each line goes; behind what rests, a claim finds it once that is passed.
fn begin_lines(connection: &Connection, step: &ReplayStep, queued: &[DeliveryId]) -> Result<()> {
    for id in queued {
        execute(
            connection,
            "UPDATE deliveries AS d SET turn = 1, due_at = ?2 WHERE id = ?1 AND status = 0 AND turn = 0
               AND NOT EXISTS (SELECT 1 FROM deliveries b INDEXED BY deliveries_open WHERE b.customer = d.customer AND b.integration = d.integration AND b.endpoint = d.endpoint
                 AND b.status = 0 AND b.turn <> 2 AND b.event <= d.event AND (b.event < d.event OR b.position < d.position))",
            params![id.key(), micros(step.progress.at)],
        )?;
    }
    Ok(())
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
