//! Attempts: recorded, and what is next in line released.

use crate::{
    codec::{Found, Key, micros, pack, to_json},
    configuration,
    forget::is_forgotten,
    lease::RawLease,
    line::{self, Line},
    statement::{execute, first},
};
use domain::{NotSent, time::after};
use jiff::Timestamp;
use ledger::{DeliveryState, Next, Order, PATIENCE, Result, Settlement, Turn};
use rusqlite::{Connection, params};

/// A settlement with its request serialized: the writer thread only binds and steps.
pub(crate) struct Prepared {
    settlement: Settlement,
    request: Option<Vec<u8>>,
    headers: String,
}

impl Prepared {
    pub(crate) fn new(settlement: Settlement) -> Result<Self> {
        let request = settlement
            .request
            .as_ref()
            .map(|request| pack(to_json(request)?.as_bytes()))
            .transpose()?;
        Ok(Self {
            headers: to_json(&settlement.headers)?,
            settlement,
            request,
        })
    }
}

/// What is next in the line of the delivery, now leased; `None` when the attempt was not recorded.
pub(crate) fn settle(
    connection: &Connection,
    prepared: &Prepared,
    lease_until: Timestamp,
) -> Result<Option<Vec<Result<RawLease>>>> {
    let settlement = &prepared.settlement;
    let (at, order) = (settlement.at, settlement.order);
    let lacked = settlement.lacked.as_ref();
    let stored = lacked.map(|made| configuration::integration(connection, made.integration));
    let next = settlement.next_upon(stored.transpose()?.flatten().as_ref());
    let withheld =
        if settlement.names_customer && is_forgotten(connection, settlement.customer.key())? {
            Some(Prepared::new(settlement.clone().without_words())?)
        } else {
            None
        };
    let told = withheld.as_ref().unwrap_or(prepared);
    let Some((line, tried_at)) = record(connection, &told.settlement, &next)? else {
        return Ok(None);
    };
    note_attempt(connection, told)?;
    match next {
        Next::Delivered | Next::Failed(_) => {
            line::release(connection, &line, order, at, lease_until).map(Some)
        }
        Next::Retry(..) | Next::Rest(..) => {
            if let (Order::Customer { .. }, Some(tried_at)) = (order, tried_at) {
                line::wake(connection, &line, after(tried_at, PATIENCE))?;
            }
            Ok(Some(Vec::new()))
        }
        Next::Later(..) => Ok(Some(Vec::new())),
    }
}

/// Moves the delivery on. Answers its line and when it was first tried; `None` where it is at another attempt.
fn record(
    connection: &Connection,
    settlement: &Settlement,
    next: &Next,
) -> Result<Option<(Line, Option<Timestamp>)>> {
    let (id, attempts, at) = (
        settlement.delivery.key(),
        settlement.attempts,
        settlement.at,
    );
    let (state, due_at, reason, turn) = match next {
        Next::Delivered => (DeliveryState::Delivered, at, None, Turn::Goes),
        Next::Failed(reason) => (DeliveryState::Failed, at, Some(reason), Turn::Goes),
        Next::Retry(reason, due_at) | Next::Rest(reason, due_at) => {
            (DeliveryState::Pending, *due_at, Some(reason), Turn::Rests)
        }
        Next::Later(reason, due_at) => (DeliveryState::Pending, *due_at, Some(reason), Turn::Goes),
    };
    let counts = next.counts();
    first(
        connection,
        "deliveries",
        "UPDATE deliveries SET status = ?3, attempts = attempts + 1, round = round + ?8, due_at = ?4, reason = ?5, detail = ?6, turn = ?7,
           tried_at = coalesce(tried_at, iif(?8, ?9, NULL))
         WHERE id = ?1 AND attempts = ?2 AND status = 0 RETURNING id, customer, integration, endpoint, tried_at",
        params![
            id,
            attempts,
            state.number(),
            micros(due_at),
            reason.map(|reason| reason.id()),
            settlement.detail,
            turn.number(),
            counts,
            micros(at)
        ],
        |row| {
            let line = Line {
                customer: row.get(1)?,
                integration: row.get(2)?,
                endpoint: row.get(3)?,
            };
            let tried_at = row.maybe(4, Found::time)?;
            Ok((line, tried_at))
        },
    )
}

fn note_attempt(connection: &Connection, prepared: &Prepared) -> Result<()> {
    let settlement = &prepared.settlement;
    let reason = settlement.next.reason().map(NotSent::id);
    execute(
        connection,
        "INSERT INTO attempts (delivery, number, at, took_ms, status, reason, detail, response, request, headers) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            settlement.delivery.key(),
            settlement.attempts + 1,
            micros(settlement.at),
            i64::try_from(settlement.took.as_millis()).unwrap_or(i64::MAX),
            settlement.status,
            reason,
            settlement.detail,
            settlement.response,
            prepared.request,
            prepared.headers
        ],
    )
    .map(|_| ())
}
