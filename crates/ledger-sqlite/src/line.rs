//! Lines: the deliveries of one customer in one lane, in the order of their events. See [`ledger::Deliveries`].

use crate::{
    codec::micros,
    lease::{LEASED, RawLease, leased},
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
///
/// The indexes are named: without statistics, that of what is due looks as good, and all of a lane that is not due would be walked.
pub(crate) const ITS_TURN: &str = "NOT EXISTS (SELECT 1 FROM deliveries b INDEXED BY deliveries_under_way WHERE b.customer = d.customer AND b.integration = d.integration AND b.endpoint = d.endpoint
       AND b.status = 0 AND b.turn = 1 AND b.due_at > ?1 AND b.position <> d.position)
     AND NOT EXISTS (SELECT 1 FROM deliveries b INDEXED BY deliveries_open WHERE b.customer = d.customer AND b.integration = d.integration AND b.endpoint = d.endpoint
       AND b.status = 0 AND b.event <= d.event AND (b.event < d.event OR b.position < d.position)
       AND (b.turn <> 2 OR b.due_at <= ?1 OR b.tried_at >= ?2))";

/// Before which a delivery was tried that is passed.
pub(crate) fn tried_before(order: Order) -> i64 {
    match order {
        Order::Any => i64::MIN,
        Order::Customer { tried_before } => micros(tried_before),
    }
}

/// Of a line, only the first that waits or is due can have its turn: it is looked up, then asked.
fn release_sql() -> String {
    format!(
        "UPDATE deliveries SET turn = 1, due_at = ?3 WHERE position = (
           SELECT d.position FROM (
             SELECT position, event, customer, integration, endpoint FROM deliveries INDEXED BY deliveries_open
             WHERE customer = ?4 AND integration = ?5 AND endpoint = ?6 AND status = 0 AND (turn = 0 OR due_at <= ?1) ORDER BY event, position LIMIT 1) d
           WHERE {ITS_TURN}) RETURNING {LEASED}"
    )
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
    let values = params![
        micros(now),
        tried_before(order),
        micros(lease_until),
        line.customer,
        line.integration,
        line.endpoint
    ];
    let released = leased(connection, &release_sql(), values)?;
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
           SELECT position FROM deliveries INDEXED BY deliveries_open WHERE customer = ?1 AND integration = ?2 AND endpoint = ?3 AND status = 0 AND turn = 0
           ORDER BY event, position LIMIT 1)",
        params![line.customer, line.integration, line.endpoint, micros(at)],
    )
    .map(|_| ())
}

/// How what stands before one in its line is searched for.
#[cfg(test)]
pub(crate) const BLOCKED: [&str; 2] = [
    "SEARCH b USING INDEX deliveries_under_way (customer=? AND integration=? AND endpoint=?)",
    "SEARCH b USING INDEX deliveries_open (customer=? AND integration=? AND endpoint=? AND event<?)",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::searched;

    #[test]
    fn a_release_reads_one_line() {
        let found = searched(&release_sql());
        let line = "SEARCH deliveries USING INDEX deliveries_open (customer=? AND integration=? AND endpoint=?)";
        assert!(found.iter().any(|step| step == line), "{found:#?}");
        for blocked in BLOCKED {
            assert!(found.iter().any(|step| step == blocked), "{found:#?}");
        }
    }
}
