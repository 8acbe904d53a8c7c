//! What it costs that much is stored: millions of events, a million deliveries that wait for endpoints that are gone, a thousand
//! integrations. On PostgreSQL, where rows can be made in bulk by the database itself.

use crate::{
    feed::{Reader, with_history},
    load::Load,
    messages::bodies,
    server::{Backend, Server},
    sink::{Sink, all_delivered},
};
use anyhow::{Context, Result};
use domain::{Environment, IntegrationId};
use engine::{System, WallSystem};
use jiff::{SignedDuration, Timestamp};
use ledger::{Claim, EventFilter, LaneId, Order, Page};
use simulator::Authority;
use std::time::Instant;
use throwaway::Cluster;
use uuid::Uuid;

/// What was measured with so many events.
pub(crate) struct Stored {
    pub(crate) events: u64,
    pub(crate) gib: f64,
    pub(crate) deliveries_per_second: f64,
    pub(crate) cpu_ms_per_delivery: f64,
    pub(crate) p99_ms: f64,
    pub(crate) feed_ms: f64,
    pub(crate) older_ms: f64,
    pub(crate) customer_ms: f64,
    pub(crate) node_mib: f64,
}

/// What claims cost.
pub(crate) struct Claims {
    pub(crate) which_p50_ms: f64,
    pub(crate) which_p99_ms: f64,
    pub(crate) claim_p50_ms: f64,
    pub(crate) claim_p99_ms: f64,
}

/// The time of the `n`th of `count` rows, in milliseconds: spread over the thirteen days before `now`.
fn millis(now: Timestamp, count: u64) -> String {
    let now = now.as_millisecond();
    format!("({now} - (1123200000 * (1 - n::float8 / {count}))::bigint)")
}

/// Ids that begin with that time, as they would have been given then.
fn id(salt: &str, now: Timestamp, count: u64) -> String {
    let millis = millis(now, count);
    format!("(lpad(to_hex({millis}), 12, '0') || substr(md5('{salt}' || n), 1, 20))::uuid")
}

/// Drops indexes of a table, fills it, and makes them again: in order, which is what a table of that size has.
fn without_indexes(cluster: &Cluster, database: &str, table: &str, fill: &str) -> Result<()> {
    let definitions = format!(
        "select pg_get_indexdef(indexrelid) from pg_index where indrelid = '{table}'::regclass and not indisprimary"
    );
    let definitions = cluster.run_sql(database, &definitions)?;
    let drop = format!(
        "do $$ declare name text; begin for name in select indexrelid::regclass::text from pg_index
           where indrelid = '{table}'::regclass and not indisprimary loop execute 'drop index ' || name; end loop; end $$"
    );
    cluster.run_sql(database, &drop)?;
    cluster.run_sql(database, fill)?;
    let again: String = definitions
        .lines()
        .map(|line| format!("{};", line.replace(" ON ONLY ", " ON ")))
        .collect();
    let generous = "set maintenance_work_mem = '1GB'; set max_parallel_maintenance_workers = 0;";
    cluster.run_sql(database, &format!("{generous} {again}"))?;
    Ok(())
}

/// Adds events up to `count`, each of a customer of its own with a delivery that was made, by repeating one that is there.
fn fill(cluster: &Cluster, database: &str, count: u64) -> Result<()> {
    // One moment for all tables: what belongs together has the same ids.
    let now = WallSystem.now();
    let (customer, event, delivery) = (
        id("c", now, count),
        id("e", now, count),
        id("d", now, count),
    );
    let at = format!("{} * 1000", millis(now, count));
    let rows = format!("generate_series(1, {count}) n");
    cluster.run_sql(
        database,
        "create table pattern as select e.body, e.not_sent, e.project, e.kind, f.app, f.environment, d.integration, d.message
         from events e join feed f on f.event = e.id join deliveries d on d.event = e.id limit 1",
    )?;
    for (table, sql) in [
        (
            "customers",
            format!("insert into customers (id, project, version, seq, body) select {customer}, project, 1, 1, (select body from customers limit 1) from {rows}, pattern"),
        ),
        (
            "events",
            format!("insert into events (customer, id, project, key, kind, recorded_at, body, not_sent) select {customer}, {event}, project, 'k', kind, {at}, body, not_sent from {rows}, pattern"),
        ),
        (
            "event_keys",
            format!("insert into event_keys (customer, key) select {customer}, 'k' from {rows}"),
        ),
        (
            "feed",
            format!("insert into feed (position, event, customer, project, kind, app, environment, recorded_at) select (select last from feed_head) + n, {event}, {customer}, project, kind, app, environment, {at} from {rows}, pattern"),
        ),
        (
            "deliveries",
            format!("insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, detail)
              select {customer}, {delivery}, project, {event}, 1, integration, message, 1, 1, 1, {at}, {at}, '' from {rows}, pattern"),
        ),
    ] {
        without_indexes(cluster, database, table, &sql).context(table)?;
    }
    let last = "update feed_head set last = (select max(position) from feed); drop table pattern";
    cluster.run_sql(database, last)?;
    // As the database would have done by itself while they came.
    cluster.run_sql(database, "vacuum (analyze, freeze)")?;
    cluster.run_sql(database, "checkpoint")?;
    let joined = "select count(*) from feed f join events e on e.id = f.event and e.customer = f.customer where f.position % 1000 = 0";
    let joined: u64 = cluster.run_sql(database, joined)?.trim().parse()?;
    anyhow::ensure!(joined >= count / 1000, "{joined} events of the feed exist");
    Ok(())
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

async fn delivered(sink: &Sink, count: u64) -> Result<()> {
    all_delivered(std::slice::from_ref(sink), count).await
}

/// One endpoint, a ledger that holds `events`, and the same load.
pub(crate) async fn stored(
    backend: &Backend,
    authority: &Authority,
    events: u64,
    count: u64,
) -> Result<Stored> {
    let cluster = backend.postgres.as_ref().context("needs PostgreSQL")?;
    let (mut server, mut sinks) = with_history(backend, authority).await?;
    server.stop()?;
    let database = server.database().context("needs PostgreSQL")?;
    // Whoever reads first gives events their places, which the others are added behind.
    let first = Page::Before(None, 1);
    let ledger = backend.open(&server).await?;
    ledger.events(&EventFilter::default(), first).await?;
    drop(ledger);
    fill(cluster, &database, events)?;
    let size = cluster.run_sql(&database, "select pg_database_size(current_database())")?;
    server.resume()?;
    let reader = Reader::enter(&server).await?;
    let middle = events / 2;
    let who = "/projects/bench?customer=nobody";
    let feed = reader.measure("feed", "/projects/bench").await?;
    let older = format!("/projects/bench?before={middle}");
    let older = reader.measure("older", &older).await?;
    let customer = reader.measure("customer", who).await?;
    // Two endpoints are there; the load is what it is for them.
    let sink = sinks.pop().context("an endpoint")?;
    let known = sink.count();
    let warm = bodies(authority, 500, 500)?;
    Load::new(&server.callbacks, 16).send(warm, None).await?;
    delivered(&sink, known + 500).await?;
    let (cpu, began) = (server.cpu()?, Instant::now());
    let measured = bodies(authority, 10_000, count)?;
    Load::new(&server.callbacks, 64)
        .send(measured, None)
        .await?;
    delivered(&sink, known + 500 + count).await?;
    let (took, cpu) = (
        began.elapsed().as_secs_f64(),
        server.cpu()?.saturating_sub(cpu),
    );
    let deliveries = count as f64 * 2.0;
    sink.forget();
    let rate = count as f64 / took / 2.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count of notifications"
    )]
    let paced = (rate * 4.0) as u64;
    let timed = bodies(authority, 200_000, paced)?;
    Load::new(&server.callbacks, 64)
        .send(timed, Some(rate))
        .await?;
    delivered(&sink, known + 500 + count + paced).await?;
    let lags: Vec<f64> = {
        let mut lags = sink.lags();
        lags.sort_unstable();
        lags.into_iter()
            .map(|micros| micros as f64 / 1000.0)
            .collect()
    };
    Ok(Stored {
        events,
        gib: size.trim().parse::<f64>()? / f64::from(1 << 30),
        deliveries_per_second: deliveries / took,
        cpu_ms_per_delivery: cpu.as_secs_f64() * 1000.0 / deliveries,
        p99_ms: percentile(&lags, 99),
        feed_ms: feed.median_ms,
        older_ms: older.median_ms,
        customer_ms: customer.median_ms,
        node_mib: server.peak_mib()?,
    })
}

/// A thousand integrations, each with a thousandth of a million deliveries that are due, and statistics from before they came.
pub(crate) async fn claims(
    backend: &Backend,
    authority: &Authority,
    waiting: u64,
) -> Result<Claims> {
    const INTEGRATIONS: u64 = 1_000;
    let cluster = backend.postgres.as_ref().context("needs PostgreSQL")?;
    let (mut server, _sinks): (Server, _) = with_history(backend, authority).await?;
    server.stop()?;
    let database = server.database().context("needs PostgreSQL")?;
    // As an integration's id is made here and below.
    let of = |number: u64| IntegrationId::new(Uuid::from_u128(u128::from(number)));
    cluster.run_sql(&database, "analyze")?;
    let sql = format!(
        "insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, detail)
         select d.customer, {}, d.project, d.event, 1, lpad(to_hex(n % {INTEGRATIONS}), 32, '0')::uuid, d.message, 0, 3, 3, d.accepted_at, d.due_at - n, ''
         from generate_series(1, {waiting}) n, (select * from deliveries limit 1) d",
        id("w", WallSystem.now(), waiting)
    );
    cluster.run_sql(&database, &sql)?;
    let ledger = backend.open(&server).await?;
    let lane = |number| LaneId {
        integration: of(number),
        endpoint: Environment::Production,
    };
    let all: Vec<LaneId> = (0..INTEGRATIONS).map(lane).collect();
    let now = WallSystem.now();
    let until = now.saturating_add(SignedDuration::from_mins(1))?;
    let (mut which, mut claim) = (Vec::new(), Vec::new());
    for round in 0..60 {
        let began = Instant::now();
        let due = ledger.lanes_due(&all, now).await?;
        which.push(began.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(due.len() == all.len(), "{} are due", due.len());
        for number in 0..5 {
            let began = Instant::now();
            let due = Claim {
                lane: lane((round * 97 + number * 13) % INTEGRATIONS),
                now,
                lease_until: until,
                limit: 64,
                order: Order::Any,
                except: None,
            };
            let leases = ledger.claim(due).await?;
            claim.push(began.elapsed().as_secs_f64() * 1000.0);
            anyhow::ensure!(leases.len() == 64, "{} were claimed", leases.len());
        }
    }
    which.sort_by(f64::total_cmp);
    claim.sort_by(f64::total_cmp);
    Ok(Claims {
        which_p50_ms: percentile(&which, 50),
        which_p99_ms: percentile(&which, 99),
        claim_p50_ms: percentile(&claim, 50),
        claim_p99_ms: percentile(&claim, 99),
    })
}
