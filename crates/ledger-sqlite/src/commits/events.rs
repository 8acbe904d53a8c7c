//! Events of a commit, what they add to the hour, and their deliveries.

use crate::{
    codec::{Found, Key, micros},
    statement::{execute, first},
};
use domain::{DeliveryId, Event, time::after};
use jiff::Timestamp;
use ledger::{FAR, LedgerError, NewDelivery, PATIENCE, Result, Turn, codec::Prepared};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Answers the deliveries that wait for no other.
pub(super) fn write(connection: &Connection, prepared: &Prepared) -> Result<Vec<DeliveryId>> {
    let commit = &prepared.commit;
    let mut positions = BTreeMap::new();
    for (new, texts) in commit.events.iter().zip(&prepared.events) {
        let event = &new.event;
        execute(
            connection,
            "INSERT INTO events (id, project, customer, key, kind, app, environment, recorded_at, body, not_sent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                event.id.key(),
                event.project.key(),
                event.customer.id.key(),
                event.key,
                event.kind.id(),
                event.app.as_ref().map(|app| app.id.key()),
                event.environment.id(),
                micros(event.recorded_at),
                texts.body,
                texts.not_sent
            ],
        )?;
        positions.insert(event.id, connection.last_insert_rowid());
        tally(connection, event)?;
    }
    let mut ready = Vec::new();
    for (delivery, message) in commit.deliveries.iter().zip(&prepared.messages) {
        let position = *positions.get(&delivery.event).ok_or_else(|| {
            let problem = format!("delivery {} is of no event of its commit", delivery.id);
            LedgerError::Refused(problem)
        })?;
        let woken_at = if delivery.ordered {
            behind(connection, delivery)?
        } else {
            None
        };
        let turn = woken_at.map_or(Turn::Goes, |_| Turn::Waits);
        execute(
            connection,
            "INSERT INTO deliveries (id, project, event, integration, endpoint, customer, message, status, attempts, round, accepted_at, due_at, turn, trace, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, ?8, ?9, ?10, ?11, '')",
            params![
                delivery.id.key(),
                delivery.project.key(),
                position,
                delivery.lane.integration.key(),
                delivery.lane.endpoint.id(),
                delivery.customer.key(),
                message,
                micros(delivery.accepted_at),
                micros(woken_at.unwrap_or(delivery.due_at)),
                turn.number(),
                delivery.trace
            ],
        )?;
        if turn == Turn::Goes {
            ready.push(delivery.id);
        }
    }
    Ok(ready)
}

/// When a delivery is woken that is put behind another of its line; `None` where it is the first.
fn behind(connection: &Connection, delivery: &NewDelivery) -> Result<Option<Timestamp>> {
    first(
        connection,
        "deliveries",
        "SELECT id, turn, tried_at FROM deliveries WHERE customer = ?1 AND integration = ?2 AND endpoint = ?3 AND status = 0
         ORDER BY event DESC, position DESC LIMIT 1",
        params![
            delivery.customer.key(),
            delivery.lane.integration.key(),
            delivery.lane.endpoint.id()
        ],
        |row| {
            let waits = row.get::<i16>(1)? == Turn::Waits.number();
            let tried_at = row.maybe(2, Found::time)?;
            let patient = tried_at.filter(|_| !waits);
            Ok(patient.map_or(FAR, |tried_at| after(tried_at, PATIENCE)))
        },
    )
}

/// Counts an event in its hour.
fn tally(connection: &Connection, event: &Event) -> Result<()> {
    execute(
        connection,
        "INSERT INTO tallies VALUES (?1, ?2, ?3, ?4, 1, ?5)
         ON CONFLICT DO UPDATE SET count = count + 1, usd_micros = usd_micros + excluded.usd_micros",
        params![
            event.project.key(),
            event.recorded_at.as_second() / 3600,
            event.environment.id(),
            event.kind.id(),
            event.revenue_usd_micros()
        ],
    )
    .map(|_| ())
}
