//! What became of the last attempts at endpoints.

use crate::{
    codec::{Key, micros, to_json},
    statement::{all, execute, first},
};
use jiff::Timestamp;
use ledger::{LaneId, Outcomes, Result, codec::Stored};
use rusqlite::{Connection, params};

pub(crate) fn add(connection: &Connection, heard: &[(LaneId, Outcomes)]) -> Result<()> {
    for (lane, newer) in heard {
        let (integration, endpoint) = (lane.integration.key(), lane.endpoint.id());
        let body: Option<String> = first(
            connection,
            "outcomes",
            "SELECT integration, body FROM outcomes WHERE integration = ?1 AND endpoint = ?2",
            params![integration, endpoint],
            |row| row.get(1),
        )?;
        let known = body.map(|body| Outcomes::stored(*lane, &body));
        let mut known = known.unwrap_or_default();
        known.add(newer);
        let heard_at = known.heard_at().unwrap_or(Timestamp::UNIX_EPOCH);
        execute(
            connection,
            "INSERT INTO outcomes (integration, endpoint, heard_at, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET heard_at = excluded.heard_at, body = excluded.body",
            params![integration, endpoint, micros(heard_at), to_json(&known)?],
        )?;
    }
    Ok(())
}

pub(crate) fn read(connection: &Connection) -> Result<Vec<Result<(LaneId, Outcomes)>>> {
    let sql = "SELECT integration, endpoint, body FROM outcomes ORDER BY integration, endpoint";
    all(connection, "outcomes", sql, [], |row| {
        let lane = LaneId {
            integration: row.id(0)?,
            endpoint: row.environment(1)?,
        };
        let body: String = row.get(2)?;
        let of = Stored::new("outcomes", &lane.integration);
        Ok(of
            .json("body", body.as_bytes())
            .map(|outcomes| (lane, outcomes)))
    })
}

/// Forgets endpoints that nobody attempted since.
pub(crate) fn retain(connection: &Connection, since: Timestamp) -> Result<usize> {
    execute(
        connection,
        "DELETE FROM outcomes WHERE heard_at < ?1",
        params![micros(since)],
    )
}
