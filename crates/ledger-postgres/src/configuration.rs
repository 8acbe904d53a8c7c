//! Configuration: one row per thing, its content as JSON.

use crate::{
    Tx,
    audit::note,
    codec::{failed, micros, signed},
    deliveries, second_factors, sessions,
};
use jiff::Timestamp;
use ledger::{
    About, Configuration, ConfigurationChange as Change, Deed, Requeue, Result, Shown, UserPart,
    codec::{Stored, concerned, shown},
    configuration::{Kept, Row, Table},
};
use sqlx::PgPool;
use std::collections::BTreeMap;

pub(crate) async fn revision(pool: &PgPool) -> Result<u64> {
    let value = sqlx::query_scalar!("select value from meta where name = 'configuration_revision'")
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    Stored::new("meta", &"configuration_revision").number("value", value)
}

pub(crate) async fn read(pool: &PgPool) -> Result<Configuration> {
    let mut tx = pool.begin().await.map_err(failed)?;
    // All of one moment.
    sqlx::query!("set transaction isolation level repeatable read read only")
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    let value = sqlx::query_scalar!("select value from meta where name = 'configuration_revision'")
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    let mut rows = BTreeMap::new();
    for table in Table::ALL {
        rows.insert(table, all(&mut tx, table).await.map_err(failed)?);
    }
    tx.commit().await.map_err(failed)?;
    let revision = Stored::new("meta", &"configuration_revision").number("value", value)?;
    Configuration::of(revision, &rows)
}

pub(crate) async fn apply(
    pool: &PgPool,
    expected: u64,
    changes: &[Change],
    again: &[Requeue],
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = pool.begin().await.map_err(failed)?;
    // Whoever comes second waits here, and then finds another revision.
    let moved = sqlx::query!(
        "update meta set value = value + 1 where name = 'configuration_revision' and value = $1",
        signed(expected)
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    for change in changes {
        let row = Row::of(change)?;
        let before = stored(&mut tx, &row).await.map_err(failed)?;
        let row = row.upon(change, before.as_deref())?;
        if row.body.is_some() {
            put(&mut tx, &row).await.map_err(failed)?;
        } else {
            remove(&mut tx, &row).await.map_err(failed)?;
        }
        // Once the row is written: whoever opens a session of an account holds it until that can be seen, or waits and finds it changed.
        beside(&mut tx, change, now).await?;
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
        let after = row.body.as_deref().map(shown).unwrap_or_default();
        let shown = Shown {
            before: &before,
            after: &after,
        };
        note(&mut *tx, &deed, shown).await?;
    }
    for which in again {
        deliveries::requeue_in(&mut tx, which, now).await?;
    }
    tx.commit().await.map_err(failed)?;
    for which in again {
        deliveries::after_requeue(pool, which, now).await;
    }
    Ok(true)
}

/// What goes with what is changed or removed.
async fn beside(tx: &mut Tx, change: &Change, now: Timestamp) -> Result<()> {
    match change {
        Change::RemoveIntegration(id) => {
            sqlx::query!("delete from outcomes where integration = $1", id.uuid())
                .execute(&mut **tx)
                .await
                .map_err(failed)?;
            sqlx::query!(
            "update deliveries set status = 2, reason = 'integration_removed', detail = 'the integration was removed', due_at = $2, waits_for = null
                 where integration = $1 and status = 0",
            id.uuid(), micros(now)
        )
        .execute(&mut **tx)
        .await
        .map(|_| ())
        .map_err(failed)
        }
        Change::RemoveUser(id) => {
            second_factors::remove(tx, *id).await?;
            sessions::close(&mut **tx, None, Some(*id)).await
        }
        Change::ChangeUser(id, _, UserPart::Password(_)) => {
            sessions::close(&mut **tx, None, Some(*id)).await
        }
        _ => Ok(()),
    }
}

/// The statements of each table, checked when they are compiled: how a row is known and how rows are ordered, how one is found by its key, and
/// how it is written. Values stand in [`Row`].
macro_rules! tables {
    ($($table:ident $name:literal: known by $known:literal ordered by $order:literal;
        found by $found:literal ($($key:ident),+);
        put $columns:literal ($($value:ident),+);)+) => {
        async fn all(tx: &mut Tx, table: Table) -> sqlx::Result<Vec<Kept>> {
            match table {
                $(Table::$table => sqlx::query_as!(Kept, "select " + $known + r#" as "key!", body from "# + $name + " order by " + $order)
                    .fetch_all(&mut **tx)
                    .await,)+
            }
        }

        async fn stored(tx: &mut Tx, row: &Row) -> sqlx::Result<Option<String>> {
            match row.table {
                $(Table::$table => sqlx::query_scalar!("select body from " + $name + " where " + $found, $(row.$key),+)
                    .fetch_optional(&mut **tx)
                    .await,)+
            }
        }

        async fn put(tx: &mut Tx, row: &Row) -> sqlx::Result<()> {
            match row.table {
                $(Table::$table => sqlx::query!("insert into " + $name + " " + $columns, $(row.$value),+)
                    .execute(&mut **tx)
                    .await
                    .map(|_| ()),)+
            }
        }

        async fn remove(tx: &mut Tx, row: &Row) -> sqlx::Result<()> {
            match row.table {
                $(Table::$table => sqlx::query!("delete from " + $name + " where " + $found, $(row.$key),+)
                    .execute(&mut **tx)
                    .await
                    .map(|_| ()),)+
            }
        }
    };
}

tables! {
    Projects "projects": known by "id::text" ordered by "key";
        found by "id = $1" (id);
        put "(id, key, body) values ($1, $2, $3) on conflict (id) do update set key = excluded.key, body = excluded.body" (id, name, body);
    Apps "apps": known by "id::text" ordered by "project, key";
        found by "id = $1" (id);
        put "(id, project, key, body) values ($1, $2, $3, $4) on conflict (id) do update set key = excluded.key, body = excluded.body" (id, project, name, body);
    Products "products": known by "key" ordered by "project, key";
        found by "project = $1 and key = $2" (project, name);
        put "(project, key, body) values ($1, $2, $3) on conflict (project, key) do update set body = excluded.body" (project, name, body);
    Entitlements "entitlements": known by "key" ordered by "project, key";
        found by "project = $1 and key = $2" (project, name);
        put "(project, key, body) values ($1, $2, $3) on conflict (project, key) do update set body = excluded.body" (project, name, body);
    Offerings "offerings": known by "key" ordered by "project, key";
        found by "project = $1 and key = $2" (project, name);
        put "(project, key, body) values ($1, $2, $3) on conflict (project, key) do update set body = excluded.body" (project, name, body);
    Integrations "integrations": known by "id::text" ordered by "project, key";
        found by "id = $1" (id);
        put "(id, project, key, body) values ($1, $2, $3, $4) on conflict (id) do update set key = excluded.key, body = excluded.body" (id, project, name, body);
    ApiKeys "api_keys": known by "id::text" ordered by "id";
        found by "id = $1" (id);
        put "(id, project, digest, body) values ($1, $2, $3, $4)" (id, project, name, body);
    Users "users": known by "id::text" ordered by "email, id";
        found by "id = $1" (id);
        put "(id, email, body) values ($1, $2, $3) on conflict (id) do update set email = excluded.email, body = excluded.body" (id, name, body);
    Invitations "invitations": known by "digest" ordered by "digest";
        found by "digest = $1" (name);
        put "(digest, body) values ($1, $2)" (name, body);
}
