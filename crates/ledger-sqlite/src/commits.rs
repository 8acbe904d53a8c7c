//! Messages, customers, purchases and events.

use crate::codec::{Key, corrupt, failed, from_json, micros, pack, time, to_json, unpack, uuid};
use domain::{
    AppId, ChainKey, CustomerId, Environment, InboxId, ProjectId, Snapshot, Store,
    customer::Customer,
    fact::{Transaction, TransactionKind},
};
use jiff::Timestamp;
use ledger::{
    Committed, DueCheck, FIRST_ANSWER, Handover, InboxMessage, InboxRecord, LedgerError, Loaded,
    Parked, ParkedCount, Result, StoredChain, VersionedCustomer, Wanted,
    codec::{Prepared, Terms},
};
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
            "INSERT INTO inbox (id, project, app, source, key, title, received_at, body, processed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(max(processed), 0) + 1 FROM inbox WHERE processed IS NOT NULL))
             ON CONFLICT (id) DO UPDATE SET parked = NULL, retry_at = NULL, processed = excluded.processed WHERE parked IS NOT NULL",
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
        for alias in &write.customer.aliases {
            execute(
                "INSERT INTO aliases (project, app_user_id, customer) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![project, alias, id],
            )?;
        }
        if let (Some(handover), Some(body)) = (&commit.handover, &prepared.from) {
            hand_over(connection, handover, body, id)?;
        }
        if let (Some(chain), Some((snapshot, terms))) = (&commit.chain, &prepared.snapshot) {
            let (app, environment) = (chain.app.key(), chain.key.environment.id());
            for link in std::iter::once(&chain.key.id).chain(&chain.links) {
                let owner: [u8; 16] = connection
                    .prepare_cached("INSERT INTO chains (app, environment, id, chain, customer) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET customer = customer RETURNING customer")
                    .and_then(|mut statement| statement.query_row(params![app, environment, link, chain.key.id, id], |row| row.get(0)))
                    .map_err(failed)?;
                // A link may lead to an older chain that somebody else owns; the chain itself may not.
                if owner != id && *link == chain.key.id {
                    return Err(Stop::Conflict);
                }
            }
            let unlocking = chain.snapshot.kind != TransactionKind::Consumable;
            execute(
                "INSERT INTO purchases (customer, app, environment, chain, store, project, unlocking, snapshot, terms, check_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT DO UPDATE SET snapshot = excluded.snapshot, terms = excluded.terms, check_at = excluded.check_at, unlocking = excluded.unlocking",
                params![id, app, environment, chain.key.id, chain.key.store.id(), project, unlocking, snapshot, terms, chain.check_at.map(micros)],
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

/// Moves purchases, and perhaps names, from one customer to another.
fn hand_over(
    connection: &Connection,
    handover: &Handover,
    body: &str,
    to: [u8; 16],
) -> Result<(), Stop> {
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(failed)
    };
    let from = handover.from.customer.id.key();
    let merged_into = handover.absorbed.then_some(to);
    let current = execute(
        "UPDATE customers SET version = version + 1, seq = ?3, body = ?4, merged_into = ?5 WHERE id = ?1 AND version = ?2",
        params![
            from,
            handover.from.loaded_version,
            handover.from.seq,
            body,
            merged_into
        ],
    )?;
    if current == 0 {
        return Err(Stop::Conflict);
    }
    for (app, chain) in &handover.chains {
        let which = params![from, app.key(), chain.environment.id(), chain.id, to];
        execute(
            "UPDATE chains SET customer = ?5 WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4",
            which,
        )?;
        execute(
            "UPDATE transactions SET customer = ?5 WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4",
            which,
        )?;
        execute(
            "UPDATE purchases SET customer = ?5, formers = json_insert(coalesce(formers, '[]'), '$[#]', ?6)
             WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4",
            params![from, app.key(), chain.environment.id(), chain.id, to, handover.from.customer.id.to_string()],
        )?;
    }
    if handover.absorbed {
        execute(
            "UPDATE aliases SET customer = ?2 WHERE customer = ?1",
            params![from, to],
        )?;
        execute(
            "UPDATE customers SET merged_into = ?2 WHERE merged_into = ?1",
            params![from, to],
        )?;
    }
    Ok(())
}

/// Counts an event in its hour.
pub(crate) fn tally(connection: &Connection, event: &domain::Event) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO tallies VALUES (?1, ?2, ?3, ?4, 1, ?5)
             ON CONFLICT DO UPDATE SET count = count + 1, usd_micros = usd_micros + excluded.usd_micros",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                event.project.key(),
                event.recorded_at.as_second() / 3600,
                event.environment.id(),
                event.kind.id(),
                event.revenue_usd_micros()
            ])
        })
        .map(|_| ())
        .map_err(failed)
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
        tally(connection, event)?;
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
                "INSERT INTO deliveries (id, project, event, integration, customer, message, status, attempts, round, accepted_at, due_at, waits_for, trace, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, ?9, ?10, '')",
            )
            .and_then(|mut statement| {
                statement.execute(params![delivery.id.key(), delivery.project.key(), position, delivery.integration.key(), delivery.customer.key(), message, micros(delivery.accepted_at), micros(due_at), predecessor, delivery.trace])
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
             ON CONFLICT (id) DO UPDATE SET parked = excluded.parked, retry_at = excluded.retry_at, tries = tries + 1 WHERE parked IS NOT NULL",
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

fn parked_rows(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Parked>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {INBOX_COLUMNS}, tries, retry_at FROM inbox WHERE parked IS NOT NULL AND {condition}"
        ))
        .map_err(failed)?;
    let rows: Vec<(InboxRow, u32, Timestamp)> = statement
        .query_map(values, |row| {
            Ok((inbox_row(row)?, row.get(9)?, time(row, 10)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(row, tries, retry_at)| {
            let record = unpacked(row)?;
            let (id, problem) = (record.message.id, "a parked message has no reason");
            let reason = record.parked.ok_or_else(|| corrupt("inbox", id, problem))?;
            Ok(Parked {
                message: record.message,
                reason,
                tries,
                retry_at,
            })
        })
        .collect()
}

pub(crate) fn due_parked(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Parked>> {
    parked_rows(
        connection,
        "retry_at <= ?1 ORDER BY retry_at LIMIT ?2",
        params![micros(now), limit],
    )
}

pub(crate) fn parked(
    connection: &Connection,
    project: ProjectId,
    app: Option<AppId>,
    before: Option<InboxId>,
    limit: usize,
) -> Result<Vec<Parked>> {
    parked_rows(
        connection,
        "project = ?1 AND (?2 IS NULL OR app = ?2)
         AND (?3 IS NULL OR (received_at, id) < (SELECT received_at, id FROM inbox WHERE id = ?3 AND project = ?1))
         ORDER BY received_at DESC, id DESC LIMIT ?4",
        params![
            project.key(),
            app.map(|app| app.key()),
            before.map(|id| id.key()),
            limit
        ],
    )
}

/// What came too long ago to be under way is counted without a look at columns that stand behind the body.
pub(crate) fn count_parked(
    connection: &Connection,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<ParkedCount>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT app, count(*) FROM inbox WHERE parked IS NOT NULL AND project = ?1
             AND (received_at <= ?2 - ?3 OR tries > 0 OR retry_at <= ?2 OR retry_at - received_at > ?3) GROUP BY app",
        )
        .map_err(failed)?;
    let first_answer = FIRST_ANSWER.as_secs() * 1_000_000;
    statement
        .query_map(params![project.key(), micros(now), first_answer], |row| {
            Ok(ParkedCount {
                app: AppId::new(uuid(row, 0)?),
                count: row.get(1)?,
            })
        })
        .and_then(Iterator::collect)
        .map_err(failed)
}

pub(crate) fn unpark(
    connection: &Connection,
    project: ProjectId,
    id: Option<InboxId>,
    now: Timestamp,
) -> Result<u64> {
    connection
        .prepare_cached("UPDATE inbox SET retry_at = ?3 WHERE project = ?1 AND parked IS NOT NULL AND (?2 IS NULL OR id = ?2)")
        .and_then(|mut statement| {
            statement.execute(params![project.key(), id.map(|id| id.key()), micros(now)])
        })
        .map(|count| count as u64)
        .map_err(failed)
}

pub(crate) fn archive(
    connection: &Connection,
    project: ProjectId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, InboxMessage)>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {INBOX_COLUMNS}, processed FROM inbox WHERE project = ?1 AND processed > ?2 ORDER BY processed LIMIT ?3"
        ))
        .map_err(failed)?;
    let rows: Vec<(u64, InboxRow)> = statement
        .query_map(params![project.key(), after, limit], |row| {
            Ok((row.get(9)?, inbox_row(row)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(position, row)| Ok((position, unpacked(row)?.message)))
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
    let mut statement = connection.prepare_cached("SELECT project, app, environment, chain, customer, store, check_at FROM purchases WHERE check_at IS NOT NULL AND check_at <= ?1 ORDER BY check_at LIMIT ?2").map_err(failed)?;
    let rows = statement.query_map(params![micros(now), limit], |row| {
        let environment: String = row.get(2)?;
        let environment = Environment::from_id(&environment).unwrap_or(Environment::Sandbox);
        Ok(DueCheck {
            project: ProjectId::new(uuid(row, 0)?),
            app: AppId::new(uuid(row, 1)?),
            chain: ChainKey {
                store: Store::from_id(&row.get::<_, String>(5)?).unwrap_or(Store::External),
                environment,
                id: row.get(3)?,
            },
            customer: CustomerId::new(uuid(row, 4)?),
            check_at: time(row, 6)?,
        })
    });
    rows.and_then(Iterator::collect).map_err(failed)
}

pub(crate) fn postpone_check(
    connection: &Connection,
    check: &DueCheck,
    at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached("UPDATE purchases SET check_at = ?6 WHERE customer = ?1 AND app = ?2 AND environment = ?3 AND chain = ?4 AND check_at = ?5")
        .and_then(|mut statement| {
            statement.execute(params![
                check.customer.key(),
                check.app.key(),
                check.chain.environment.id(),
                check.chain.id,
                micros(check.check_at),
                micros(at)
            ])
        })
        .map(|_| ())
        .map_err(failed)
}
