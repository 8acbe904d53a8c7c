//! Lines: the deliveries of one customer in one lane, in the order of their events. See [`ledger::Deliveries`].

use crate::{
    codec::micros,
    deliveries::{LEASED, RawLease, leased},
    statement::execute,
};
use jiff::Timestamp;
use ledger::{Order, Result};
use rusqlite::{Connection, params};

/// A customer in a lane, as columns know them.
pub(crate) struct Line {
    pub(crate) customer: [u8; 16],
    pub(crate) integration: [u8; 16],
    pub(crate) endpoint: String,
}

/// That it is the turn of a delivery `d` at `?1`, where one that rests and was tried before `?2` is passed: none of its line is under way, and
/// every earlier one is settled or passed.
pub(crate) const ITS_TURN: &str = "NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.customer = d.customer AND b.integration = d.integration AND b.endpoint = d.endpoint
       AND b.status = 0 AND b.turn = 1 AND b.due_at > ?1 AND b.position <> d.position)
     AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.customer = d.customer AND b.integration = d.integration AND b.endpoint = d.endpoint
       AND b.status = 0 AND b.event <= d.event AND (b.event < d.event OR b.position < d.position)
       AND (b.turn <> 2 OR b.due_at <= ?1 OR b.tried_at >= ?2))";

/// Before which a delivery was tried that is passed.
pub(crate) fn tried_before(order: Order) -> i64 {
    match order {
        Order::Any => i64::MIN,
        Order::Customer { tried_before } => micros(tried_before),
    }
}

/// Leases the one whose turn it is. Where that is none, the next that waits is woken: it is found when its turn comes.
pub(crate) fn release(
    connection: &Connection,
    line: &Line,
    order: Order,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<Result<RawLease>>> {
    if order == Order::Any {
        return Ok(Vec::new());
    }
    let sql = format!(
        "UPDATE deliveries SET turn = 1, due_at = ?3 WHERE position = (
           SELECT d.position FROM deliveries d WHERE d.customer = ?4 AND d.integration = ?5 AND d.endpoint = ?6 AND d.status = 0
             AND (d.turn = 0 OR d.due_at <= ?1) AND {ITS_TURN} ORDER BY d.event, d.position LIMIT 1) RETURNING {LEASED}"
    );
    let values = params![
        micros(now),
        tried_before(order),
        micros(lease_until),
        line.customer,
        line.integration,
        line.endpoint
    ];
    let released = leased(connection, &sql, values)?;
    if released.is_empty() {
        wake(connection, line, now)?;
    }
    Ok(released)
}

/// Has the first that waits looked at by claims from `at` on.
pub(crate) fn wake(connection: &Connection, line: &Line, at: Timestamp) -> Result<()> {
    execute(
        connection,
        "UPDATE deliveries SET due_at = ?4 WHERE due_at > ?4 AND position = (
           SELECT position FROM deliveries WHERE customer = ?1 AND integration = ?2 AND endpoint = ?3 AND status = 0 AND turn = 0
           ORDER BY event, position LIMIT 1)",
        params![line.customer, line.integration, line.endpoint, micros(at)],
    )
    .map(|_| ())
}
