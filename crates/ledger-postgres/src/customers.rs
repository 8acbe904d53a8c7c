//! Customers with their purchases.

use crate::{
    codec::{failed, rows},
    commits::load,
};
use domain::{AppId, ChainKey, CustomerId, ProjectId, customer::Customer};
use ledger::{
    CustomerRecord, Purchase, Result, StoredChain,
    codec::{Stored, Terms},
};
use sqlx::PgPool;
use std::str::FromStr;
use uuid::Uuid;

pub(crate) async fn customers(
    pool: &PgPool,
    project: ProjectId,
    before: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<Customer>> {
    let found = sqlx::query!(
        "select id, body from customers where project = $1 and merged_into is null and ($2::uuid is null or id < $2) order by id desc limit $3",
        project.uuid(),
        before.map(CustomerId::uuid),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    found
        .iter()
        .map(|row| Stored::new("customers", &row.id).json("body", row.body.as_bytes()))
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
    let Some(row) = row else { return Ok(None) };
    let purchases = purchases(pool, row.id).await?;
    let of = Stored::new("customers", &row.id);
    Ok(Some(CustomerRecord {
        customer: of.json("body", row.body.as_bytes())?,
        version: of.number("version", row.version)?,
        seq: of.number("seq", row.seq)?,
        purchases,
    }))
}

async fn purchases(pool: &PgPool, customer: Uuid) -> Result<Vec<Purchase>> {
    let bought = sqlx::query!(
        "select app, environment, chain, snapshot, terms, store, formers from purchases where customer = $1 order by app, environment, chain",
        customer
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut purchases = Vec::new();
    for row in bought {
        let charges =
            load::transactions(pool, customer, row.app, &row.environment, &row.chain).await?;
        let of = Stored::new("purchases", &row.chain);
        let terms: Terms<'_> = of.json("terms", row.terms.as_bytes())?;
        let key = ChainKey {
            store: of.store("store", &row.store)?,
            environment: of.environment("environment", &row.environment)?,
            id: row.chain.clone(),
        };
        let stored = StoredChain {
            facts: terms.with(charges),
            snapshot: of.json("snapshot", row.snapshot.as_bytes())?,
            formers: of.json("formers", row.formers.as_bytes())?,
        };
        purchases.push(Purchase {
            app: AppId::new(row.app),
            chain: key,
            stored,
        });
    }
    Ok(purchases)
}
