//! Customers that are forgotten.

use crate::{
    Tx, audit,
    codec::{failed, signed},
};
use domain::{Event, ProjectId, customer::Customer};
use ledger::{
    CustomerRecord, Result,
    codec::{FORGOTTEN, Stored, anonymous, anonymous_as, pack, scrub, to_json},
};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(crate) async fn forget(
    pool: &PgPool,
    project: ProjectId,
    record: &CustomerRecord,
) -> Result<bool> {
    let gone = anonymous(&record.customer);
    let body = to_json(&gone)?;
    let id = record.customer.id.uuid();
    let mut tx = pool.begin().await.map_err(failed)?;
    let current = sqlx::query!(
        "update customers set version = version + 1, body = $3 where id = $1 and version = $2 and project = $4",
        id, signed(record.version), body, project.uuid()
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if current.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("delete from aliases where customer = $1", id)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    sqlx::query!(
        "insert into aliases (project, app_user_id, customer) values ($1, $2, $3)",
        project.uuid(),
        gone.app_user_id,
        id
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    let names: Vec<String> = std::iter::once(&record.customer.app_user_id)
        .chain(&record.customer.aliases)
        .cloned()
        .collect();
    audit::forget(&mut *tx, project, &names).await?;
    hold_deliveries(&mut tx, id).await?;
    forget_events(&mut tx, id, &names, &gone).await?;
    sqlx::query!(
        "update customers set body = $2 where merged_into = $1",
        id,
        body
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// Waits until nobody records an attempt at a delivery of the customer, whose row that locks, and lets nobody until all of this is committed: whoever
/// does it then finds that the customer was forgotten ([`forgotten`]).
async fn hold_deliveries(tx: &mut Tx, id: Uuid) -> Result<()> {
    let merged = sqlx::query_scalar!("select id from customers where merged_into = $1", id)
        .fetch_all(&mut **tx)
        .await
        .map_err(failed)?;
    for customer in std::iter::once(id).chain(merged) {
        sqlx::query!(
            "update deliveries set detail = '' where customer = $1 and status = 0",
            customer
        )
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
    }
    Ok(())
}

/// Which of these customers were forgotten, under their ids or those of whoever they were merged into.
pub(crate) async fn forgotten(
    on: &mut PgConnection,
    customers: &[Uuid],
) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select id from customers where id = any($1) and position($2 in body) > 0",
        customers,
        FORGOTTEN
    );
    Ok(found.fetch_all(on).await?.into_iter().collect())
}

/// Its events, and those it had under a name that was merged into it.
async fn forget_events(
    tx: &mut Tx,
    id: Uuid,
    names: &[String],
    forgotten: &Customer,
) -> Result<()> {
    let events = sqlx::query!(
        "select customer, id, body from events where customer = $1 or customer in (select id from customers where merged_into = $1)",
        id
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed)?;
    for row in events {
        let mut event: Event = Stored::new("events", &row.id).body("body", &row.body)?;
        let cause = event.cause.inbox;
        event.customer = anonymous_as(forgotten, event.customer.id);
        let packed = pack(to_json(&event)?.as_bytes())?;
        sqlx::query!(
            "update events set body = $3 where customer = $1 and id = $2",
            row.customer,
            row.id,
            packed
        )
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        // What was sent and answered about it; what happened to each attempt stays.
        sqlx::query!(
            "update attempts a set request = null, response = '', headers = null, detail = '' from deliveries d
             where d.customer = $1 and d.event = $2 and a.customer = d.customer and a.delivery = d.id",
            row.customer, row.id
        )
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        sqlx::query!(
            "update deliveries set detail = '' where customer = $1 and event = $2",
            row.customer,
            row.id
        )
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        if let Some(inbox) = cause {
            forget_message(tx, inbox.uuid(), names, &forgotten.app_user_id).await?;
        }
    }
    Ok(())
}

/// What was stated about a customer; what a store signed stays as it signed it.
async fn forget_message(tx: &mut Tx, id: Uuid, names: &[String], by: &str) -> Result<()> {
    let body = sqlx::query_scalar!(
        "select body from inbox where id = $1 and source not in ('app_store', 'play_store', 'stripe')",
        id
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(failed)?;
    let Some(body) = body else { return Ok(()) };
    let body = Stored::new("inbox", &id).unpacked("body", &body)?;
    if let Ok(mut value) = serde_json::from_slice::<Value>(&body) {
        scrub(&mut value, names, by);
        let packed = pack(value.to_string().as_bytes())?;
        sqlx::query!("update inbox set body = $2 where id = $1", id, packed)
            .execute(&mut **tx)
            .await
            .map_err(failed)?;
    }
    Ok(())
}
