//! Customers with their purchases.

use crate::{
    codec::{environment, failed, rows, store, unsigned},
    load,
};
use domain::{AppId, ChainKey, CustomerId, ProjectId, customer::Customer};
use ledger::{
    CustomerRecord, Result, StoredChain,
    codec::{Terms, from_json},
};
use sqlx::PgPool;
use std::str::FromStr;

pub(crate) async fn customers(
    pool: &PgPool,
    project: ProjectId,
    before: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<Customer>> {
    let bodies = sqlx::query_scalar!(
        "select body from customers where project = $1 and merged_into is null and ($2::uuid is null or id < $2) order by id desc limit $3",
        project.uuid(),
        before.map(CustomerId::uuid),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    bodies
        .iter()
        .map(|body| from_json(body.as_bytes(), "customers", "row"))
        .collect()
}

pub(crate) async fn customer(
    pool: &PgPool,
    project: ProjectId,
    who: &str,
) -> Result<Option<CustomerRecord>> {
    let id = match CustomerId::from_str(who) {
        Ok(id) => Some(id.uuid()),
        Err(_) => load::named(pool, project, who).await?,
    };
    let Some(id) = id else { return Ok(None) };
    // A customer that was merged into another leads there.
    let row = sqlx::query!(
        "select id, body, version, seq from customers
         where id = coalesce((select merged_into from customers where id = $1), $1) and project = $2",
        id, project.uuid()
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let Some(found) = row else { return Ok(None) };
    let bought = sqlx::query!(
        "select app, environment, chain, snapshot, terms, store, formers from purchases where customer = $1 order by app, environment, chain",
        found.id
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut purchases = Vec::new();
    for row in bought {
        let terms: Terms<'_> = from_json(row.terms.as_bytes(), "purchases", &row.chain)?;
        let charges =
            load::transactions(pool, found.id, row.app, &row.environment, &row.chain).await?;
        let stored = StoredChain {
            facts: terms.with(charges),
            snapshot: from_json(row.snapshot.as_bytes(), "purchases", &row.chain)?,
            formers: from_json(row.formers.as_bytes(), "purchases", "formers")?,
        };
        let key = ChainKey {
            store: store(&row.store)?,
            environment: environment(&row.environment, "purchases")?,
            id: row.chain,
        };
        purchases.push((AppId::new(row.app), key, stored));
    }
    Ok(Some(CustomerRecord {
        customer: from_json(found.body.as_bytes(), "customers", who)?,
        version: unsigned(found.version),
        seq: unsigned(found.seq),
        purchases,
    }))
}
