//! What was told and what runs, counted.

use crate::codec::{counted, failed};
use domain::ProjectId;
use jiff::Timestamp;
use ledger::{Result, Running, Tally, codec::Stored};
use sqlx::PgPool;

pub(crate) async fn tallies(
    pool: &PgPool,
    project: ProjectId,
    since: Timestamp,
) -> Result<Vec<Tally>> {
    let found = sqlx::query!(
        r#"select hour, environment, kind, sum(count)::bigint as "count!", sum(usd_micros)::bigint as "usd_micros!" from tallies
           where project = $1 and hour >= $2 group by hour, environment, kind order by hour, environment, kind"#,
        project.uuid(), since.as_second() / 3600
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            let of = Stored::new("tallies", &row.hour);
            let hour = Timestamp::from_second(row.hour.saturating_mul(3600));
            Ok(Tally {
                hour: hour.map_err(|error| of.corrupt("hour", error))?,
                environment: of.environment("environment", &row.environment)?,
                kind: of.kind("kind", &row.kind)?,
                count: of.number("count", row.count)?,
                usd_micros: row.usd_micros,
            })
        })
        .collect()
}

pub(crate) async fn running(
    pool: &PgPool,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<Running>> {
    let found = sqlx::query!(
        r#"select environment, count(*) filter (where phase = 'trial') as "trials!", count(*) filter (where phase <> 'trial') as "paid!" from (
             select environment, snapshot::jsonb ->> 'phase' as phase, snapshot::jsonb as told from purchases
             where project = $1 and store <> 'promotional') as purchases
           where told ->> 'kind' = 'subscription'
             and ((told -> 'standing' ->> 'state' = 'current' and (told ->> 'expires_at')::timestamptz > to_timestamp($2::double precision))
               or (told -> 'standing' ->> 'state' = 'grace' and (told -> 'standing' ->> 'until')::timestamptz > to_timestamp($2::double precision)))
           group by environment order by environment"#,
        project.uuid(),
        now.as_duration().as_secs_f64()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            Ok(Running {
                environment: Stored::new("purchases", &row.environment)
                    .environment("environment", &row.environment)?,
                trials: counted(row.trials),
                paid: counted(row.paid),
            })
        })
        .collect()
}
