//! What is known of a chain and its customer before anything is decided.

use crate::codec::failed;
use domain::{ChainKey, CustomerId, ProjectId, Snapshot, fact::Transaction};
use ledger::{
    KnownChain, Loaded, OtherChain, Result, StoredChain, VersionedCustomer, Wanted,
    codec::{Stored, Terms},
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
    let customer = versioned(pool, who).await?;
    let mut loaded = purchases(pool, wanted, who, &chain).await?;
    loaded.customer = Some(customer);
    Ok(loaded)
}

async fn versioned(pool: &PgPool, who: Uuid) -> Result<VersionedCustomer> {
    let row = sqlx::query!(
        "select body, version, seq from customers where id = $1",
        who
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let of = Stored::new("customers", &who);
    let lacks = || {
        let problem = "an alias or chain refers to it, but it does not exist";
        of.corrupt("id", problem)
    };
    let row = row.ok_or_else(lacks)?;
    Ok(VersionedCustomer {
        customer: of.json("body", row.body.as_bytes())?,
        version: of.number("version", row.version)?,
        seq: of.number("seq", row.seq)?,
    })
}

/// The chain, and what else of the customer can give access.
async fn purchases(pool: &PgPool, wanted: &Wanted, who: Uuid, chain: &str) -> Result<Loaded> {
    let (app, environment_id) = (wanted.app.uuid(), wanted.chain.environment.id());
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
        let charges = if row.app == app && row.chain == chain {
            Some(transactions(pool, who, app, environment_id, chain).await?)
        } else {
            None
        };
        let of = Stored::new("purchases", &row.chain);
        let snapshot: Snapshot = of.json("snapshot", row.snapshot.as_bytes())?;
        let key = ChainKey {
            store: of.store("store", &row.store)?,
            environment: wanted.chain.environment,
            id: row.chain.clone(),
        };
        let Some(charges) = charges else {
            others.push(OtherChain { key, snapshot });
            continue;
        };
        let terms: Terms<'_> = of.json("terms", row.terms.as_bytes())?;
        let stored_chain = StoredChain {
            facts: terms.with(charges),
            snapshot,
            formers: of.json("formers", row.formers.as_bytes())?,
        };
        stored = Some(KnownChain {
            key,
            stored: stored_chain,
        });
    }
    Ok(Loaded {
        customer: None,
        chain: stored,
        others,
    })
}

pub(crate) async fn named(pool: &PgPool, project: ProjectId, name: &str) -> Result<Option<Uuid>> {
    // No text of PostgreSQL has this character, so nobody is called so.
    if name.contains('\0') {
        return Ok(None);
    }
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
            let body = Stored::new("transactions", &row.id).json("body", row.body.as_bytes())?;
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
