//! What people and programs read: events, deliveries, attempts, customers.

use crate::{
    codec::{Key, corrupt, failed, from_json, micros, time, to_json, unpack, uuid},
    commits,
    deliveries::{DELIVERED, FAILED},
};
use domain::{
    AppId, ChainKey, CustomerId, DeliveryId, Environment, EventId, EventKind, IntegrationId,
    NotSent, ProjectId, customer::Customer,
};
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryFilter, DeliveryRecord, DeliveryState, EventFilter,
    FeedRow, IntegrationState, Page, Result, Running, SentRequest, StoredChain, Tally,
    codec::Terms,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use std::{collections::BTreeMap, str::FromStr};

fn state_of(status: i64) -> DeliveryState {
    match status {
        DELIVERED => DeliveryState::Delivered,
        FAILED => DeliveryState::Failed,
        _ => DeliveryState::Pending,
    }
}

fn status_of(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Pending => crate::deliveries::PENDING,
        DeliveryState::Delivered => DELIVERED,
        DeliveryState::Failed => FAILED,
    }
}

type RawEvent = (u64, Vec<u8>, String);

fn raw_event(row: &Row<'_>) -> rusqlite::Result<RawEvent> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// Open deliveries up to which each leads to its event; of more, some are among the newest events.
const FEW: u32 = 5_000;

fn few_are_open(connection: &Connection) -> Result<bool> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE status = 0 LIMIT ?1)";
    let count: u32 = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([FEW], |row| row.get(0)))
        .map_err(failed)?;
    Ok(count < FEW)
}

/// How far the order in which events were committed may differ from the order of their `recorded_at`.
const DISORDER: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Position of the first event recorded at or after `at`, or the one after the last. Positions rise with time, give or take
/// [`DISORDER`], so it is found by halving: no index of times has to be kept.
fn first_since(connection: &Connection, at: i64) -> Result<i64> {
    let end: i64 = connection
        .prepare_cached("SELECT coalesce(max(position), 0) + 1 FROM events")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(failed)?;
    let mut next = connection
        .prepare_cached("SELECT position, recorded_at FROM events WHERE position >= ?1 ORDER BY position LIMIT 1")
        .map_err(failed)?;
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = next
            .query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(failed)?;
        match found {
            Some((position, recorded_at)) if recorded_at < at => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

pub(crate) fn events(
    connection: &Connection,
    filter: &EventFilter,
    page: Page,
) -> Result<Vec<FeedRow>> {
    // Failures are few, however many events there are: they lead to their events, not the other way round.
    let by_failure = matches!(filter.delivery, Some((_, DeliveryState::Failed)))
        && filter.project.is_some()
        && matches!(page, Page::Before(..));
    let position = if by_failure { "d.event" } else { "e.position" };
    let mut sql = String::from(if by_failure {
        "SELECT DISTINCT e.position, e.body, e.not_sent FROM deliveries d CROSS JOIN events e ON e.position = d.event WHERE d.status = 2"
    } else {
        "SELECT e.position, e.body, e.not_sent FROM events e WHERE 1"
    });
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(project) = filter.project {
        // A customer has few events: its own index serves better than the project's.
        let column = match filter.customer {
            _ if by_failure => "d.project = ?",
            Some(_) => "+e.project = ?",
            None => "e.project = ?",
        };
        also(column, Box::new(project.key()));
    }
    if let Some(customer) = filter.customer {
        also("e.customer = ?", Box::new(customer.key()));
    }
    if let Some(apps) = &filter.apps {
        let apps: Vec<String> = apps
            .iter()
            .map(|app| app.uuid().simple().to_string())
            .collect();
        also(
            "e.app IN (SELECT unhex(value) FROM json_each(?))",
            Box::new(to_json(&apps)?),
        );
    }
    if let Some(environment) = filter.environment {
        let column = if filter.kinds.len() == 1 {
            "+e.environment = ?"
        } else {
            "e.environment = ?"
        };
        also(column, Box::new(environment.id()));
    }
    // What is asked of a span of time is looked for in the span of positions that belongs to it.
    if let Some(since) = filter.since {
        also("e.recorded_at >= ?", Box::new(micros(since)));
        let lowest = since.saturating_sub(DISORDER).unwrap_or(since);
        let first = first_since(connection, micros(lowest))?;
        also(&format!("{position} >= ?"), Box::new(first));
    }
    if let Some(until) = filter.until {
        also("e.recorded_at < ?", Box::new(micros(until)));
        let highest = until.saturating_add(DISORDER).unwrap_or(until);
        let end = first_since(connection, micros(highest))?;
        also(&format!("{position} < ?"), Box::new(end));
    }
    if let [kind] = filter.kinds[..] {
        also("e.kind = ?", Box::new(kind.id()));
    } else if !filter.kinds.is_empty() {
        // Several are picked out in passing: following each by its index, all would have to be sorted.
        also(
            "+e.kind IN (SELECT value FROM json_each(?))",
            Box::new(to_json(&filter.kinds)?),
        );
    }
    if by_failure {
        if let Some((Some(integration), _)) = filter.delivery {
            also("d.integration = ?", Box::new(integration.key()));
        }
    } else if let Some((integration, DeliveryState::Pending)) = filter.delivery
        && few_are_open(connection)?
    {
        also(
            "e.position IN (SELECT event FROM deliveries WHERE status = 0 AND (? IS NULL OR integration = ?))",
            Box::new(integration.map(|id| id.key())),
        );
    } else if let Some((integration, state)) = filter.delivery {
        let condition = format!(
            "EXISTS (SELECT 1 FROM deliveries WHERE event = e.position AND status = {} AND (?  IS NULL OR integration = ?))",
            status_of(state)
        );
        also(&condition, Box::new(integration.map(|id| id.key())));
    }
    let (order, limit) = match page {
        Page::Before(before, limit) => {
            if let Some(before) = before {
                also(&format!("{position} < ?"), Box::new(before));
            }
            ("DESC", limit)
        }
        Page::After(after, limit) => {
            also(&format!("{position} > ?"), Box::new(after));
            ("ASC", limit)
        }
    };
    let sql = format!("{sql} ORDER BY {position} {order} LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows: Vec<RawEvent> = statement
        .query_map(rusqlite::params_from_iter(values.iter()), raw_event)
        .and_then(Iterator::collect)
        .map_err(failed)?;
    feed_rows(connection, rows)
}

pub(crate) fn event(
    connection: &Connection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<FeedRow>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT position, body, not_sent FROM events WHERE id = ?1 AND project = ?2",
        )
        .map_err(failed)?;
    let row: Option<RawEvent> = statement
        .query_row(params![id.key(), project.key()], raw_event)
        .optional()
        .map_err(failed)?;
    Ok(feed_rows(connection, row.into_iter().collect())?.pop())
}

fn feed_rows(connection: &Connection, rows: Vec<RawEvent>) -> Result<Vec<FeedRow>> {
    let positions: Vec<u64> = rows.iter().map(|row| row.0).collect();
    let mut states: BTreeMap<u64, Vec<(IntegrationId, IntegrationState)>> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached("SELECT event, integration, id, status, reason, detail, attempts, due_at, waits_for IS NOT NULL FROM deliveries WHERE event IN (SELECT value FROM json_each(?1)) ORDER BY position")
        .map_err(failed)?;
    let mut deliveries = statement.query([to_json(&positions)?]).map_err(failed)?;
    while let Some(row) = deliveries.next().map_err(failed)? {
        let read = |row: &Row<'_>| -> rusqlite::Result<_> {
            let reason: Option<String> = row.get(4)?;
            let state = IntegrationState::Delivery {
                id: DeliveryId::new(uuid(row, 2)?),
                state: state_of(row.get(3)?),
                reason: reason.as_deref().and_then(NotSent::from_id),
                detail: row.get(5)?,
                attempts: row.get(6)?,
                due_at: time(row, 7)?,
                waits: row.get(8)?,
            };
            Ok((row.get(0)?, IntegrationId::new(uuid(row, 1)?), state))
        };
        let (event, integration, state): (u64, _, _) = read(row).map_err(failed)?;
        states.entry(event).or_default().push((integration, state));
    }
    rows.into_iter()
        .map(|(position, body, not_sent)| {
            let event = from_json(&unpack(&body, "events", position)?, "events", position)?;
            let not_sent: Vec<(IntegrationId, NotSent)> =
                from_json(not_sent.as_bytes(), "events", position)?;
            let mut integrations = states.remove(&position).unwrap_or_default();
            // A replay may have sent what was not meant to be sent at first.
            let sent: Vec<IntegrationId> = integrations.iter().map(|(id, _)| *id).collect();
            integrations.extend(
                not_sent
                    .into_iter()
                    .filter(|(id, _)| !sent.contains(id))
                    .map(|(id, reason)| (id, IntegrationState::NotSent(reason))),
            );
            Ok(FeedRow {
                position,
                event,
                integrations,
            })
        })
        .collect()
}

const DELIVERY_COLUMNS: &str =
    "d.id, e.id, e.kind, d.customer, d.integration, d.message, d.status, d.reason, d.attempts, d.accepted_at, d.due_at,
    a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail, a.request, d.waits_for IS NOT NULL
    FROM deliveries d JOIN events e ON e.position = d.event LEFT JOIN attempts a ON a.delivery = d.id AND a.number = d.attempts";

fn attempt(row: &Row<'_>, first: usize) -> rusqlite::Result<AttemptRecord> {
    let response: Vec<u8> = row.get(first + 4)?;
    let reason: Option<String> = row.get(first + 5)?;
    Ok(AttemptRecord {
        number: row.get(first)?,
        at: time(row, first + 1)?,
        duration_ms: row.get(first + 2)?,
        status: row.get(first + 3)?,
        response: String::from_utf8_lossy(&response).into_owned(),
        reason: reason.as_deref().and_then(NotSent::from_id),
        detail: row.get(first + 6)?,
    })
}

fn delivery_row(row: &Row<'_>) -> rusqlite::Result<Result<DeliveryRecord>> {
    let (kind, message, reason): (String, String, Option<String>) =
        (row.get(2)?, row.get(5)?, row.get(7)?);
    let id = DeliveryId::new(uuid(row, 0)?);
    let last = row
        .get::<_, Option<u32>>(11)?
        .map(|_| attempt(row, 11))
        .transpose()?;
    let packed: Option<Vec<u8>> = row.get(18)?;
    let request = packed
        .map(|packed| {
            unpack(&packed, "attempts", id)
                .and_then(|json| from_json::<SentRequest>(&json, "attempts", id))
        })
        .transpose();
    let (event, customer, integration) = (
        EventId::new(uuid(row, 1)?),
        CustomerId::new(uuid(row, 3)?),
        IntegrationId::new(uuid(row, 4)?),
    );
    let (state, attempts, accepted_at, due_at, waits) = (
        state_of(row.get(6)?),
        row.get(8)?,
        time(row, 9)?,
        time(row, 10)?,
        row.get(19)?,
    );
    Ok((|| {
        Ok(DeliveryRecord {
            id,
            event,
            kind: EventKind::from_id(&kind)
                .ok_or_else(|| corrupt("events", event, format!("unknown kind {kind}")))?,
            customer,
            integration,
            message: from_json(message.as_bytes(), "deliveries", id)?,
            state,
            reason: reason.as_deref().and_then(NotSent::from_id),
            attempts,
            accepted_at,
            due_at,
            waits,
            request: request?,
            last,
        })
    })())
}

pub(crate) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    // Only what is asked for stands in the statement, so that each question finds its own index.
    let mut sql = format!("SELECT {DELIVERY_COLUMNS} WHERE 1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(project) = filter.project {
        // An integration is of one project: its own index serves better.
        let column = if filter.integration.is_some() {
            "+d.project = ?"
        } else {
            "d.project = ?"
        };
        also(column, Box::new(project.key()));
    }
    if let Some(integration) = filter.integration {
        also("d.integration = ?", Box::new(integration.key()));
    }
    if let Some(before) = before {
        let condition = "d.position < (SELECT position FROM deliveries WHERE id = ?)";
        also(condition, Box::new(before.key()));
    }
    if let Some(state) = filter.state {
        // A literal: a bound value does not match the condition of a partial index.
        sql.push_str(" AND d.status = ");
        sql.push_str(&status_of(state).to_string());
    }
    let sql = format!("{sql} ORDER BY d.position DESC LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let values = rusqlite::params_from_iter(values.iter());
    let rows: Vec<Result<DeliveryRecord>> = statement
        .query_map(values, delivery_row)
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter().collect()
}

pub(crate) fn delivery(
    connection: &Connection,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {DELIVERY_COLUMNS} WHERE d.id = ?1 AND d.project = ?2"
        ))
        .map_err(failed)?;
    statement
        .query_row(params![id.key(), project.key()], delivery_row)
        .optional()
        .map_err(failed)?
        .transpose()
}

pub(crate) fn attempts(connection: &Connection, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
    let mut statement = connection
        .prepare_cached("SELECT number, at, took_ms, status, response, reason, detail FROM attempts WHERE delivery = ?1 ORDER BY number")
        .map_err(failed)?;
    statement
        .query_map([id.key()], |row| attempt(row, 0))
        .and_then(Iterator::collect)
        .map_err(failed)
}

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
        let transactions = commits::transactions(&transaction, id, app, &environment, &chain)?;
        let stored = StoredChain {
            facts: terms.with(transactions),
            snapshot: from_json(snapshot.as_bytes(), "purchases", &chain)?,
            formers: commits::formers(row, 6)?,
        };
        let environment = Environment::from_id(&environment)
            .ok_or_else(|| corrupt("purchases", &chain, "unknown environment"))?;
        let key = ChainKey {
            store: commits::store(row, 5)?,
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

pub(crate) fn tallies(
    connection: &Connection,
    project: ProjectId,
    since: jiff::Timestamp,
) -> Result<Vec<Tally>> {
    let mut statement = connection
        .prepare_cached("SELECT hour, environment, kind, count, usd_micros FROM tallies WHERE project = ?1 AND hour >= ?2 ORDER BY hour, environment, kind")
        .map_err(failed)?;
    let rows: Vec<(i64, String, String, u64, i64)> = statement
        .query_map(params![project.key(), since.as_second() / 3600], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(hour, environment, kind, count, usd_micros)| {
            let unreadable = |what: &str| corrupt("tallies", hour, format!("unknown {what}"));
            Ok(Tally {
                hour: jiff::Timestamp::from_second(hour * 3600).map_err(|_| unreadable("hour"))?,
                environment: Environment::from_id(&environment)
                    .ok_or_else(|| unreadable("environment"))?,
                kind: EventKind::from_id(&kind).ok_or_else(|| unreadable("kind"))?,
                count,
                usd_micros,
            })
        })
        .collect()
}

pub(crate) fn running(
    connection: &Connection,
    project: ProjectId,
    now: jiff::Timestamp,
) -> Result<Vec<Running>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT environment, sum(phase = 'trial'), sum(phase <> 'trial') FROM (
               SELECT environment, snapshot ->> '$.phase' AS phase FROM purchases
               WHERE project = ?1 AND store <> 'promotional' AND snapshot ->> '$.kind' = 'subscription'
                 AND ((snapshot ->> '$.standing.state' = 'current' AND unixepoch(snapshot ->> '$.expires_at') > ?2)
                   OR (snapshot ->> '$.standing.state' = 'grace' AND unixepoch(snapshot ->> '$.standing.until') > ?2))
             ) GROUP BY environment",
        )
        .map_err(failed)?;
    let rows: Vec<(String, u64, u64)> = statement
        .query_map(params![project.key(), now.as_second()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(environment, trials, paid)| {
            let environment = Environment::from_id(&environment)
                .ok_or_else(|| corrupt("purchases", &environment, "unknown environment"))?;
            Ok(Running {
                environment,
                trials,
                paid,
            })
        })
        .collect()
}
