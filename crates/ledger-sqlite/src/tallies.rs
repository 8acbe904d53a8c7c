//! What was told and what runs, counted.

use crate::{codec::Key, statement::all};
use domain::ProjectId;
use jiff::Timestamp;
use ledger::{Result, Running, Tally};
use rusqlite::{Connection, params};

pub(crate) fn tallies(
    connection: &Connection,
    project: ProjectId,
    since: Timestamp,
) -> Result<Vec<Tally>> {
    all(
        connection,
        "tallies",
        "SELECT hour, environment, kind, count, usd_micros FROM tallies WHERE project = ?1 AND hour >= ?2 ORDER BY hour, environment, kind",
        params![project.key(), since.as_second() / 3600],
        |row| {
            let hour: i64 = row.get(0)?;
            let began = Timestamp::from_second(hour.saturating_mul(3600));
            Ok(Tally {
                hour: began.map_err(|error| row.corrupt(0, error))?,
                environment: row.environment(1)?,
                kind: row.kind(2)?,
                count: row.get(3)?,
                usd_micros: row.get(4)?,
            })
        },
    )
}

pub(crate) fn running(
    connection: &Connection,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<Running>> {
    all(
        connection,
        "purchases",
        "SELECT environment, sum(phase = 'trial'), sum(phase <> 'trial') FROM (
           SELECT environment, snapshot ->> '$.phase' AS phase FROM purchases
           WHERE project = ?1 AND store <> 'promotional' AND snapshot ->> '$.kind' = 'subscription'
             AND ((snapshot ->> '$.standing.state' = 'current' AND unixepoch(snapshot ->> '$.expires_at') > ?2)
               OR (snapshot ->> '$.standing.state' = 'grace' AND unixepoch(snapshot ->> '$.standing.until') > ?2))
         ) GROUP BY environment",
        params![project.key(), now.as_second()],
        |row| {
            Ok(Running {
                environment: row.environment(0)?,
                trials: row.get(1)?,
                paid: row.get(2)?,
            })
        },
    )
}
