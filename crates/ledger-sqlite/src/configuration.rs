//! Configuration: one row per thing, its content as JSON.

use crate::{
    accounts::{Deed, close_sessions, note},
    codec::{Key, failed, micros, to_json},
    statement,
};
use domain::ProjectId;
use jiff::Timestamp;
use ledger::{
    Configuration, ConfigurationChange as Change, Result,
    codec::{Stored, shown},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;

pub(crate) fn revision(connection: &Connection) -> Result<u64> {
    let sql = "SELECT name, value FROM meta WHERE name = 'configuration_revision'";
    let found = statement::first(connection, "meta", sql, [], |row| row.get(1))?;
    found.ok_or_else(|| {
        Stored::new("meta", &"configuration_revision").corrupt("value", "it does not exist")
    })
}

fn all<T: DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    key: &str,
    order: &str,
) -> Result<Vec<T>> {
    let sql = format!("SELECT {key}, body FROM {table} ORDER BY {order}");
    statement::all(connection, table, &sql, [], |row| row.json(1))
}

pub(crate) fn read(connection: &Connection) -> Result<Configuration> {
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    Ok(Configuration {
        revision: revision(&transaction)?,
        projects: all(&transaction, "projects", "id", "key")?,
        apps: all(&transaction, "apps", "id", "project, key")?,
        products: all(&transaction, "products", "key", "project, key")?,
        entitlements: all(&transaction, "entitlements", "key", "project, key")?,
        integrations: all(&transaction, "integrations", "id", "project, key")?,
        api_keys: all(&transaction, "api_keys", "id", "id")?,
        users: all(&transaction, "users", "id", "email")?,
        invitations: all(&transaction, "invitations", "digest", "digest")?,
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
        let before = stored(connection, change)?;
        one(connection, change, now)?;
        let after = stored(connection, change)?;
        let (what, subject) = change.subject();
        let deed = Deed {
            at: now,
            who: by,
            what,
            subject: &subject,
            project: change.project(),
            before: &before,
            after: &after,
        };
        note(connection, &deed)?;
    }
    connection
        .execute(
            "UPDATE meta SET value = value + 1 WHERE name = 'configuration_revision'",
            [],
        )
        .map_err(failed)?;
    Ok(true)
}

/// What is stored of the thing that changes, as the audit log shows it.
fn stored(connection: &Connection, change: &Change) -> Result<String> {
    let row = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .query_row(sql, values, |row| row.get::<_, String>(0))
            .optional()
            .map(|body| body.map_or_else(String::new, |body| shown(&body)))
            .map_err(failed)
    };
    let by_id = |table: &str, id: [u8; 16]| {
        row(
            &format!("SELECT body FROM {table} WHERE id = ?1"),
            params![id],
        )
    };
    let by_key = |table: &str, project: ProjectId, key: &str| {
        let sql = format!("SELECT body FROM {table} WHERE project = ?1 AND key = ?2");
        row(&sql, params![project.key(), key])
    };
    match change {
        Change::PutProject(project) => by_id("projects", project.id.key()),
        Change::PutApp(app) => by_id("apps", app.id.key()),
        Change::PutProduct(product) => by_key("products", product.project, &product.id),
        Change::RemoveProduct(project, id) => by_key("products", *project, id),
        Change::PutEntitlement(entitlement) => {
            by_key("entitlements", entitlement.project, &entitlement.key)
        }
        Change::RemoveEntitlement(project, key) => by_key("entitlements", *project, key),
        Change::PutIntegration(integration) => by_id("integrations", integration.id.key()),
        Change::RemoveIntegration(id) => by_id("integrations", id.key()),
        Change::PutApiKey(key) => by_id("api_keys", key.id.key()),
        Change::RemoveApiKey(id) => by_id("api_keys", id.key()),
        Change::PutUser(user) => by_id("users", user.id.key()),
        Change::RemoveUser(id) => by_id("users", id.key()),
        Change::PutInvitation(invitation) | Change::RemoveInvitation(invitation) => row(
            "SELECT body FROM invitations WHERE digest = ?1",
            params![invitation.digest],
        ),
    }
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
        Change::PutUser(user) => execute(
            "INSERT INTO users VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET email = excluded.email, body = excluded.body",
            params![user.id.key(), user.email, to_json(user)?],
        ),
        Change::RemoveUser(id) => {
            close_sessions(connection, None, Some(*id))?;
            execute("DELETE FROM users WHERE id = ?1", params![id.key()])
        }
        Change::PutInvitation(invitation) => execute(
            "INSERT INTO invitations VALUES (?1, ?2)",
            params![invitation.digest, to_json(invitation)?],
        ),
        Change::RemoveInvitation(invitation) => execute(
            "DELETE FROM invitations WHERE digest = ?1",
            params![invitation.digest],
        ),
    }
}
