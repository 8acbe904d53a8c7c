//! Events of a commit, what they add to the hour, and their deliveries.

use crate::{
    codec::{Key, micros},
    statement::{execute, first},
};
use domain::{DeliveryId, Event};
use ledger::{LedgerError, Result, codec::Prepared};
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
        let predecessor: Option<[u8; 16]> = match delivery.waits_until {
            None => None,
            Some(_) => first(
                connection,
                "deliveries",
                "SELECT id FROM deliveries WHERE customer = ?1 AND integration = ?2 AND status = 0 ORDER BY position DESC LIMIT 1",
                params![delivery.customer.key(), delivery.integration.key()],
                |row| row.get(0),
            )?,
        };
        let due_at = match predecessor {
            Some(_) => delivery.waits_until.unwrap_or(delivery.due_at),
            None => delivery.due_at,
        };
        execute(
            connection,
            "INSERT INTO deliveries (id, project, event, integration, customer, message, status, attempts, round, accepted_at, due_at, waits_for, trace, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, ?9, ?10, '')",
            params![
                delivery.id.key(),
                delivery.project.key(),
                position,
                delivery.integration.key(),
                delivery.customer.key(),
                message,
                micros(delivery.accepted_at),
                micros(due_at),
                predecessor,
                delivery.trace
            ],
        )?;
        if predecessor.is_none() {
            ready.push(delivery.id);
        }
    }
    Ok(ready)
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
