//! What was told and what runs, counted.

use crate::codec::{Key, corrupt, failed};
use domain::{Environment, EventKind, ProjectId};
use jiff::Timestamp;
use ledger::{Result, Running, Tally};
use rusqlite::{Connection, params};

pub(crate) fn tallies(
    connection: &Connection,
    project: ProjectId,
    since: Timestamp,
) -> Result<Vec<Tally>> {
    let mut statement = connection
        .prepare_cached("SELECT hour, environment, kind, count, usd_micros FROM tallies WHERE project = ?1 AND hour >= ?2 ORDER BY hour, environment, kind")
        .map_err(failed)?;
    let rows: Vec<(i64, String, String, u64, i64)> = statement
        .query_map(params![project.key(), since.as_second() / 3600], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(hour, environment, kind, count, usd_micros)| {
            let unreadable = |what: &str| corrupt("tallies", hour, format!("unknown {what}"));
            Ok(Tally {
                hour: Timestamp::from_second(hour * 3600).map_err(|_| unreadable("hour"))?,
                environment: Environment::from_id(&environment)
                    .ok_or_else(|| unreadable("environment"))?,
                kind: EventKind::from_id(&kind).ok_or_else(|| unreadable("kind"))?,
                count,
                usd_micros,
            })
        })
        .collect()
}

pub(crate) fn running(
    connection: &Connection,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<Running>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT environment, sum(phase = 'trial'), sum(phase <> 'trial') FROM (
               SELECT environment, snapshot ->> '$.phase' AS phase FROM purchases
               WHERE project = ?1 AND store <> 'promotional' AND snapshot ->> '$.kind' = 'subscription'
                 AND ((snapshot ->> '$.standing.state' = 'current' AND unixepoch(snapshot ->> '$.expires_at') > ?2)
                   OR (snapshot ->> '$.standing.state' = 'grace' AND unixepoch(snapshot ->> '$.standing.until') > ?2))
             ) GROUP BY environment",
        )
        .map_err(failed)?;
    let rows: Vec<(String, u64, u64)> = statement
        .query_map(params![project.key(), now.as_second()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(environment, trials, paid)| {
            let environment = Environment::from_id(&environment)
                .ok_or_else(|| corrupt("purchases", &environment, "unknown environment"))?;
            Ok(Running {
                environment,
                trials,
                paid,
            })
        })
        .collect()
}
