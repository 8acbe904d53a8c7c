//! Deliveries as they are leased: the row, and the event that it carries.

use crate::{
    codec::Found,
    statement::{all, first},
};
use domain::DeliveryId;
use jiff::Timestamp;
use ledger::{
    LaneId, Lease, Result,
    codec::{Stored, readable},
};
use rusqlite::{Connection, Params};
use std::sync::Arc;

/// A lease as it is stored: decoded by whoever asked, not on the writer thread.
pub(crate) struct RawLease {
    id: DeliveryId,
    lane: LaneId,
    message: String,
    attempts: u32,
    round: u32,
    accepted_at: Timestamp,
    tried_at: Option<Timestamp>,
    event: i64,
    trace: Option<String>,
    body: Vec<u8>,
}

pub(crate) const LEASED: &str =
    "id, integration, message, attempts, round, accepted_at, event, trace, endpoint, tried_at";

fn raw(connection: &Connection, row: &Found<'_>) -> Result<RawLease> {
    let event = row.get(6)?;
    let sql = "SELECT position, body FROM events WHERE position = ?1";
    let body = first(connection, "events", sql, [event], |row| row.get(1))?;
    Ok(RawLease {
        id: row.id(0)?,
        lane: LaneId {
            integration: row.id(1)?,
            endpoint: row.environment(8)?,
        },
        message: row.get(2)?,
        attempts: row.get(3)?,
        round: row.get(4)?,
        accepted_at: row.time(5)?,
        tried_at: row.maybe(9, Found::time)?,
        event,
        trace: row.get(7)?,
        body: body.ok_or_else(|| row.corrupt(6, "the event it carries does not exist"))?,
    })
}

/// Runs an `UPDATE ... RETURNING` of deliveries and adds the events they carry. One that cannot be read holds up no other.
pub(crate) fn leased(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> Result<Vec<Result<RawLease>>> {
    all(connection, "deliveries", sql, values, |row| {
        Ok(raw(connection, row))
    })
}

/// Those that can be read.
pub(crate) fn decoded(leases: Vec<Result<RawLease>>) -> Vec<Lease> {
    readable(leases.into_iter().map(|lease| lease?.decode()))
}

impl RawLease {
    fn decode(self) -> Result<Lease> {
        Ok(Lease {
            id: self.id,
            lane: self.lane,
            message: Stored::new("deliveries", &self.id)
                .json("message", self.message.as_bytes())?,
            event: Arc::new(Stored::new("events", &self.event).body("body", &self.body)?),
            trace: self.trace,
            attempts: self.attempts,
            round: self.round,
            accepted_at: self.accepted_at,
            tried_at: self.tried_at,
        })
    }
}
