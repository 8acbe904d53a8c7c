//! Customers with their purchases.

use crate::{
    codec::{Key, corrupt, failed, from_json},
    load,
};
use domain::{AppId, ChainKey, CustomerId, Environment, ProjectId, customer::Customer};
use ledger::{CustomerRecord, Result, StoredChain, codec::Terms};
use rusqlite::{Connection, OptionalExtension, params};
use std::str::FromStr;

pub(crate) fn customers(
    connection: &Connection,
    project: ProjectId,
    before: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<Customer>> {
    let mut statement = connection
        .prepare_cached("SELECT body FROM customers WHERE project = ?1 AND merged_into IS NULL AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3")
        .map_err(failed)?;
    let rows: Vec<String> = statement
        .query_map(
            params![project.key(), before.map(|id| id.key()), limit],
            |row| row.get(0),
        )
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.iter()
        .map(|body| from_json(body.as_bytes(), "customers", "row"))
        .collect()
}

pub(crate) fn customer(
    connection: &Connection,
    project: ProjectId,
    who: &str,
) -> Result<Option<CustomerRecord>> {
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let named = || {
        transaction
            .prepare_cached("SELECT customer FROM aliases WHERE project = ?1 AND app_user_id = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![project.key(), who], |row| row.get(0))
                    .optional()
            })
    };
    let id: Option<[u8; 16]> = match CustomerId::from_str(who) {
        Ok(id) => Some(id.key()),
        Err(_) => named().map_err(failed)?,
    };
    let Some(id) = id else { return Ok(None) };
    // A customer that was merged into another leads there.
    let row: Option<([u8; 16], String, u64, u64)> = transaction
        .prepare_cached("SELECT id, body, version, seq FROM customers WHERE id = coalesce((SELECT merged_into FROM customers WHERE id = ?1), ?1) AND project = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![id, project.key()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
                .optional()
        })
        .map_err(failed)?;
    let Some((id, body, version, seq)) = row else {
        return Ok(None);
    };
    let mut statement = transaction
        .prepare_cached(
            "SELECT app, environment, chain, snapshot, terms, store, formers FROM purchases WHERE customer = ?1",
        )
        .map_err(failed)?;
    let mut rows = statement.query([id]).map_err(failed)?;
    let mut purchases = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let app: [u8; 16] = row.get(0).map_err(failed)?;
        let environment: String = row.get(1).map_err(failed)?;
        let chain: String = row.get(2).map_err(failed)?;
        let snapshot: String = row.get(3).map_err(failed)?;
        let terms: Option<String> = row.get(4).map_err(failed)?;
        let terms: Terms<'_> = terms
            .map(|json| from_json(json.as_bytes(), "purchases", &chain))
            .transpose()?
            .unwrap_or_default();
        let transactions = load::transactions(&transaction, id, app, &environment, &chain)?;
        let stored = StoredChain {
            facts: terms.with(transactions),
            snapshot: from_json(snapshot.as_bytes(), "purchases", &chain)?,
            formers: load::formers(row, 6)?,
        };
        let environment = Environment::from_id(&environment)
            .ok_or_else(|| corrupt("purchases", &chain, "unknown environment"))?;
        let key = ChainKey {
            store: load::store(row, 5)?,
            environment,
            id: chain,
        };
        purchases.push((AppId::new(uuid::Uuid::from_bytes(app)), key, stored));
    }
    Ok(Some(CustomerRecord {
        customer: from_json(body.as_bytes(), "customers", who)?,
        version,
        seq,
        purchases,
    }))
}
