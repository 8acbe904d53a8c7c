//! Messages, customers, purchases and events.

use crate::codec::{Key, corrupt, failed, from_json, micros, pack, time, to_json, unpack, uuid};
use domain::{
    AppId, ChainKey, CustomerId, Environment, Facts, InboxId, ProjectId, Snapshot, Store,
    customer::Customer, fact::Transaction, fact::TransactionKind,
};
use jiff::Timestamp;
use ledger::{
    ChainWrite, Commit, Committed, DueCheck, InboxMessage, InboxRecord, LedgerError, Loaded,
    Result, StoredChain, VersionedCustomer, Wanted,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A commit with everything serialized: the writer thread only binds and steps.
pub(crate) struct Prepared {
    commit: Commit,
    inbox_body: Option<Vec<u8>>,
    customer: Option<String>,
    snapshot: Option<(String, Option<String>)>,
    transactions: Vec<(String, String)>,
    events: Vec<(Vec<u8>, String)>,
    messages: Vec<String>,
}

impl Prepared {
    pub(crate) fn new(commit: Commit) -> Result<Self> {
        let chain = commit.chain.as_ref();
        let changed = |chain: &ChainWrite| -> Result<Vec<_>> {
            let changed = chain
                .changed
                .iter()
                .filter_map(|id| chain.facts.transactions.get_key_value(id));
            changed
                .map(|(id, transaction)| Ok((id.clone(), to_json(transaction)?)))
                .collect()
        };
        let snapshot = |chain: &ChainWrite| -> Result<_> {
            Ok((
                to_json(&chain.snapshot)?,
                chain.facts.renewal.as_ref().map(to_json).transpose()?,
            ))
        };
        Ok(Self {
            inbox_body: commit.inbox.as_ref().map(|message| pack(&message.body)),
            customer: commit
                .customer
                .as_ref()
                .map(|write| to_json(&write.customer))
                .transpose()?,
            snapshot: chain.map(snapshot).transpose()?,
            transactions: chain.map(changed).transpose()?.unwrap_or_default(),
            events: commit
                .events
                .iter()
                .map(|new| {
                    Ok((
                        pack(to_json(&new.event)?.as_bytes()),
                        to_json(&new.not_sent)?,
                    ))
                })
                .collect::<Result<_>>()?,
            messages: commit
                .deliveries
                .iter()
                .map(|delivery| to_json(&delivery.message))
                .collect::<Result<_>>()?,
            commit,
        })
    }
}

pub(crate) fn load(connection: &Connection, wanted: &Wanted) -> Result<Loaded> {
    // One read transaction, so that all rows are of one moment.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let (app, environment, chain) = (
        wanted.app.key(),
        wanted.chain.environment.id(),
        &wanted.chain.id,
    );
    let owner: Option<[u8; 16]> = transaction
        .prepare_cached(
            "SELECT customer FROM chains WHERE app = ?1 AND environment = ?2 AND id = ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![app, environment, chain], |row| row.get(0))
                .optional()
        })
        .map_err(failed)?;
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
        .prepare_cached("SELECT app, chain, snapshot, renewal FROM purchases WHERE customer = ?1 AND environment = ?2 AND (unlocking OR (app = ?3 AND chain = ?4))")
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
        if row.get::<_, [u8; 16]>(0).map_err(failed)? == app && id == *chain {
            let renewal = row
                .get_ref(3)
                .and_then(|value| Ok(value.as_bytes_or_null()?))
                .map_err(failed)?;
            let renewal = renewal
                .map(|json| from_json(json, "purchases", &id))
                .transpose()?;
            stored = Some(StoredChain {
                facts: Facts {
                    transactions: transactions(&transaction, who, app, environment, chain)?,
                    renewal,
                },
                snapshot,
            });
        } else {
            others.push((
                ChainKey {
                    store: wanted.chain.store,
                    environment: wanted.chain.environment,
                    id,
                },
                snapshot,
            ));
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

pub(crate) fn known_keys(
    connection: &Connection,
    customer: CustomerId,
    keys: &[String],
) -> Result<Vec<String>> {
    let mut statement = connection
        .prepare_cached("SELECT key FROM events WHERE customer = ?1 AND key IN (SELECT value FROM json_each(?2))")
        .map_err(failed)?;
    statement
        .query_map(params![customer.key(), to_json(&keys)?], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(failed)
}

/// Undoes the whole write through the savepoint it runs in, and says why.
enum Stop {
    Duplicate,
    Conflict,
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}

pub(crate) fn commit(connection: &Connection, prepared: &Prepared) -> Result<Committed> {
    // An inner savepoint, because a duplicate or a conflict is an answer, not an error, and still leaves nothing behind.
    let run = |sql: &str| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map_err(failed)
    };
    run("SAVEPOINT attempt")?;
    let stopped = match write(connection, prepared) {
        Ok(ready) => {
            run("RELEASE attempt")?;
            return Ok(Committed::Done { ready });
        }
        Err(stopped) => stopped,
    };
    run("ROLLBACK TO attempt")?;
    run("RELEASE attempt")?;
    match stopped {
        Stop::Duplicate => Ok(Committed::Duplicate),
        Stop::Conflict => Ok(Committed::Conflict),
        Stop::Failed(error) => Err(error),
    }
}

fn write(connection: &Connection, prepared: &Prepared) -> Result<Vec<domain::DeliveryId>, Stop> {
    let commit = &prepared.commit;
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(failed)
    };
    if let (Some(message), Some(body)) = (&commit.inbox, &prepared.inbox_body) {
        // A parked message may be processed later; one that was processed is a duplicate.
        let new = execute(
            "INSERT INTO inbox (id, project, app, source, key, title, received_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET parked = NULL, retry_at = NULL WHERE parked IS NOT NULL",
            params![
                message.id.key(),
                message.project.key(),
                message.app.key(),
                message.source,
                message.key,
                message.title,
                micros(message.received_at),
                body
            ],
        )?;
        if new == 0 {
            return Err(Stop::Duplicate);
        }
    }
    if let (Some(write), Some(body)) = (&commit.customer, &prepared.customer) {
        let (id, project) = (write.customer.id.key(), commit.project.key());
        let written = if let Some(version) = write.loaded_version {
            execute(
                "UPDATE customers SET version = version + 1, seq = ?3, body = ?4 WHERE id = ?1 AND version = ?2",
                params![id, version, write.seq, body],
            )?
        } else {
            let created = execute(
                "INSERT INTO customers (id, project, version, seq, body) VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT DO NOTHING",
                params![id, project, write.seq, body],
            )?;
            created.min(execute(
                "INSERT INTO aliases (project, app_user_id, customer) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![project, write.customer.app_user_id, id],
            )?)
        };
        if written == 0 {
            return Err(Stop::Conflict);
        }
        if let (Some(chain), Some((snapshot, renewal))) = (&commit.chain, &prepared.snapshot) {
            let (app, environment) = (chain.app.key(), chain.key.environment.id());
            let owner: [u8; 16] = connection
                .prepare_cached("INSERT INTO chains (app, environment, id, customer) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET customer = customer RETURNING customer")
                .and_then(|mut statement| statement.query_row(params![app, environment, chain.key.id, id], |row| row.get(0)))
                .map_err(failed)?;
            if owner != id {
                return Err(Stop::Conflict);
            }
            let unlocking = chain.snapshot.kind != TransactionKind::Consumable;
            execute(
                "INSERT INTO purchases (customer, app, environment, chain, project, unlocking, snapshot, renewal, check_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT DO UPDATE SET snapshot = excluded.snapshot, renewal = excluded.renewal, check_at = excluded.check_at, unlocking = excluded.unlocking",
                params![id, app, environment, chain.key.id, project, unlocking, snapshot, renewal, chain.check_at.map(micros)],
            )?;
            for (transaction, body) in &prepared.transactions {
                execute(
                    "INSERT INTO transactions (customer, app, environment, chain, id, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET body = excluded.body",
                    params![id, app, environment, chain.key.id, transaction, body],
                )?;
            }
        }
    }
    events(connection, prepared).map_err(Stop::from)
}

fn events(connection: &Connection, prepared: &Prepared) -> Result<Vec<domain::DeliveryId>> {
    let commit = &prepared.commit;
    let mut positions = BTreeMap::new();
    for (new, (body, not_sent)) in commit.events.iter().zip(&prepared.events) {
        let event = &new.event;
        connection
            .prepare_cached("INSERT INTO events (id, project, customer, key, kind, app, environment, recorded_at, body, not_sent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
            .and_then(|mut statement| {
                statement.execute(params![
                    event.id.key(),
                    event.project.key(),
                    event.customer.id.key(),
                    event.key,
                    event.kind.id(),
                    event.app.as_ref().map(|app| app.id.key()),
                    event.environment.id(),
                    micros(event.recorded_at),
                    body,
                    not_sent
                ])
            })
            .map_err(failed)?;
        positions.insert(event.id, connection.last_insert_rowid());
    }
    let mut ready = Vec::new();
    for (delivery, message) in commit.deliveries.iter().zip(&prepared.messages) {
        let position = positions.get(&delivery.event).ok_or_else(|| {
            LedgerError::Refused(format!(
                "delivery {} is of no event of its commit",
                delivery.id
            ))
        })?;
        let predecessor: Option<[u8; 16]> = match delivery.waits_until {
            None => None,
            Some(_) => connection
                .prepare_cached(
                    "SELECT id FROM deliveries WHERE customer = ?1 AND integration = ?2 AND status = 0 ORDER BY position DESC LIMIT 1",
                )
                .and_then(|mut statement| {
                    statement
                        .query_row(params![delivery.customer.key(), delivery.integration.key()], |row| row.get(0))
                        .optional()
                })
                .map_err(failed)?,
        };
        let due_at = if predecessor.is_some() {
            delivery.waits_until.unwrap_or(delivery.due_at)
        } else {
            delivery.due_at
        };
        connection
            .prepare_cached(
                "INSERT INTO deliveries (id, project, event, integration, customer, message, status, attempts, round, accepted_at, due_at, waits_for, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, ?9, '')",
            )
            .and_then(|mut statement| {
                statement.execute(params![delivery.id.key(), delivery.project.key(), position, delivery.integration.key(), delivery.customer.key(), message, micros(delivery.accepted_at), micros(due_at), predecessor])
            })
            .map_err(failed)?;
        if predecessor.is_none() {
            ready.push(delivery.id);
        }
    }
    Ok(ready)
}

pub(crate) fn park(
    connection: &Connection,
    message: &InboxMessage,
    reason: &str,
    retry_at: Timestamp,
) -> Result<bool> {
    let written = connection
        .prepare_cached(
            "INSERT INTO inbox (id, project, app, source, key, title, received_at, body, parked, retry_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET parked = excluded.parked, retry_at = excluded.retry_at WHERE parked IS NOT NULL",
        )
        .and_then(|mut statement| {
            let (body, received_at) = (pack(&message.body), micros(message.received_at));
            statement.execute(params![message.id.key(), message.project.key(), message.app.key(), message.source, message.key, message.title, received_at, body, reason, micros(retry_at)])
        })
        .map_err(failed)?;
    Ok(written > 0)
}

type InboxRow = (InboxMessage, Option<String>);

fn inbox_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<InboxRow> {
    Ok((
        InboxMessage {
            id: InboxId::new(uuid(row, 0)?),
            project: ProjectId::new(uuid(row, 1)?),
            app: AppId::new(uuid(row, 2)?),
            source: row.get(3)?,
            key: row.get(4)?,
            title: row.get(5)?,
            received_at: time(row, 6)?,
            body: row.get(7)?,
        },
        row.get(8)?,
    ))
}

fn unpacked((message, parked): InboxRow) -> Result<InboxRecord> {
    let body = unpack(&message.body, "inbox", message.id)?;
    Ok(InboxRecord {
        message: InboxMessage { body, ..message },
        parked,
    })
}

const INBOX_COLUMNS: &str = "id, project, app, source, key, title, received_at, body, parked";

pub(crate) fn due_parked(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<InboxMessage>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {INBOX_COLUMNS} FROM inbox WHERE parked IS NOT NULL AND retry_at <= ?1 ORDER BY retry_at LIMIT ?2"
        ))
        .map_err(failed)?;
    let rows: Vec<InboxRow> = statement
        .query_map(params![micros(now), limit], inbox_row)
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|row| unpacked(row).map(|record| record.message))
        .collect()
}

pub(crate) fn seen(connection: &Connection, id: InboxId) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM inbox WHERE id = ?1 AND parked IS NULL")
        .and_then(|mut statement| statement.exists([id.key()]))
        .map_err(failed)
}

pub(crate) fn inbox(connection: &Connection, id: InboxId) -> Result<Option<InboxRecord>> {
    let row = connection
        .prepare_cached(&format!("SELECT {INBOX_COLUMNS} FROM inbox WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([id.key()], inbox_row).optional())
        .map_err(failed)?;
    row.map(unpacked).transpose()
}

pub(crate) fn due_checks(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DueCheck>> {
    let mut statement = connection.prepare_cached("SELECT project, app, environment, chain, customer FROM purchases WHERE check_at IS NOT NULL AND check_at <= ?1 ORDER BY check_at LIMIT ?2").map_err(failed)?;
    let rows = statement.query_map(params![micros(now), limit], |row| {
        let environment: String = row.get(2)?;
        let environment = Environment::from_id(&environment).unwrap_or(Environment::Sandbox);
        Ok(DueCheck {
            project: ProjectId::new(uuid(row, 0)?),
            app: AppId::new(uuid(row, 1)?),
            chain: ChainKey {
                store: Store::AppStore,
                environment,
                id: row.get(3)?,
            },
            customer: CustomerId::new(uuid(row, 4)?),
        })
    });
    rows.and_then(Iterator::collect).map_err(failed)
}
