//! What people and programs read: events, deliveries, attempts, customers.

use crate::{
    codec::{
        FAILED, PENDING, count, environment, failed, kind, micros, reason, rows, signed, state_of,
        status_of, store, time, unsigned,
    },
    load,
};
use domain::{
    AppId, ChainKey, CustomerId, DeliveryId, EventId, IntegrationId, NotSent, ProjectId,
    customer::Customer,
};
use jiff::Timestamp;
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryFilter, DeliveryRecord, EventFilter, FeedRow,
    IntegrationState, Page, Result, Running, SentRequest, StoredChain, Tally,
    codec::{Terms, corrupt, from_json, unpack},
};
use sqlx::PgPool;
use std::{collections::BTreeMap, str::FromStr};
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
const DISORDER: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

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
    status: Option<i16>,
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
        let lowest = since.saturating_sub(DISORDER).unwrap_or(since);
        above = above.max(first_since(pool, lowest).await? - 1);
    }
    if let Some(until) = filter.until {
        let highest = until.saturating_add(DISORDER).unwrap_or(until);
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
        status: filter.delivery.map(|(_, state)| status_of(state)),
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
    let leads = match asked.status {
        Some(FAILED) => true,
        Some(PENDING) => few_are_open(pool).await?,
        _ => false,
    };
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
            asked.above, asked.status, asked.integration, asked.below, asked.limit, asked.kind
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
        asked.above, asked.status, asked.integration, asked.below, asked.limit, asked.kind
    )
    .fetch_all(pool)
    .await
}

async fn oldest_first(pool: &PgPool, asked: &Asked) -> sqlx::Result<Vec<Place>> {
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
        asked.above, asked.status, asked.integration, asked.below, asked.limit, asked.kind
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

/// Bodies of events, found by their keys, and whom each was not sent to.
pub(crate) async fn told(
    pool: &PgPool,
    customers: &[Uuid],
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, (Vec<u8>, String)>> {
    let rows = sqlx::query!(
        "select e.id, e.body, e.not_sent from unnest($1::uuid[], $2::uuid[]) as n(customer, id) join events e on e.customer = n.customer and e.id = n.id",
        customers, ids
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let told = rows.into_iter();
    Ok(told.map(|row| (row.id, (row.body, row.not_sent))).collect())
}

async fn feed_rows(pool: &PgPool, found: Vec<Place>) -> Result<Vec<FeedRow>> {
    let (customers, ids): (Vec<Uuid>, Vec<Uuid>) =
        found.iter().map(|row| (row.customer, row.event)).unzip();
    let mut told = told(pool, &customers, &ids).await?;
    let deliveries = sqlx::query!(
        r#"select d.event, d.integration, d.id, d.status, d.reason, d.detail, d.attempts, d.due_at, d.waits_for is not null as "waits!"
           from unnest($1::uuid[], $2::uuid[]) as n(customer, event) join deliveries d on d.event = n.event and d.customer = n.customer
           order by d.position"#,
        &customers, &ids
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut states: BTreeMap<Uuid, Vec<(IntegrationId, IntegrationState)>> = BTreeMap::new();
    for row in deliveries {
        let state = IntegrationState::Delivery {
            id: DeliveryId::new(row.id),
            state: state_of(row.status),
            reason: reason(row.reason.as_deref()),
            detail: row.detail,
            attempts: count(row.attempts),
            due_at: time(row.due_at, "deliveries")?,
            waits: row.waits,
        };
        let of_event = states.entry(row.event).or_default();
        of_event.push((IntegrationId::new(row.integration), state));
    }
    found
        .into_iter()
        .map(|row| {
            let id = row.event;
            let (body, not_sent) = told
                .remove(&id)
                .ok_or_else(|| corrupt("feed", row.position, "its event does not exist"))?;
            let event = from_json(&unpack(&body, "events", id)?, "events", id)?;
            let not_sent: Vec<(IntegrationId, NotSent)> =
                from_json(not_sent.as_bytes(), "events", id)?;
            let mut integrations = states.remove(&id).unwrap_or_default();
            // A replay may have sent what was not meant to be sent at first.
            let sent: Vec<IntegrationId> = integrations.iter().map(|(id, _)| *id).collect();
            integrations.extend(
                not_sent
                    .into_iter()
                    .filter(|(id, _)| !sent.contains(id))
                    .map(|(id, reason)| (id, IntegrationState::NotSent(reason))),
            );
            Ok(FeedRow {
                position: unsigned(row.position),
                event,
                integrations,
            })
        })
        .collect()
}

struct RawAttempt {
    number: i32,
    at: i64,
    took_ms: i64,
    status: Option<i32>,
    response: Vec<u8>,
    reason: Option<String>,
    detail: String,
}

impl RawAttempt {
    fn decode(self) -> Result<AttemptRecord> {
        Ok(AttemptRecord {
            number: count(self.number),
            at: time(self.at, "attempts")?,
            duration_ms: unsigned(self.took_ms),
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            response: String::from_utf8_lossy(&self.response).into_owned(),
            reason: reason(self.reason.as_deref()),
            detail: self.detail,
        })
    }
}

struct RawDelivery {
    id: Uuid,
    event: Uuid,
    kind: String,
    customer: Uuid,
    integration: Uuid,
    message: String,
    status: i16,
    reason: Option<String>,
    attempts: i32,
    accepted_at: i64,
    due_at: i64,
    waits: bool,
    number: Option<i32>,
    at: Option<i64>,
    took_ms: Option<i64>,
    answered: Option<i32>,
    response: Option<Vec<u8>>,
    because: Option<String>,
    detail: Option<String>,
    request: Option<Vec<u8>>,
}

impl RawDelivery {
    fn decode(self) -> Result<DeliveryRecord> {
        let id = DeliveryId::new(self.id);
        let request = self
            .request
            .map(|packed| {
                from_json::<SentRequest>(&unpack(&packed, "attempts", id)?, "attempts", id)
            })
            .transpose()?;
        let last = match (self.number, self.at) {
            (Some(number), Some(at)) => Some(
                RawAttempt {
                    number,
                    at,
                    took_ms: self.took_ms.unwrap_or_default(),
                    status: self.answered,
                    response: self.response.unwrap_or_default(),
                    reason: self.because,
                    detail: self.detail.unwrap_or_default(),
                }
                .decode()?,
            ),
            _ => None,
        };
        Ok(DeliveryRecord {
            id,
            event: EventId::new(self.event),
            kind: kind(&self.kind, "events")?,
            customer: CustomerId::new(self.customer),
            integration: IntegrationId::new(self.integration),
            message: from_json(self.message.as_bytes(), "deliveries", id)?,
            state: state_of(self.status),
            reason: reason(self.reason.as_deref()),
            attempts: count(self.attempts),
            accepted_at: time(self.accepted_at, "deliveries")?,
            due_at: time(self.due_at, "deliveries")?,
            waits: self.waits,
            request,
            last,
        })
    }
}

async fn records(
    pool: &PgPool,
    filter: &DeliveryFilter,
    one: Option<DeliveryId>,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    sqlx::query_as!(
        RawDelivery,
        r#"select d.id, d.event, e.kind, d.customer, d.integration, d.message, d.status, d.reason, d.attempts, d.accepted_at, d.due_at,
             d.waits_for is not null as "waits!", a.number as "number?", a.at as "at?", a.took_ms as "took_ms?", a.status as answered,
             a.response as "response?", a.reason as because, a.detail as "detail?", a.request
           from deliveries d join events e on e.customer = d.customer and e.id = d.event
           left join attempts a on a.customer = d.customer and a.delivery = d.id and a.number = d.attempts
           where ($1::uuid is null or d.project = $1) and ($2::uuid is null or d.integration = $2) and ($3::smallint is null or d.status = $3)
             and ($6::uuid is null or d.id = $6) and ($4::uuid is null or d.position < (select position from deliveries where id = $4))
           order by d.position desc limit $5"#,
        filter.project.map(ProjectId::uuid),
        filter.integration.map(IntegrationId::uuid),
        filter.state.map(status_of),
        before.map(DeliveryId::uuid),
        rows(limit),
        one.map(DeliveryId::uuid)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(RawDelivery::decode)
    .collect()
}

pub(crate) async fn deliveries(
    pool: &PgPool,
    filter: &DeliveryFilter,
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>> {
    records(pool, filter, None, before, limit).await
}

pub(crate) async fn delivery(
    pool: &PgPool,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>> {
    let filter = DeliveryFilter {
        project: Some(project),
        ..DeliveryFilter::default()
    };
    Ok(records(pool, &filter, Some(id), None, 1).await?.pop())
}

pub(crate) async fn attempts(pool: &PgPool, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
    sqlx::query_as!(
        RawAttempt,
        "select a.number, a.at, a.took_ms, a.status, a.response, a.reason, a.detail from attempts a
         join deliveries d on d.customer = a.customer and d.id = a.delivery where d.id = $1 order by a.number",
        id.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .into_iter()
    .map(RawAttempt::decode)
    .collect()
}

pub(crate) async fn customers(
    pool: &PgPool,
    project: ProjectId,
    before: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<Customer>> {
    let bodies = sqlx::query_scalar!(
        "select body from customers where project = $1 and merged_into is null and ($2::uuid is null or id < $2) order by id desc limit $3",
        project.uuid(),
        before.map(CustomerId::uuid),
        rows(limit)
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    bodies
        .iter()
        .map(|body| from_json(body.as_bytes(), "customers", "row"))
        .collect()
}

pub(crate) async fn customer(
    pool: &PgPool,
    project: ProjectId,
    who: &str,
) -> Result<Option<CustomerRecord>> {
    let id = match CustomerId::from_str(who) {
        Ok(id) => Some(id.uuid()),
        Err(_) => load::named(pool, project, who).await?,
    };
    let Some(id) = id else { return Ok(None) };
    // A customer that was merged into another leads there.
    let row = sqlx::query!(
        "select id, body, version, seq from customers
         where id = coalesce((select merged_into from customers where id = $1), $1) and project = $2",
        id, project.uuid()
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let Some(found) = row else { return Ok(None) };
    let bought = sqlx::query!(
        "select app, environment, chain, snapshot, terms, store, formers from purchases where customer = $1 order by app, environment, chain",
        found.id
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut purchases = Vec::new();
    for row in bought {
        let terms: Terms<'_> = from_json(row.terms.as_bytes(), "purchases", &row.chain)?;
        let charges =
            load::transactions(pool, found.id, row.app, &row.environment, &row.chain).await?;
        let stored = StoredChain {
            facts: terms.with(charges),
            snapshot: from_json(row.snapshot.as_bytes(), "purchases", &row.chain)?,
            formers: from_json(row.formers.as_bytes(), "purchases", "formers")?,
        };
        let key = ChainKey {
            store: store(&row.store)?,
            environment: environment(&row.environment, "purchases")?,
            id: row.chain,
        };
        purchases.push((AppId::new(row.app), key, stored));
    }
    Ok(Some(CustomerRecord {
        customer: from_json(found.body.as_bytes(), "customers", who)?,
        version: unsigned(found.version),
        seq: unsigned(found.seq),
        purchases,
    }))
}

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
            let hour = Timestamp::from_second(row.hour * 3600);
            Ok(Tally {
                hour: hour.map_err(|error| corrupt("tallies", row.hour, error))?,
                environment: environment(&row.environment, "tallies")?,
                kind: kind(&row.kind, "tallies")?,
                count: unsigned(row.count),
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
                environment: environment(&row.environment, "purchases")?,
                trials: unsigned(row.trials),
                paid: unsigned(row.paid),
            })
        })
        .collect()
}
