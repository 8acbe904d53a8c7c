//! Configuration: one row per thing, its content as JSON.

use crate::{
    Tx,
    accounts::{Deed, close_sessions, note},
    codec::{counted, failed, micros, signed},
};
use domain::ProjectId;
use jiff::Timestamp;
use ledger::{
    Configuration, ConfigurationChange as Change, Result,
    codec::{Stored, shown, to_json},
};
use serde::de::DeserializeOwned;
use sqlx::PgPool;

pub(crate) async fn revision(pool: &PgPool) -> Result<u64> {
    sqlx::query_scalar!("select value from meta where name = 'configuration_revision'")
        .fetch_one(pool)
        .await
        .map(counted)
        .map_err(failed)
}

fn all<T: DeserializeOwned>(table: &'static str, bodies: &[String]) -> Result<Vec<T>> {
    bodies
        .iter()
        .map(|body| Stored::new(table, &"row").json("body", body.as_bytes()))
        .collect()
}

pub(crate) async fn read(pool: &PgPool) -> Result<Configuration> {
    let mut tx = pool.begin().await.map_err(failed)?;
    // All of one moment.
    sqlx::query!("set transaction isolation level repeatable read read only")
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    let revision =
        sqlx::query_scalar!("select value from meta where name = 'configuration_revision'")
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
    macro_rules! bodies {
        ($table:literal, $sql:literal) => {
            all(
                $table,
                &sqlx::query_scalar!($sql)
                    .fetch_all(&mut *tx)
                    .await
                    .map_err(failed)?,
            )?
        };
    }
    let configuration = Configuration {
        revision: counted(revision),
        projects: bodies!("projects", "select body from projects order by key"),
        apps: bodies!("apps", "select body from apps order by project, key"),
        products: bodies!(
            "products",
            "select body from products order by project, key"
        ),
        entitlements: bodies!(
            "entitlements",
            "select body from entitlements order by project, key"
        ),
        integrations: bodies!(
            "integrations",
            "select body from integrations order by project, key"
        ),
        api_keys: bodies!("api_keys", "select body from api_keys order by id"),
        users: bodies!("users", "select body from users order by email"),
        invitations: bodies!(
            "invitations",
            "select body from invitations order by digest"
        ),
    };
    tx.commit().await.map_err(failed)?;
    Ok(configuration)
}

pub(crate) async fn apply(
    pool: &PgPool,
    expected: u64,
    changes: &[Change],
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
        let before = stored(&mut tx, change).await?;
        one(&mut tx, change, now).await?;
        let after = stored(&mut tx, change).await?;
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
        note(&mut *tx, &deed).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// What is stored of the thing that changes, as the audit log shows it.
async fn stored(tx: &mut Tx, change: &Change) -> Result<String> {
    let on = &mut **tx;
    macro_rules! body {
        ($sql:literal, $($value:expr),+) => {
            sqlx::query_scalar!($sql, $($value),+).fetch_optional(on).await
        };
    }
    let product = |project: ProjectId, id: &str| (project.uuid(), id.to_owned());
    let body = match change {
        Change::PutProject(it) => body!("select body from projects where id = $1", it.id.uuid()),
        Change::PutApp(it) => body!("select body from apps where id = $1", it.id.uuid()),
        Change::PutProduct(_) | Change::RemoveProduct(..) => {
            let (project, id) = match change {
                Change::PutProduct(it) => product(it.project, &it.id),
                Change::RemoveProduct(project, id) => product(*project, id),
                _ => return Ok(String::new()),
            };
            body!(
                "select body from products where project = $1 and key = $2",
                project,
                id
            )
        }
        Change::PutEntitlement(_) | Change::RemoveEntitlement(..) => {
            let (project, key) = match change {
                Change::PutEntitlement(it) => product(it.project, &it.key),
                Change::RemoveEntitlement(project, key) => product(*project, key),
                _ => return Ok(String::new()),
            };
            body!(
                "select body from entitlements where project = $1 and key = $2",
                project,
                key
            )
        }
        Change::PutIntegration(it) => {
            body!("select body from integrations where id = $1", it.id.uuid())
        }
        Change::RemoveIntegration(id) => {
            body!("select body from integrations where id = $1", id.uuid())
        }
        Change::PutApiKey(it) => body!("select body from api_keys where id = $1", it.id.uuid()),
        Change::RemoveApiKey(id) => body!("select body from api_keys where id = $1", id.uuid()),
        Change::PutUser(it) => body!("select body from users where id = $1", it.id.uuid()),
        Change::RemoveUser(id) => body!("select body from users where id = $1", id.uuid()),
        Change::PutInvitation(it) | Change::RemoveInvitation(it) => {
            body!("select body from invitations where digest = $1", it.digest)
        }
    };
    Ok(body
        .map_err(failed)?
        .map_or_else(String::new, |body| shown(&body)))
}

async fn one(tx: &mut Tx, change: &Change, now: Timestamp) -> Result<()> {
    macro_rules! run {
        ($sql:literal, $($value:expr),+ $(,)?) => {
            sqlx::query!($sql, $($value),+).execute(&mut **tx).await.map(|_| ()).map_err(failed)
        };
    }
    match change {
        Change::PutProject(it) => run!(
            "insert into projects (id, key, body) values ($1, $2, $3) on conflict (id) do update set key = excluded.key, body = excluded.body",
            it.id.uuid(),
            it.key,
            to_json(it)?
        ),
        Change::PutApp(it) => run!(
            "insert into apps (id, project, key, body) values ($1, $2, $3, $4) on conflict (id) do update set key = excluded.key, body = excluded.body",
            it.id.uuid(),
            it.project.uuid(),
            it.key,
            to_json(it)?
        ),
        Change::PutProduct(it) => run!(
            "insert into products (project, key, body) values ($1, $2, $3) on conflict (project, key) do update set body = excluded.body",
            it.project.uuid(),
            it.id,
            to_json(it)?
        ),
        Change::PutEntitlement(it) => run!(
            "insert into entitlements (project, key, body) values ($1, $2, $3) on conflict (project, key) do update set body = excluded.body",
            it.project.uuid(),
            it.key,
            to_json(it)?
        ),
        Change::PutIntegration(it) => run!(
            "insert into integrations (id, project, key, body) values ($1, $2, $3, $4) on conflict (id) do update set key = excluded.key, body = excluded.body",
            it.id.uuid(),
            it.project.uuid(),
            it.key,
            to_json(it)?
        ),
        Change::PutApiKey(it) => run!(
            "insert into api_keys (id, project, digest, body) values ($1, $2, $3, $4)",
            it.id.uuid(),
            it.project.map(ProjectId::uuid),
            it.digest,
            to_json(it)?
        ),
        Change::RemoveProduct(project, id) => {
            run!(
                "delete from products where project = $1 and key = $2",
                project.uuid(),
                id
            )
        }
        Change::RemoveEntitlement(project, key) => {
            run!(
                "delete from entitlements where project = $1 and key = $2",
                project.uuid(),
                key
            )
        }
        Change::RemoveIntegration(id) => {
            run!(
                "update deliveries set status = 2, reason = 'event_disabled', detail = 'the integration was removed', due_at = $2, waits_for = null
                 where integration = $1 and status = 0",
                id.uuid(), micros(now)
            )?;
            run!("delete from integrations where id = $1", id.uuid())
        }
        Change::RemoveApiKey(id) => run!("delete from api_keys where id = $1", id.uuid()),
        Change::PutUser(it) => run!(
            "insert into users (id, email, body) values ($1, $2, $3) on conflict (id) do update set email = excluded.email, body = excluded.body",
            it.id.uuid(),
            it.email,
            to_json(it)?
        ),
        Change::RemoveUser(id) => {
            close_sessions(&mut **tx, None, Some(*id)).await?;
            run!("delete from users where id = $1", id.uuid())
        }
        Change::PutInvitation(it) => run!(
            "insert into invitations (digest, body) values ($1, $2)",
            it.digest,
            to_json(it)?
        ),
        Change::RemoveInvitation(it) => {
            run!("delete from invitations where digest = $1", it.digest)
        }
    }
}
