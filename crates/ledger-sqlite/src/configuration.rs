//! Configuration: one row per thing, its content as JSON.

use crate::codec::{Key, failed, from_json, micros, to_json};
use jiff::Timestamp;
use ledger::{Configuration, ConfigurationChange as Change, Result};
use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;

pub(crate) fn revision(connection: &Connection) -> Result<u64> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = 'configuration_revision'")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(failed)
}

fn all<T: DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    order: &str,
) -> Result<Vec<T>> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT body FROM {table} ORDER BY {order}"))
        .map_err(failed)?;
    let bodies: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    bodies
        .iter()
        .map(|body| from_json(body.as_bytes(), table, "row"))
        .collect()
}

pub(crate) fn read(connection: &Connection) -> Result<Configuration> {
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    Ok(Configuration {
        revision: revision(&transaction)?,
        projects: all(&transaction, "projects", "key")?,
        apps: all(&transaction, "apps", "project, key")?,
        products: all(&transaction, "products", "project, key")?,
        entitlements: all(&transaction, "entitlements", "project, key")?,
        integrations: all(&transaction, "integrations", "project, key")?,
        api_keys: all(&transaction, "api_keys", "id")?,
    })
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
        one(connection, change, now)?;
        let (what, subject) = change.subject();
        connection
            .execute(
                "INSERT INTO audit_log (at, who, what, subject) VALUES (?1, ?2, ?3, ?4)",
                params![micros(now), by, what, subject],
            )
            .map_err(failed)?;
    }
    connection
        .execute(
            "UPDATE meta SET value = value + 1 WHERE name = 'configuration_revision'",
            [],
        )
        .map_err(failed)?;
    Ok(true)
}

fn one(connection: &Connection, change: &Change, now: Timestamp) -> Result<()> {
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.execute(sql, values).map(|_| ()).map_err(failed)
    };
    match change {
        Change::PutProject(project) => execute(
            "INSERT INTO projects VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET key = excluded.key, body = excluded.body",
            params![project.id.key(), project.key, to_json(project)?],
        ),
        Change::PutApp(app) => execute(
            "INSERT INTO apps VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET key = excluded.key, body = excluded.body",
            params![app.id.key(), app.project.key(), app.key, to_json(app)?],
        ),
        Change::PutProduct(product) => execute(
            "INSERT INTO products VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET body = excluded.body",
            params![product.project.key(), product.id, to_json(product)?],
        ),
        Change::PutEntitlement(entitlement) => execute(
            "INSERT INTO entitlements VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET body = excluded.body",
            params![
                entitlement.project.key(),
                entitlement.key,
                to_json(entitlement)?
            ],
        ),
        Change::PutIntegration(integration) => execute(
            "INSERT INTO integrations VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET key = excluded.key, body = excluded.body",
            params![
                integration.id.key(),
                integration.project.key(),
                integration.key,
                to_json(integration)?
            ],
        ),
        Change::PutApiKey(key) => execute(
            "INSERT INTO api_keys VALUES (?1, ?2, ?3, ?4)",
            params![
                key.id.key(),
                key.project.map(|project| project.key()),
                key.digest,
                to_json(key)?
            ],
        ),
        Change::RemoveProduct(project, id) => execute(
            "DELETE FROM products WHERE project = ?1 AND key = ?2",
            params![project.key(), id],
        ),
        Change::RemoveEntitlement(project, key) => execute(
            "DELETE FROM entitlements WHERE project = ?1 AND key = ?2",
            params![project.key(), key],
        ),
        Change::RemoveIntegration(id) => {
            execute(
                "UPDATE deliveries SET status = 2, reason = 'event_disabled', detail = 'the integration was removed', due_at = ?2, waits_for = NULL WHERE integration = ?1 AND status = 0",
                params![id.key(), micros(now)],
            )?;
            execute("DELETE FROM integrations WHERE id = ?1", params![id.key()])
        }
        Change::RemoveApiKey(id) => {
            execute("DELETE FROM api_keys WHERE id = ?1", params![id.key()])
        }
    }
}
