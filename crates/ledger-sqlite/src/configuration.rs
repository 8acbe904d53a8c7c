//! Configuration: one row per thing, its content as JSON. Statements are made of what `ledger` says of each table.

use crate::{
    audit::note,
    codec::{Key, failed, micros},
    second_factors, sessions,
    statement::{all, execute, first},
};
use domain::IntegrationId;
use jiff::Timestamp;
use ledger::{
    About, Configuration, ConfigurationChange as Change, Deed, Integration, Result, Shown,
    UserPart,
    codec::{Stored, concerned, shown},
    configuration::{Column, Kept, Row, Table},
};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) fn revision(connection: &Connection) -> Result<u64> {
    let sql = "SELECT name, value FROM meta WHERE name = 'configuration_revision'";
    let found = first(connection, "meta", sql, [], |row| row.get(1))?;
    found.ok_or_else(|| {
        Stored::new("meta", &"configuration_revision").corrupt("value", "it does not exist")
    })
}

fn names(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
    names.join(", ")
}

pub(crate) fn read(connection: &Connection) -> Result<Configuration> {
    // One read transaction, so that all rows are of one moment.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let mut rows = BTreeMap::new();
    for table in Table::ALL {
        let (key, order) = (names(table.key()), names(table.order()));
        let sql = format!("SELECT {key}, body FROM {} ORDER BY {order}", table.name());
        let body = table.key().len();
        let kept = all(&transaction, table.name(), &sql, [], |row| {
            Ok(Kept {
                key: row.key(),
                body: row.get(body)?,
            })
        })?;
        rows.insert(table, kept);
    }
    Configuration::of(revision(&transaction)?, &rows)
}

pub(crate) fn apply(
    connection: &Connection,
    expected: u64,
    changes: &[Change],
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    if revision(connection)? != expected {
        return Ok(false);
    }
    for change in changes {
        let row = Row::of(change)?;
        let before = stored(connection, &row)?;
        let row = row.upon(change, before.as_deref())?;
        let after = row.body.as_deref();
        beside(connection, change, now)?;
        match after {
            Some(body) => put(connection, &row, body)?,
            None => remove(connection, &row)?,
        }
        let named = change.named();
        let deed = Deed {
            at: now,
            who: by,
            what: named.what,
            subject: &named.subject,
            project: change
                .project()
                .or_else(|| before.as_deref().and_then(concerned)),
            about: About::Installation,
        };
        let before = before.as_deref().map(shown).unwrap_or_default();
        let after = after.map(shown).unwrap_or_default();
        let shown = Shown {
            before: &before,
            after: &after,
        };
        note(connection, &deed, shown)?;
    }
    execute(
        connection,
        "UPDATE meta SET value = value + 1 WHERE name = 'configuration_revision'",
        [],
    )?;
    Ok(true)
}

fn values(row: &Row, columns: &[Column]) -> Vec<Value> {
    let id = |id: Option<Uuid>| id.map(|id| id.as_bytes().to_vec()).into();
    let value = |column: &Column| match column {
        Column::Id => id(row.id),
        Column::Project => id(row.project),
        Column::Name(_) => row.name.clone().into(),
    };
    columns.iter().map(value).collect()
}

/// The condition that finds a row, with its values in the order of its key.
fn found(table: Table) -> String {
    let columns = table.key().iter().zip(1..);
    let conditions: Vec<_> = columns
        .map(|(column, number)| format!("{} = ?{number}", column.name()))
        .collect();
    conditions.join(" AND ")
}

fn stored(connection: &Connection, row: &Row) -> Result<Option<String>> {
    let (table, key) = (row.table.name(), names(row.table.key()));
    let sql = format!("SELECT {key}, body FROM {table} WHERE {}", found(row.table));
    let body = row.table.key().len();
    let values = params_from_iter(values(row, row.table.key()));
    first(connection, table, &sql, values, |row| row.get(body))
}

/// An integration as it is stored.
pub(crate) fn integration(
    connection: &Connection,
    id: IntegrationId,
) -> Result<Option<Integration>> {
    let sql = "SELECT id, body FROM integrations WHERE id = ?1";
    let body: Option<String> = first(connection, "integrations", sql, [id.key()], |row| {
        row.get(1)
    })?;
    body.map(|body| Stored::new("integrations", &id).json("body", body.as_bytes()))
        .transpose()
}

fn put(connection: &Connection, row: &Row, body: &str) -> Result<()> {
    let (table, key) = (row.table, row.table.key());
    let columns = [key, table.others()].concat();
    let marks: Vec<_> = (1..=columns.len() + 1)
        .map(|number| format!("?{number}"))
        .collect();
    let mut sql = format!(
        "INSERT INTO {} ({}, body) VALUES ({})",
        table.name(),
        names(&columns),
        marks.join(", ")
    );
    if table.is_replaced() {
        // Its project stays what it is.
        let others = table.others().iter();
        let named = others
            .filter(|column| **column != Column::Project)
            .map(|column| column.name());
        let set: Vec<_> = named
            .chain(["body"])
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let (key, set) = (names(key), set.join(", "));
        sql = format!("{sql} ON CONFLICT ({key}) DO UPDATE SET {set}");
    }
    let mut values = values(row, &columns);
    values.push(body.to_owned().into());
    execute(connection, &sql, params_from_iter(values)).map(|_| ())
}

/// What goes with what is changed or removed.
fn beside(connection: &Connection, change: &Change, now: Timestamp) -> Result<()> {
    match change {
        Change::RemoveIntegration(id) => {
            execute(
                connection,
                "UPDATE deliveries SET status = 2, reason = 'integration_removed', detail = 'the integration was removed', due_at = ?2 WHERE integration = ?1 AND status = 0",
                params![id.key(), micros(now)],
            )?;
            let sql = "DELETE FROM outcomes WHERE integration = ?1";
            execute(connection, sql, params![id.key()]).map(|_| ())
        }
        Change::RemoveUser(id) => {
            second_factors::remove(connection, *id)?;
            sessions::close(connection, None, Some(*id))
        }
        Change::ChangeUser(id, _, UserPart::Password(_)) => {
            sessions::close(connection, None, Some(*id))
        }
        _ => Ok(()),
    }
}

fn remove(connection: &Connection, row: &Row) -> Result<()> {
    let sql = format!(
        "DELETE FROM {} WHERE {}",
        row.table.name(),
        found(row.table)
    );
    let values = params_from_iter(values(row, row.table.key()));
    execute(connection, &sql, values).map(|_| ())
}
