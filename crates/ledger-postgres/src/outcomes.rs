//! What became of the last attempts at endpoints. A row for each, which nodes add to one after the other.

use crate::codec::{failed, micros};
use domain::IntegrationId;
use jiff::Timestamp;
use ledger::{
    LaneId, Outcomes, Result,
    codec::{Stored, readable, to_json},
};
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) async fn add(pool: &PgPool, heard: &[(LaneId, Outcomes)]) -> Result<()> {
    // In one order, so that two nodes do not wait for each other.
    let heard: BTreeMap<LaneId, &Outcomes> =
        heard.iter().map(|(lane, newer)| (*lane, newer)).collect();
    let integrations: Vec<_> = heard.keys().map(|lane| lane.integration.uuid()).collect();
    let endpoints: Vec<String> = heard
        .keys()
        .map(|lane| lane.endpoint.id().to_owned())
        .collect();
    let mut tx = pool.begin().await.map_err(failed)?;
    // There is a row of each before it is read: whoever comes second waits for it, and adds to what the first added.
    sqlx::query!(
        "insert into outcomes (integration, endpoint, heard_at, body) select n.integration, n.endpoint, 0, '{}'
         from unnest($1::uuid[], $2::text[]) as n(integration, endpoint) order by n.integration, n.endpoint
         on conflict (integration, endpoint) do nothing",
        &integrations,
        &endpoints
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    let found = sqlx::query!(
        "select o.integration, o.endpoint, o.body from outcomes o
         join unnest($1::uuid[], $2::text[]) as n(integration, endpoint) on o.integration = n.integration and o.endpoint = n.endpoint
         order by o.integration, o.endpoint for update of o",
        &integrations,
        &endpoints
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    let (mut integrations, mut endpoints) = (vec![], vec![]);
    let (mut times, mut bodies) = (vec![], vec![]);
    for row in found {
        let lane = lane(row.integration, &row.endpoint)?;
        let Some(newer) = heard.get(&lane) else {
            continue;
        };
        let mut known = Outcomes::stored(lane, &row.body);
        known.add(newer);
        integrations.push(row.integration);
        endpoints.push(row.endpoint);
        times.push(micros(known.heard_at().unwrap_or(Timestamp::UNIX_EPOCH)));
        bodies.push(to_json(&known)?);
    }
    sqlx::query!(
        "update outcomes o set heard_at = n.heard_at, body = n.body
         from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) as n(integration, endpoint, heard_at, body)
         where o.integration = n.integration and o.endpoint = n.endpoint",
        &integrations,
        &endpoints,
        &times,
        &bodies
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)
}

pub(crate) async fn read(pool: &PgPool) -> Result<Vec<(LaneId, Outcomes)>> {
    let found = sqlx::query!("select integration, endpoint, body from outcomes")
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    Ok(readable(found.into_iter().map(|row| {
        let of = Stored::new("outcomes", &row.integration);
        let outcomes = of.json("body", row.body.as_bytes())?;
        Ok((lane(row.integration, &row.endpoint)?, outcomes))
    })))
}

fn lane(integration: Uuid, endpoint: &str) -> Result<LaneId> {
    let of = Stored::new("outcomes", &integration);
    Ok(LaneId {
        integration: IntegrationId::new(integration),
        endpoint: of.environment("endpoint", endpoint)?,
    })
}

/// Forgets endpoints that nobody attempted since.
pub(crate) async fn retain(pool: &PgPool, since: Timestamp) -> Result<u64> {
    sqlx::query!("delete from outcomes where heard_at < $1", micros(since))
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
        .map_err(failed)
}
