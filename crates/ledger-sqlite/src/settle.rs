//! Attempts: recorded, and what waited for a delivery released.

use crate::{
    codec::{Key, micros, pack, to_json},
    deliveries::{LEASED, RawLease, leased},
    statement::execute,
};
use jiff::Timestamp;
use ledger::{DeliveryState, Next, Result, Settlement};
use rusqlite::{Connection, params};

/// A settlement with its request serialized: the writer thread only binds and steps.
pub(crate) struct Prepared {
    settlement: Settlement,
    request: Option<Vec<u8>>,
}

impl Prepared {
    pub(crate) fn new(settlement: Settlement) -> Result<Self> {
        let request = settlement
            .request
            .as_ref()
            .map(to_json)
            .transpose()?
            .map(|json| pack(json.as_bytes()));
        Ok(Self {
            settlement,
            request,
        })
    }
}

/// What waited for the delivery, now leased; `None` when the attempt was not recorded.
pub(crate) fn settle(
    connection: &Connection,
    prepared: &Prepared,
    lease_until: Timestamp,
) -> Result<Option<Vec<Result<RawLease>>>> {
    let Settlement {
        delivery,
        attempts,
        at,
        took,
        status,
        response,
        detail,
        next,
        ..
    } = &prepared.settlement;
    let (state, due_at, reason) = match next {
        Next::Delivered => (DeliveryState::Delivered, *at, None),
        Next::Failed(reason) => (DeliveryState::Failed, *at, Some(reason.id())),
        Next::Retry(reason, due_at) => (DeliveryState::Pending, *due_at, Some(reason.id())),
    };
    let recorded = execute(
        connection,
        "UPDATE deliveries SET status = ?3, attempts = attempts + 1, round = round + 1, due_at = ?4, reason = ?5, detail = ?6, waits_for = NULL WHERE id = ?1 AND attempts = ?2 AND status = 0",
        params![
            delivery.key(),
            attempts,
            state.number(),
            micros(due_at),
            reason,
            detail
        ],
    )?;
    if recorded == 0 {
        return Ok(None);
    }
    execute(
        connection,
        "INSERT INTO attempts (delivery, number, at, took_ms, status, reason, detail, response, request) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            delivery.key(),
            attempts + 1,
            micros(*at),
            i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            status,
            reason,
            detail,
            response,
            prepared.request
        ],
    )?;
    if state == DeliveryState::Pending {
        return Ok(Some(Vec::new()));
    }
    let sql = format!(
        "UPDATE deliveries SET waits_for = NULL, due_at = ?2 WHERE waits_for = ?1 AND status = 0 RETURNING {LEASED}"
    );
    let values = params![delivery.key(), micros(lease_until)];
    leased(connection, &sql, values).map(Some)
}
