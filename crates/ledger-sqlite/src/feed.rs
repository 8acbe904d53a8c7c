//! What people and programs read: events, deliveries, attempts, customers.

use crate::{
    codec::{Key, corrupt, failed, from_json, micros, time, to_json, unpack, uuid},
    delivery::{DELIVERED, FAILED},
    intake,
};
use domain::{
    AppId, ChainKey, CustomerId, DeliveryId, Environment, EventId, EventKind, IntegrationId,
    NotSent, ProjectId, customer::Customer,
};
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryFilter, DeliveryRecord, DeliveryState, EventFilter,
    FeedRow, IntegrationState, Page, Result, SentRequest, StoredChain,
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
        DeliveryState::Pending => crate::delivery::PENDING,
        DeliveryState::Delivered => DELIVERED,
        DeliveryState::Failed => FAILED,
    }
}

type RawEvent = (u64, Vec<u8>, String);

fn raw_event(row: &Row<'_>) -> rusqlite::Result<RawEvent> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

pub(crate) fn events(
    connection: &Connection,
    filter: &EventFilter,
    page: Page,
) -> Result<Vec<FeedRow>> {
    let mut sql = String::from("SELECT position, body, not_sent FROM events WHERE 1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(project) = filter.project {
        also("project = ?", Box::new(project.key()));
    }
    if let Some(customer) = filter.customer {
        also("customer = ?", Box::new(customer.key()));
    }
    if let Some(app) = filter.app {
        also("app = ?", Box::new(app.key()));
    }
    if let Some(environment) = filter.environment {
        also("environment = ?", Box::new(environment.id()));
    }
    if let Some(since) = filter.since {
        also("recorded_at >= ?", Box::new(micros(since)));
    }
    if !filter.kinds.is_empty() {
        also(
            "kind IN (SELECT value FROM json_each(?))",
            Box::new(to_json(&filter.kinds)?),
        );
    }
    if let Some((integration, state)) = filter.delivery {
        let condition = format!(
            "EXISTS (SELECT 1 FROM deliveries WHERE event = events.position AND status = {} AND (?  IS NULL OR integration = ?))",
            status_of(state)
        );
        also(&condition, Box::new(integration.map(|id| id.key())));
    }
    let (order, limit) = match page {
        Page::Before(before, limit) => {
            if let Some(before) = before {
                also("position < ?", Box::new(before));
            }
            ("DESC", limit)
        }
        Page::After(after, limit) => {
            also("position > ?", Box::new(after));
            ("ASC", limit)
        }
    };
    let sql = format!("{sql} ORDER BY position {order} LIMIT {limit}");
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
        .prepare_cached("SELECT event, integration, id, status, reason, detail, attempts, due_at FROM deliveries WHERE event IN (SELECT value FROM json_each(?1)) ORDER BY position")
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
            integrations.extend(
                not_sent
                    .into_iter()
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
    a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail, a.request
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
    let (state, attempts, accepted_at, due_at) = (
        state_of(row.get(6)?),
        row.get(8)?,
        time(row, 9)?,
        time(row, 10)?,
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
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {DELIVERY_COLUMNS} WHERE (?1 IS NULL OR d.project = ?1) AND (?2 IS NULL OR d.integration = ?2) AND (?3 IS NULL OR d.status = ?3)
             AND (?4 IS NULL OR d.position < (SELECT position FROM deliveries WHERE id = ?4)) ORDER BY d.position DESC LIMIT ?5"
        ))
        .map_err(failed)?;
    let values = params![
        filter.project.map(|id| id.key()),
        filter.integration.map(|id| id.key()),
        filter.state.map(status_of),
        before.map(|id| id.key()),
        limit
    ];
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
        let terms: intake::Terms<'_> = terms
            .map(|json| from_json(json.as_bytes(), "purchases", &chain))
            .transpose()?
            .unwrap_or_default();
        let transactions = intake::transactions(&transaction, id, app, &environment, &chain)?;
        let stored = StoredChain {
            facts: terms.with(transactions),
            snapshot: from_json(snapshot.as_bytes(), "purchases", &chain)?,
            formers: intake::formers(row, 6)?,
        };
        let environment = Environment::from_id(&environment)
            .ok_or_else(|| corrupt("purchases", &chain, "unknown environment"))?;
        let key = ChainKey {
            store: intake::store(row, 5)?,
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
