//! Messages, state, events and deliveries: one commit.

use crate::{
    SqliteLedger,
    codec::{Key, failed, micros},
    forget::forget,
    load,
};
use async_trait::async_trait;
use domain::{CustomerId, DeliveryId, Event, ProjectId, fact::TransactionKind};
use ledger::{
    Commit, Commits, Committed, CustomerRecord, Handover, LedgerError, Loaded, NewDelivery,
    NewEvent, Result, Wanted, codec::Prepared,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

#[async_trait]
impl Commits for SqliteLedger {
    async fn load(&self, wanted: &Wanted) -> Result<Loaded> {
        self.read(|connection| load::load(connection, wanted))
    }
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>> {
        self.read(|connection| load::known_keys(connection, customers, keys))
    }
    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let prepared = Prepared::new(commit)?;
        self.writer
            .write(move |connection| attempt(connection, &prepared))
            .await
    }
    async fn commit_test(
        &self,
        event: NewEvent,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Committed> {
        let project = event.event.project;
        let prepared = Prepared::new(Commit {
            events: vec![event],
            deliveries,
            ..Commit::of(project)
        })?;
        self.writer
            .write(move |connection| attempt(connection, &prepared))
            .await
    }
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool> {
        let customer = customer.clone();
        self.writer
            .write(move |connection| forget(connection, project, &customer))
            .await
    }
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

fn attempt(connection: &Connection, prepared: &Prepared) -> Result<Committed> {
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

fn write(connection: &Connection, prepared: &Prepared) -> Result<Vec<DeliveryId>, Stop> {
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

fn events(connection: &Connection, prepared: &Prepared) -> Result<Vec<DeliveryId>> {
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

/// Counts an event in its hour.
fn tally(connection: &Connection, event: &Event) -> Result<()> {
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
