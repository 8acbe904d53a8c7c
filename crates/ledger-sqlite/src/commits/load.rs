//! What is known of a chain and its customer before anything is decided.

use crate::{
    codec::{Found, Key, failed, to_json},
    statement::{all, first},
};
use domain::{AppId, ChainKey, CustomerId, Snapshot, fact::Transaction};
use ledger::{
    KnownChain, Loaded, OtherChain, Result, StoredChain, VersionedCustomer, Wanted,
    codec::{Stored, Terms},
};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// The chain, if it is known, and its owner; of a chain that is not, the customer of the wanted name. Beside it those other purchases of
/// the same environment that can give access.
pub(crate) fn load(connection: &Connection, wanted: &Wanted) -> Result<Loaded> {
    // One read transaction, so that all rows are of one moment.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let known = led_to(&transaction, wanted)?;
    let (chain, owner) = match &known {
        Some(known) => (&known.chain, Some(known.owner)),
        None => (&wanted.chain.id, None),
    };
    let who = match (owner, &wanted.app_user_id) {
        (None, Some(app_user_id)) => named(&transaction, wanted.project, app_user_id)?,
        (owner, _) => owner,
    };
    let Some(who) = who else {
        return Ok(Loaded::default());
    };
    let customer = versioned(&transaction, who)?.ok_or_else(|| {
        let problem = "an alias or chain refers to it, but it does not exist";
        Stored::new("customers", &who).corrupt("id", problem)
    })?;
    let (mut stored, mut others) = (None, Vec::new());
    for Bought {
        key,
        snapshot,
        rest,
    } in bought(&transaction, who, wanted, chain)?
    {
        let Some(Rest { terms, formers }) = rest else {
            others.push(OtherChain { key, snapshot });
            continue;
        };
        let environment = key.environment.id();
        let transactions = transactions(&transaction, who, wanted.app, environment, &key.id)?;
        let chain = StoredChain {
            facts: terms.with(transactions),
            snapshot,
            formers,
        };
        stored = Some(KnownChain { key, stored: chain });
    }
    Ok(Loaded {
        customer: Some(customer),
        chain: stored,
        others,
    })
}

/// A chain that is known, by the id it was first stored with.
struct Led {
    chain: String,
    owner: CustomerId,
}

/// Where the first of the ids leads that leads anywhere.
fn led_to(connection: &Connection, wanted: &Wanted) -> Result<Option<Led>> {
    let (app, environment) = (wanted.app.key(), wanted.chain.environment.id());
    for id in std::iter::once(&wanted.chain.id).chain(&wanted.links) {
        let known = first(
            connection,
            "chains",
            "SELECT chain, customer FROM chains WHERE app = ?1 AND environment = ?2 AND id = ?3",
            params![app, environment, id],
            |row| {
                Ok(Led {
                    chain: row.get(0)?,
                    owner: row.id(1)?,
                })
            },
        )?;
        if known.is_some() {
            return Ok(known);
        }
    }
    Ok(None)
}

/// A purchase.
struct Bought {
    key: ChainKey,
    snapshot: Snapshot,
    /// What is read of the one that is wanted only.
    rest: Option<Rest>,
}

struct Rest {
    terms: Terms<'static>,
    formers: Vec<CustomerId>,
}

/// The purchase that is wanted, and those that can give access.
fn bought(
    connection: &Connection,
    who: CustomerId,
    wanted: &Wanted,
    chain: &str,
) -> Result<Vec<Bought>> {
    let environment = wanted.chain.environment;
    all(
        connection,
        "purchases",
        "SELECT chain, app, store, snapshot, terms, formers FROM purchases WHERE customer = ?1 AND environment = ?2 AND (unlocking OR (app = ?3 AND chain = ?4))",
        params![who.key(), environment.id(), wanted.app.key(), chain],
        |row| {
            let key = ChainKey {
                store: row.store(2)?,
                environment,
                id: row.get(0)?,
            };
            let is_wanted = row.id::<AppId>(1)? == wanted.app && key.id == *chain;
            let rest = is_wanted.then(|| {
                Ok(Rest {
                    terms: terms(row, 4)?,
                    formers: formers(row, 5)?,
                })
            });
            Ok(Bought {
                key,
                snapshot: row.json(3)?,
                rest: rest.transpose()?,
            })
        },
    )
}

/// The customer an app has a name for.
pub(crate) fn named(
    connection: &Connection,
    project: domain::ProjectId,
    app_user_id: &str,
) -> Result<Option<CustomerId>> {
    first(
        connection,
        "aliases",
        "SELECT customer FROM aliases WHERE project = ?1 AND app_user_id = ?2",
        params![project.key(), app_user_id],
        |row| row.id(0),
    )
}

/// Terms of a purchase; what was stored before there were any has none.
pub(crate) fn terms(row: &Found<'_>, column: usize) -> Result<Terms<'static>> {
    Ok(row.maybe(column, Found::json)?.unwrap_or_default())
}

/// Whom a purchase belonged to before.
pub(crate) fn formers(row: &Found<'_>, column: usize) -> Result<Vec<CustomerId>> {
    Ok(row.maybe(column, Found::json)?.unwrap_or_default())
}

fn versioned(connection: &Connection, who: CustomerId) -> Result<Option<VersionedCustomer>> {
    first(
        connection,
        "customers",
        "SELECT id, body, version, seq FROM customers WHERE id = ?1",
        [who.key()],
        |row| {
            Ok(VersionedCustomer {
                customer: row.json(1)?,
                version: row.get(2)?,
                seq: row.get(3)?,
            })
        },
    )
}

pub(crate) fn transactions(
    connection: &Connection,
    customer: CustomerId,
    app: AppId,
    environment: &str,
    chain: &str,
) -> Result<BTreeMap<String, Transaction>> {
    let charges = all(
        connection,
        "transactions",
        "SELECT id, body FROM transactions WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4",
        params![customer.key(), app.key(), environment, chain],
        |row| Ok((row.get(0)?, row.json(1)?)),
    )?;
    Ok(charges.into_iter().collect())
}

/// Which of the keys an event of one of the customers has.
pub(crate) fn known_keys(
    connection: &Connection,
    customers: &[CustomerId],
    keys: &[String],
) -> Result<Vec<String>> {
    let keys = to_json(&keys)?;
    let mut known = Vec::new();
    for customer in customers {
        known.extend(all(
            connection,
            "events",
            "SELECT key FROM events WHERE customer = ?1 AND key IN (SELECT value FROM json_each(?2))",
            params![customer.key(), keys],
            |row| row.get(0),
        )?);
    }
    Ok(known)
}
