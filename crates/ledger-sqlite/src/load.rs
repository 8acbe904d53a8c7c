//! What is known of a chain and its customer before anything is decided.

use crate::codec::{Key, corrupt, failed, from_json, to_json};
use domain::{ChainKey, CustomerId, Snapshot, Store, customer::Customer, fact::Transaction};
use ledger::{Loaded, Result, StoredChain, VersionedCustomer, Wanted, codec::Terms};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) fn load(connection: &Connection, wanted: &Wanted) -> Result<Loaded> {
    // One read transaction, so that all rows are of one moment.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let (app, environment, chain) = (
        wanted.app.key(),
        wanted.chain.environment.id(),
        &wanted.chain.id,
    );
    let mut known: Option<(String, [u8; 16])> = None;
    for id in std::iter::once(chain).chain(&wanted.links) {
        known = transaction
            .prepare_cached(
                "SELECT chain, customer FROM chains WHERE app = ?1 AND environment = ?2 AND id = ?3",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![app, environment, id], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            })
            .map_err(failed)?;
        if known.is_some() {
            break;
        }
    }
    let (chain, owner) = match &known {
        Some((chain, owner)) => (chain, Some(*owner)),
        None => (chain, None),
    };
    let named = |app_user_id: &String| {
        transaction
            .prepare_cached("SELECT customer FROM aliases WHERE project = ?1 AND app_user_id = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![wanted.project.key(), app_user_id], |row| row.get(0))
                    .optional()
            })
            .map_err(failed)
    };
    let who: Option<[u8; 16]> = match (owner, &wanted.app_user_id) {
        (None, Some(app_user_id)) => named(app_user_id)?,
        (owner, _) => owner,
    };
    let Some(who) = who else {
        return Ok(Loaded::default());
    };
    let customer = versioned(&transaction, who)?.ok_or_else(|| {
        corrupt(
            "customers",
            Uuid::from_bytes(who),
            "an alias or chain refers to it, but it does not exist",
        )
    })?;
    let mut stored = None;
    let mut others = Vec::new();
    let mut statement = transaction
        .prepare_cached("SELECT app, chain, snapshot, terms, store, formers FROM purchases WHERE customer = ?1 AND environment = ?2 AND (unlocking OR (app = ?3 AND chain = ?4))")
        .map_err(failed)?;
    let mut rows = statement
        .query(params![who, environment, app, chain])
        .map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let id: String = row.get(1).map_err(failed)?;
        let snapshot: Snapshot = from_json(
            row.get_ref(2)
                .and_then(|value| Ok(value.as_bytes()?))
                .map_err(failed)?,
            "purchases",
            &id,
        )?;
        let key = ChainKey {
            store: store(row, 4)?,
            environment: wanted.chain.environment,
            id,
        };
        if row.get::<_, [u8; 16]>(0).map_err(failed)? == app && key.id == *chain {
            let terms: Terms<'_> = row
                .get_ref(3)
                .and_then(|value| Ok(value.as_bytes_or_null()?))
                .map_err(failed)?
                .map(|json| from_json(json, "purchases", &key.id))
                .transpose()?
                .unwrap_or_default();
            let transactions = transactions(&transaction, who, app, environment, chain)?;
            let stored_chain = StoredChain {
                facts: terms.with(transactions),
                snapshot,
                formers: formers(row, 5)?,
            };
            stored = Some((key, stored_chain));
        } else {
            others.push((key, snapshot));
        }
    }
    Ok(Loaded {
        customer: Some(customer),
        chain: stored,
        others,
    })
}

fn versioned(connection: &Connection, who: [u8; 16]) -> Result<Option<VersionedCustomer>> {
    let row = connection
        .prepare_cached("SELECT body, version, seq FROM customers WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([who], |row| {
                    Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .map_err(failed)?;
    row.map(|(body, version, seq)| {
        Ok(VersionedCustomer {
            customer: from_json::<Customer>(body.as_bytes(), "customers", Uuid::from_bytes(who))?,
            version,
            seq,
        })
    })
    .transpose()
}

pub(crate) fn transactions(
    connection: &Connection,
    customer: [u8; 16],
    app: [u8; 16],
    environment: &str,
    chain: &str,
) -> Result<BTreeMap<String, Transaction>> {
    let mut statement = connection
        .prepare_cached("SELECT id, body FROM transactions WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4")
        .map_err(failed)?;
    let mut rows = statement
        .query(params![customer, app, environment, chain])
        .map_err(failed)?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let id: String = row.get(0).map_err(failed)?;
        let transaction = from_json(
            row.get_ref(1)
                .and_then(|value| Ok(value.as_bytes()?))
                .map_err(failed)?,
            "transactions",
            &id,
        )?;
        all.insert(id, transaction);
    }
    Ok(all)
}

pub(crate) fn store(row: &rusqlite::Row<'_>, column: usize) -> Result<Store> {
    let id: String = row.get(column).map_err(failed)?;
    Store::from_id(&id).ok_or_else(|| corrupt("purchases", &id, "unknown store"))
}

pub(crate) fn formers(row: &rusqlite::Row<'_>, column: usize) -> Result<Vec<CustomerId>> {
    let json: Option<String> = row.get(column).map_err(failed)?;
    json.map_or_else(
        || Ok(Vec::new()),
        |json| from_json(json.as_bytes(), "purchases", "formers"),
    )
}

pub(crate) fn known_keys(
    connection: &Connection,
    customers: &[CustomerId],
    keys: &[String],
) -> Result<Vec<String>> {
    let mut statement = connection
        .prepare_cached("SELECT key FROM events WHERE customer = ?1 AND key IN (SELECT value FROM json_each(?2))")
        .map_err(failed)?;
    let keys = to_json(&keys)?;
    let mut known = Vec::new();
    for customer in customers {
        let mut rows = statement
            .query(params![customer.key(), keys])
            .map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            known.push(row.get(0).map_err(failed)?);
        }
    }
    Ok(known)
}
