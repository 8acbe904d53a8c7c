//! Customers that are forgotten.

use crate::codec::{Key, failed, from_json, pack, to_json, unpack};
use domain::{Event, ProjectId};
use ledger::{
    CustomerRecord, Result,
    codec::{anonymous, anonymous_as, scrub},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

pub(crate) fn forget(
    connection: &Connection,
    project: ProjectId,
    record: &CustomerRecord,
) -> Result<bool> {
    let forgotten = anonymous(&record.customer);
    let id = record.customer.id.key();
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(failed)
    };
    let current = execute(
        "UPDATE customers SET version = version + 1, body = ?3 WHERE id = ?1 AND version = ?2 AND project = ?4",
        params![id, record.version, to_json(&forgotten)?, project.key()],
    )?;
    if current == 0 {
        return Ok(false);
    }
    execute("DELETE FROM aliases WHERE customer = ?1", params![id])?;
    execute(
        "INSERT INTO aliases (project, app_user_id, customer) VALUES (?1, ?2, ?3)",
        params![project.key(), forgotten.app_user_id, id],
    )?;
    let names: Vec<String> = std::iter::once(&record.customer.app_user_id)
        .chain(&record.customer.aliases)
        .cloned()
        .collect();
    // Its events, and those it had under a name that was merged into it.
    let mut statement = connection
        .prepare_cached("SELECT position, body FROM events WHERE customer = ?1 OR customer IN (SELECT id FROM customers WHERE merged_into = ?1)")
        .map_err(failed)?;
    let rows: Vec<(i64, Vec<u8>)> = statement
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    for (position, body) in rows {
        let mut event: Event = from_json(&unpack(&body, "events", position)?, "events", position)?;
        let cause = event.cause.inbox;
        event.customer = anonymous_as(&forgotten, event.customer.id);
        execute(
            "UPDATE events SET body = ?2 WHERE position = ?1",
            params![position, pack(to_json(&event)?.as_bytes())],
        )?;
        // What was sent and answered about it; what happened to each attempt stays.
        execute(
            "UPDATE attempts SET request = NULL, response = ?2 WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?1)",
            params![position, pack(b"")],
        )?;
        let Some(inbox) = cause else { continue };
        let message: Option<Vec<u8>> = connection
            .prepare_cached("SELECT body FROM inbox WHERE id = ?1 AND source NOT IN ('app_store', 'play_store', 'stripe')")
            .and_then(|mut statement| statement.query_row([inbox.key()], |row| row.get(0)).optional())
            .map_err(failed)?;
        let Some(body) = message else { continue };
        if let Ok(mut value) = serde_json::from_slice::<Value>(&unpack(&body, "inbox", inbox)?) {
            scrub(&mut value, &names, &forgotten.app_user_id);
            execute(
                "UPDATE inbox SET body = ?2 WHERE id = ?1",
                params![inbox.key(), pack(value.to_string().as_bytes())],
            )?;
        }
    }
    execute(
        "UPDATE customers SET body = ?2 WHERE merged_into = ?1",
        params![id, to_json(&forgotten)?],
    )?;
    Ok(true)
}
