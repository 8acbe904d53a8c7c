//! The chain of a commit, and the purchase it is.

use super::stop::Stop;
use crate::{
    codec::{Key, micros},
    statement::{execute, first},
};
use domain::{CustomerId, ProjectId, fact::TransactionKind};
use ledger::{ChainWrite, codec::PreparedChain};
use rusqlite::{Connection, params};

pub(super) fn write(
    connection: &Connection,
    project: ProjectId,
    customer: [u8; 16],
    chain: &ChainWrite,
    texts: &PreparedChain,
) -> Result<(), Stop> {
    let (app, environment) = (chain.app.key(), chain.key.environment.id());
    for link in std::iter::once(&chain.key.id).chain(&chain.links) {
        let owner: Option<CustomerId> = first(
            connection,
            "chains",
            "INSERT INTO chains (app, environment, id, chain, customer) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET customer = customer RETURNING customer",
            params![app, environment, link, chain.key.id, customer],
            |row| row.id(0),
        )?;
        // A link may lead to an older chain that somebody else owns; the chain itself may not.
        if owner.is_none_or(|owner| owner.key() != customer) && *link == chain.key.id {
            return Err(Stop::Conflict);
        }
    }
    execute(
        connection,
        "INSERT INTO purchases (customer, app, environment, chain, store, project, unlocking, snapshot, terms, check_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET snapshot = excluded.snapshot, terms = excluded.terms, check_at = excluded.check_at, unlocking = excluded.unlocking",
        params![
            customer,
            app,
            environment,
            chain.key.id,
            chain.key.store.id(),
            project.key(),
            chain.snapshot.kind != TransactionKind::Consumable,
            texts.snapshot,
            texts.terms,
            chain.check_at.map(micros)
        ],
    )?;
    for transaction in &texts.transactions {
        execute(
            connection,
            "INSERT INTO transactions (customer, app, environment, chain, id, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET body = excluded.body",
            params![
                customer,
                app,
                environment,
                chain.key.id,
                transaction.id,
                transaction.body
            ],
        )?;
    }
    Ok(())
}
