//! Customers that are forgotten.

use crate::{
    audit,
    codec::{Found, Key, pack, to_json},
    statement::{all, execute, first},
};
use domain::{Event, InboxId, ProjectId};
use ledger::{
    CustomerRecord, Result,
    codec::{FORGOTTEN, anonymous, anonymous_as, scrub},
};
use rusqlite::{Connection, params};
use serde_json::Value;

pub(crate) fn forget(
    connection: &Connection,
    project: ProjectId,
    record: &CustomerRecord,
) -> Result<bool> {
    let forgotten = anonymous(&record.customer);
    let id = record.customer.id.key();
    let current = execute(
        connection,
        "UPDATE customers SET version = version + 1, body = ?3 WHERE id = ?1 AND version = ?2 AND project = ?4",
        params![id, record.version, to_json(&forgotten)?, project.key()],
    )?;
    if current == 0 {
        return Ok(false);
    }
    execute(connection, "DELETE FROM aliases WHERE customer = ?1", [id])?;
    execute(
        connection,
        "INSERT INTO aliases (project, app_user_id, customer) VALUES (?1, ?2, ?3)",
        params![project.key(), forgotten.app_user_id, id],
    )?;
    let names: Vec<String> = std::iter::once(&record.customer.app_user_id)
        .chain(&record.customer.aliases)
        .cloned()
        .collect();
    audit::forget(connection, project, &names)?;
    // Its events, and those it had under a name that was merged into it.
    let events: Vec<(i64, Event)> = all(
        connection,
        "events",
        "SELECT position, body FROM events WHERE customer = ?1 OR customer IN (SELECT id FROM customers WHERE merged_into = ?1)",
        [id],
        |row| Ok((row.get(0)?, row.body(1)?)),
    )?;
    for (position, mut event) in events {
        event.customer = anonymous_as(&forgotten, event.customer.id);
        execute(
            connection,
            "UPDATE events SET body = ?2 WHERE position = ?1",
            params![position, pack(to_json(&event)?.as_bytes())?],
        )?;
        // What was sent and answered about it; what happened to each attempt stays.
        execute(
            connection,
            "UPDATE attempts SET request = NULL, response = X'', headers = NULL, detail = '' WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?1)",
            [position],
        )?;
        execute(
            connection,
            "UPDATE deliveries SET detail = '' WHERE event = ?1",
            [position],
        )?;
        if let Some(inbox) = event.cause.inbox {
            forget_message(connection, inbox, &names, &forgotten.app_user_id)?;
        }
    }
    execute(
        connection,
        "UPDATE customers SET body = ?2 WHERE merged_into = ?1",
        params![id, to_json(&forgotten)?],
    )?;
    Ok(true)
}

/// Whether a customer was forgotten, under this id or that of whoever it was merged into.
pub(crate) fn is_forgotten(connection: &Connection, customer: [u8; 16]) -> Result<bool> {
    let sql = "SELECT 1 FROM customers WHERE id = ?1 AND instr(body, ?2) > 0";
    let found = first(
        connection,
        "customers",
        sql,
        params![customer, FORGOTTEN],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// What was stated about a customer; what a store signed stays as it signed it.
fn forget_message(connection: &Connection, id: InboxId, names: &[String], by: &str) -> Result<()> {
    let body = first(
        connection,
        "inbox",
        "SELECT id, body FROM inbox WHERE id = ?1 AND source NOT IN ('app_store', 'play_store', 'stripe')",
        [id.key()],
        |row| Found::unpacked(row, 1),
    )?;
    let Some(body) = body else { return Ok(()) };
    if let Ok(mut value) = serde_json::from_slice::<Value>(&body) {
        scrub(&mut value, names, by);
        execute(
            connection,
            "UPDATE inbox SET body = ?2 WHERE id = ?1",
            params![id.key(), pack(value.to_string().as_bytes())?],
        )?;
    }
    Ok(())
}
