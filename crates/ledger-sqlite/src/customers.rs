//! Customers with their purchases.

use crate::{
    codec::{Key, failed},
    commits::load,
    statement::{all, first},
};
use domain::{ChainKey, CustomerId, ProjectId, customer::Customer};
use ledger::{CustomerRecord, Purchase, Result, StoredChain};
use rusqlite::{Connection, params};
use std::str::FromStr;

pub(crate) fn customers(
    connection: &Connection,
    project: ProjectId,
    before: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<Customer>> {
    all(
        connection,
        "customers",
        "SELECT id, body FROM customers WHERE project = ?1 AND merged_into IS NULL AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
        params![project.key(), before.map(|id| id.key()), limit],
        |row| row.json(1),
    )
}

pub(crate) fn customer(
    connection: &Connection,
    project: ProjectId,
    who: &str,
) -> Result<Option<CustomerRecord>> {
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let id = match CustomerId::from_str(who) {
        Ok(id) => Some(id),
        Err(_) => load::named(&transaction, project, who)?,
    };
    let Some(id) = id else { return Ok(None) };
    // A customer that was merged into another leads there.
    let record = first(
        &transaction,
        "customers",
        "SELECT id, body, version, seq FROM customers WHERE id = coalesce((SELECT merged_into FROM customers WHERE id = ?1), ?1) AND project = ?2",
        params![id.key(), project.key()],
        |row| {
            let record = CustomerRecord {
                customer: row.json(1)?,
                version: row.get(2)?,
                seq: row.get(3)?,
                purchases: Vec::new(),
            };
            Ok((row.id(0)?, record))
        },
    )?;
    let Some((id, mut record)) = record else {
        return Ok(None);
    };
    record.purchases = purchases(&transaction, id)?;
    Ok(Some(record))
}

fn purchases(connection: &Connection, customer: CustomerId) -> Result<Vec<Purchase>> {
    all(
        connection,
        "purchases",
        "SELECT chain, app, environment, store, snapshot, terms, formers FROM purchases WHERE customer = ?1",
        [customer.key()],
        |row| {
            let key = ChainKey {
                store: row.store(3)?,
                environment: row.environment(2)?,
                id: row.get(0)?,
            };
            let app = row.id(1)?;
            let charges =
                load::transactions(connection, customer, app, key.environment.id(), &key.id)?;
            let stored = StoredChain {
                facts: load::terms(row, 5)?.with(charges),
                snapshot: row.json(4)?,
                formers: load::formers(row, 6)?,
            };
            Ok(Purchase {
                app,
                chain: key,
                stored,
            })
        },
    )
}
