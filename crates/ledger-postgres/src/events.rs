//! Events in commit order, each with how it stands with every integration.

use crate::codec::{failed, micros, rows, signed};
use domain::{
    CustomerId, DeliveryId, EventId, IntegrationId, ProjectId,
    time::{after, before},
};
use jiff::{SignedDuration, Timestamp};
use ledger::{DeliveryState, EventFilter, FeedRow, IntegrationState, Page, Result, codec::Stored};
use sqlx::{PgExecutor, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Events given their position at once.
const PLACED: i64 = 5_000;

/// Gives what was committed since its position. Whoever comes second waits for the first, and finds nothing left.
pub(crate) async fn place(pool: &PgPool) -> Result<()> {
    loop {
        let waits = sqlx::query_scalar!(r#"select exists (select 1 from feed_queue) as "waits!""#)
            .fetch_one(pool)
            .await
            .map_err(failed)?;
        if !waits {
            return Ok(());
        }
        let mut tx = pool.begin().await.map_err(failed)?;
        // The next statement sees what was committed before this lock was given.
        let last = sqlx::query_scalar!("select last from feed_head for update")
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        let placed = sqlx::query!(
            "with taken as (
               delete from feed_queue where arrived in (select arrived from feed_queue order by arrived limit $2) returning *),
             placed as (
               insert into feed (position, event, customer, project, kind, app, environment, recorded_at)
               select $1 + row_number() over (order by arrived), event, customer, project, kind, app, environment, recorded_at from taken
               returning position)
             update feed_head set last = (select max(position) from placed) where exists (select 1 from placed)",
            last, PLACED
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        if placed.rows_affected() == 0 {
            return Ok(());
        }
    }
}

/// How far the order in which events were committed may differ from the order of their `recorded_at`.
const DISORDER: SignedDuration = SignedDuration::from_mins(10);

/// Position of the first event recorded at or after `at`, or the one after the last. Positions rise with time, give or take
/// [`DISORDER`], so it is found by halving: no index of times has to be kept.
async fn first_since(pool: &PgPool, at: Timestamp) -> Result<i64> {
    let (mut low, mut high) = (
        0,
        sqlx::query_scalar!("select last + 1 as \"end!\" from feed_head")
            .fetch_one(pool)
            .await
            .map_err(failed)?,
    );
    while low < high {
        let middle = low + (high - low) / 2;
        let found = sqlx::query!(
            "select position, recorded_at from feed where position >= $1 order by position limit 1",
            middle
        )
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
        match found {
            Some(row) if row.recorded_at < micros(at) => low = row.position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Where an event stands. Its row is looked up once it is known which are shown: joined, the two columns of its key look to the planner
/// like two conditions that hardly any row meets, and with millions of events it would go through all of them.
struct Place {
    position: i64,
    customer: Uuid,
    event: Uuid,
}

/// What a page asks, as values of statements.
struct Asked {
    project: Option<Uuid>,
    customer: Option<Uuid>,
    /// One, which an index leads to, or several.
    kind: Option<&'static str>,
    kinds: Option<Vec<String>>,
    apps: Option<Vec<Uuid>>,
    environment: Option<&'static str>,
    since: Option<i64>,
    until: Option<i64>,
    state: Option<DeliveryState>,
    integration: Option<Uuid>,
    above: i64,
    below: i64,
    limit: i64,
}

async fn asked(pool: &PgPool, filter: &EventFilter, page: Page) -> Result<Asked> {
    let (mut above, mut below, limit) = match page {
        Page::Before(before, limit) => (0, before.map_or(i64::MAX, signed), limit),
        Page::After(after, limit) => (signed(after), i64::MAX, limit),
    };
    if let Some(since) = filter.since {
        let lowest = before(since, DISORDER);
        above = above.max(first_since(pool, lowest).await? - 1);
    }
    if let Some(until) = filter.until {
        let highest = after(until, DISORDER);
        below = below.min(first_since(pool, highest).await?);
    }
    let kinds = filter.kinds.iter().map(|kind| kind.id().to_owned());
    Ok(Asked {
        project: filter.project.map(ProjectId::uuid),
        customer: filter.customer.map(CustomerId::uuid),
        kind: match filter.kinds[..] {
            [one] => Some(one.id()),
            _ => None,
        },
        kinds: (filter.kinds.len() > 1).then(|| kinds.collect()),
        apps: filter
            .apps
            .as_ref()
            .map(|apps| apps.iter().map(|app| app.uuid()).collect()),
        environment: filter.environment.map(domain::Environment::id),
        since: filter.since.map(micros),
        until: filter.until.map(micros),
        state: filter.delivery.map(|(_, state)| state),
        integration: filter
            .delivery
            .and_then(|(id, _)| id)
            .map(IntegrationId::uuid),
        above,
        below,
        limit: rows(limit),
    })
}

pub(crate) async fn events(
    pool: &PgPool,
    filter: &EventFilter,
    page: Page,
) -> Result<Vec<FeedRow>> {
    place(pool).await?;
    let asked = asked(pool, filter, page).await?;
    let found = match page {
        Page::Before(..) => newest_first(pool, &asked).await,
        Page::After(..) => oldest_first(pool, &asked).await,
    };
    feed_rows(pool, found.map_err(failed)?).await
}

/// Open deliveries up to which each leads to its event; of more, some are among the newest events.
const FEW: i64 = 5_000;

async fn few_are_open(pool: &PgPool) -> sqlx::Result<bool> {
    let open = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (select 1 from deliveries where status = 0 limit $1) as open"#,
        FEW
    );
    Ok(open.fetch_one(pool).await? < FEW)
}

async fn newest_first(pool: &PgPool, asked: &Asked) -> sqlx::Result<Vec<Place>> {
    // What failed is little, however many events there are, and so is mostly what is open: it leads to its events, not the
    // other way round, and in this order whatever statistics say: `limit` keeps the planner from turning it about.
    let leads = match asked.state {
        Some(DeliveryState::Failed) => true,
        Some(DeliveryState::Pending) => few_are_open(pool).await?,
        Some(DeliveryState::Delivered) | None => false,
    };
    let status = asked.state.map(DeliveryState::number);
    if leads {
        return sqlx::query_as!(
            Place,
            "with led as materialized (
               select distinct d.event from deliveries d where d.status = $9 and ($1::uuid is null or d.project = $1) and ($10::uuid is null or d.integration = $10))
             select f.position, f.customer, f.event from led cross join lateral (select * from feed where feed.event = led.event limit 1) f
             where ($1::uuid is null or f.project = $1) and ($2::uuid is null or f.customer = $2) and ($3::text[] is null or f.kind = any($3)) and ($13::text is null or f.kind = $13)
               and ($4::uuid[] is null or f.app = any($4)) and ($5::text is null or f.environment = $5)
               and ($6::bigint is null or f.recorded_at >= $6) and ($7::bigint is null or f.recorded_at < $7) and f.position > $8 and f.position < $11
             order by f.position desc limit $12",
            asked.project, asked.customer, asked.kinds.as_deref(), asked.apps.as_deref(), asked.environment, asked.since, asked.until,
            asked.above, status, asked.integration, asked.below, asked.limit, asked.kind
        )
        .fetch_all(pool)
        .await;
    }
    sqlx::query_as!(
        Place,
        "select f.position, f.customer, f.event from feed f
         where ($1::uuid is null or f.project = $1) and ($2::uuid is null or f.customer = $2) and ($3::text[] is null or f.kind = any($3)) and ($13::text is null or f.kind = $13)
           and ($4::uuid[] is null or f.app = any($4)) and ($5::text is null or f.environment = $5)
           and ($6::bigint is null or f.recorded_at >= $6) and ($7::bigint is null or f.recorded_at < $7) and f.position > $8 and f.position < $11
           and ($9::smallint is null or exists (
             select 1 from deliveries d where d.event = f.event and d.status + 0 = $9 and ($10::uuid is null or d.integration = $10)))
         order by f.position desc limit $12",
        asked.project, asked.customer, asked.kinds.as_deref(), asked.apps.as_deref(), asked.environment, asked.since, asked.until,
        asked.above, status, asked.integration, asked.below, asked.limit, asked.kind
    )
    .fetch_all(pool)
    .await
}

async fn oldest_first(pool: &PgPool, asked: &Asked) -> sqlx::Result<Vec<Place>> {
    let status = asked.state.map(DeliveryState::number);
    sqlx::query_as!(
        Place,
        "select f.position, f.customer, f.event from feed f
         where ($1::uuid is null or f.project = $1) and ($2::uuid is null or f.customer = $2) and ($3::text[] is null or f.kind = any($3)) and ($13::text is null or f.kind = $13)
           and ($4::uuid[] is null or f.app = any($4)) and ($5::text is null or f.environment = $5)
           and ($6::bigint is null or f.recorded_at >= $6) and ($7::bigint is null or f.recorded_at < $7) and f.position > $8 and f.position < $11
           and ($9::smallint is null or exists (
             select 1 from deliveries d where d.event = f.event and d.status + 0 = $9 and ($10::uuid is null or d.integration = $10)))
         order by f.position limit $12",
        asked.project, asked.customer, asked.kinds.as_deref(), asked.apps.as_deref(), asked.environment, asked.since, asked.until,
        asked.above, status, asked.integration, asked.below, asked.limit, asked.kind
    )
    .fetch_all(pool)
    .await
}

pub(crate) async fn event(
    pool: &PgPool,
    project: ProjectId,
    id: EventId,
) -> Result<Option<FeedRow>> {
    place(pool).await?;
    let found = sqlx::query_as!(
        Place,
        "select f.position, f.customer, f.event from feed f
         where f.event = $1 and f.project = $2",
        id.uuid(),
        project.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(feed_rows(pool, found).await?.pop())
}

/// What is stored of an event, and whom it was not sent to.
pub(crate) struct Told {
    pub(crate) body: Vec<u8>,
    not_sent: String,
}

/// Events by their ids, found by their keys.
pub(crate) async fn told(
    on: impl PgExecutor<'_>,
    customers: &[Uuid],
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Told>> {
    let rows = sqlx::query!(
        "select e.id, e.body, e.not_sent from unnest($1::uuid[], $2::uuid[]) as n(customer, id) join events e on e.customer = n.customer and e.id = n.id",
        customers, ids
    )
    .fetch_all(on)
    .await
    .map_err(failed)?;
    let told = rows.into_iter().map(|row| {
        let (body, not_sent) = (row.body, row.not_sent);
        (row.id, Told { body, not_sent })
    });
    Ok(told.collect())
}

async fn feed_rows(pool: &PgPool, found: Vec<Place>) -> Result<Vec<FeedRow>> {
    let (customers, ids): (Vec<Uuid>, Vec<Uuid>) =
        found.iter().map(|row| (row.customer, row.event)).unzip();
    let mut told = told(pool, &customers, &ids).await?;
    let deliveries = sqlx::query!(
        r#"select d.event, d.integration, d.id, d.status, d.reason, d.detail, d.attempts, d.due_at, (d.turn = 0 or d.waits_for is not null) as "waits!"
           from unnest($1::uuid[], $2::uuid[]) as n(customer, event) join deliveries d on d.event = n.event and d.customer = n.customer
           order by d.position"#,
        &customers, &ids
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut states: BTreeMap<Uuid, Vec<(IntegrationId, IntegrationState)>> = BTreeMap::new();
    for row in deliveries {
        let of = Stored::new("deliveries", &row.id);
        let state = IntegrationState::Delivery {
            id: DeliveryId::new(row.id),
            state: of.state("status", row.status)?,
            reason: row
                .reason
                .map(|reason| of.reason("reason", &reason))
                .transpose()?,
            detail: row.detail,
            attempts: of.number("attempts", row.attempts)?,
            due_at: of.time("due_at", row.due_at)?,
            waits: row.waits,
        };
        let of_event = states.entry(row.event).or_default();
        of_event.push((IntegrationId::new(row.integration), state));
    }
    found
        .into_iter()
        .map(|row| {
            let place = Stored::new("feed", &row.position);
            let told = told
                .remove(&row.event)
                .ok_or_else(|| place.corrupt("event", "it does not exist"))?;
            let of = Stored::new("events", &row.event);
            Ok(FeedRow::new(
                place.number("position", row.position)?,
                of.body("body", &told.body)?,
                states.remove(&row.event).unwrap_or_default(),
                of.json("not_sent", told.not_sent.as_bytes())?,
            ))
        })
        .collect()
}
