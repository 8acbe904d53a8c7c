//! What is known of a chain and its customer before anything is decided.

use crate::codec::{failed, store, unsigned};
use domain::{ChainKey, CustomerId, ProjectId, Snapshot, fact::Transaction};
use ledger::{
    Loaded, Result, StoredChain, VersionedCustomer, Wanted,
    codec::{Terms, corrupt, from_json},
};
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) async fn load(pool: &PgPool, wanted: &Wanted) -> Result<Loaded> {
    let (app, environment_id) = (wanted.app.uuid(), wanted.chain.environment.id());
    let ids: Vec<String> = std::iter::once(&wanted.chain.id)
        .chain(&wanted.links)
        .cloned()
        .collect();
    // By its whole key: joined to the ids, every chain of the app may be walked instead.
    let mut known = sqlx::query!(
        "select id, chain, customer from chains where app = $1 and environment = $2 and id = any($3)",
        app, environment_id, &ids
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    known.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    let (chain, owner) = match known.into_iter().next() {
        Some(row) => (row.chain, Some(row.customer)),
        None => (wanted.chain.id.clone(), None),
    };
    let who = match (owner, &wanted.app_user_id) {
        (Some(owner), _) => owner,
        (None, None) => return Ok(Loaded::default()),
        (None, Some(name)) => match named(pool, wanted.project, name).await? {
            Some(who) => who,
            None => return Ok(Loaded::default()),
        },
    };
    // The version comes first: whatever is read after it and is newer makes the commit a conflict.
    let row = sqlx::query!(
        "select body, version, seq from customers where id = $1",
        who
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .ok_or_else(|| {
        let problem = "an alias or chain refers to it, but it does not exist";
        corrupt("customers", who, problem)
    })?;
    let customer = VersionedCustomer {
        customer: from_json(row.body.as_bytes(), "customers", who)?,
        version: unsigned(row.version),
        seq: unsigned(row.seq),
    };
    let found = sqlx::query!(
        "select app, chain, snapshot, terms, store, formers from purchases
         where customer = $1 and environment = $2 and (unlocking or (app = $3 and chain = $4))",
        who,
        environment_id,
        app,
        chain
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let (mut stored, mut others) = (None, Vec::new());
    for row in found {
        let snapshot: Snapshot = from_json(row.snapshot.as_bytes(), "purchases", &row.chain)?;
        let is_it = row.app == app && row.chain == chain;
        let key = ChainKey {
            store: store(&row.store)?,
            environment: wanted.chain.environment,
            id: row.chain,
        };
        if !is_it {
            others.push((key, snapshot));
            continue;
        }
        let terms: Terms<'_> = from_json(row.terms.as_bytes(), "purchases", &key.id)?;
        let charges = transactions(pool, who, app, environment_id, &key.id).await?;
        let stored_chain = StoredChain {
            facts: terms.with(charges),
            snapshot,
            formers: from_json(row.formers.as_bytes(), "purchases", "formers")?,
        };
        stored = Some((key, stored_chain));
    }
    Ok(Loaded {
        customer: Some(customer),
        chain: stored,
        others,
    })
}

pub(crate) async fn named(pool: &PgPool, project: ProjectId, name: &str) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select customer from aliases where project = $1 and app_user_id = $2",
        project.uuid(),
        name
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)
}

pub(crate) async fn transactions(
    pool: &PgPool,
    customer: Uuid,
    app: Uuid,
    environment: &str,
    chain: &str,
) -> Result<BTreeMap<String, Transaction>> {
    let found = sqlx::query!(
        "select id, body from transactions where customer = $1 and app = $2 and environment = $3 and chain = $4",
        customer, app, environment, chain
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            let body = from_json(row.body.as_bytes(), "transactions", &row.id)?;
            Ok((row.id, body))
        })
        .collect()
}

pub(crate) async fn known_keys(
    pool: &PgPool,
    customers: &[CustomerId],
    keys: &[String],
) -> Result<Vec<String>> {
    let customers: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    sqlx::query_scalar!(
        "select key from event_keys where customer = any($1) and key = any($2)",
        &customers,
        keys
    )
    .fetch_all(pool)
    .await
    .map_err(failed)
}
