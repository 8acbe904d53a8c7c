//! `cargo xtask bench`: the real binary under load, receivers and load on the same machine.
//!
//! Every notification is one first purchase of a new customer, signed in all three layers, and leads to one event that a
//! webhook wants (`access_level_updated` is switched off), so deliveries = notifications x K.

mod feed;
mod interfaces;
mod load;
mod messages;
mod server;
mod sink;
mod stored;
mod vendors;

use anyhow::{Context, Result, bail};
use engine::{System, WallSystem};
use load::Load;
use messages::{bodies, verification_ms};
use server::{Backend, Server};
use simulator::Authority;
use sink::{Sink, all_delivered};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use throwaway::Cluster;

/// What one run measured.
struct Row {
    notifications_per_second: f64,
    deliveries_per_second: f64,
    server_cpu_ms_per_delivery: f64,
    peak_mib: f64,
}

#[expect(clippy::print_stdout, reason = "the result of the benchmark")]
fn say(text: &str) {
    println!("{text}");
}

async fn throughput(
    backend: &Backend,
    authority: &Authority,
    count: u64,
    healthy: usize,
    dead: usize,
) -> Result<Row> {
    let mut sinks = Vec::new();
    for _ in 0..healthy {
        sinks.push(Sink::start(WallSystem.now()).await?);
    }
    let server = Server::start(backend, authority, &sinks, dead).await?;
    let warm = bodies(authority, 0, 200)?;
    Load::new(&server.callbacks, 16).send(warm, None).await?;
    all_delivered(&sinks, 200).await?;
    let measured = bodies(authority, 1_000, count)?;
    let (cpu, began) = (server.cpu()?, Instant::now());
    let accepted_in = Load::new(&server.callbacks, 64)
        .send(measured, None)
        .await?;
    all_delivered(&sinks, 200 + count).await?;
    let (took, cpu) = (
        began.elapsed().as_secs_f64(),
        server.cpu()?.saturating_sub(cpu),
    );
    let deliveries = count as f64 * healthy as f64;
    Ok(Row {
        notifications_per_second: count as f64 / accepted_in.as_secs_f64(),
        deliveries_per_second: deliveries / took,
        server_cpu_ms_per_delivery: cpu.as_secs_f64() * 1000.0 / deliveries,
        peak_mib: server.peak_mib()?,
    })
}

/// Time from accepted to received, at `rate` notifications a second.
async fn latency(
    backend: &Backend,
    authority: &Authority,
    rate: f64,
    seconds: f64,
    healthy: usize,
    dead: usize,
) -> Result<[f64; 3]> {
    let mut sinks = Vec::new();
    for _ in 0..healthy {
        sinks.push(Sink::start(WallSystem.now()).await?);
    }
    let server = Server::start(backend, authority, &sinks, dead).await?;
    let warm = bodies(authority, 0, 500)?;
    Load::new(&server.callbacks, 16)
        .send(warm, Some(rate))
        .await?;
    all_delivered(&sinks, 500).await?;
    sinks.iter().for_each(Sink::forget);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count of notifications"
    )]
    let count = (rate * seconds) as u64;
    Load::new(&server.callbacks, 64)
        .send(bodies(authority, 1_000, count)?, Some(rate))
        .await?;
    all_delivered(&sinks, 500 + count).await?;
    let mut lags: Vec<u64> = sinks.iter().flat_map(Sink::lags).collect();
    lags.sort_unstable();
    let at = |percent: usize| {
        lags.get(lags.len() * percent / 100)
            .map_or(f64::NAN, |micros| *micros as f64 / 1000.0)
    };
    Ok([at(50), at(95), at(99)])
}

/// Memory before and after `count` deliveries have piled up for an endpoint that is down.
async fn pile_up(backend: &Backend, authority: &Authority, count: u64) -> Result<(f64, f64)> {
    let server = Server::start(backend, authority, &[], 1).await?;
    Load::new(&server.callbacks, 16)
        .send(bodies(authority, 0, 5_000)?, None)
        .await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = server.resident_mib()?;
    for part in 1..count / 5_000 {
        Load::new(&server.callbacks, 64)
            .send(bodies(authority, part * 5_000, 5_000)?, None)
            .await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok((before, server.resident_mib()?))
}

/// What pages cost, and the live feed.
async fn dashboard(backend: &Backend, authority: &Authority, quick: bool) -> Result<()> {
    let (few, many) = (10_000, if quick { 100_000 } else { 1_000_000 });
    let small = feed::pages(backend, authority, few).await?;
    let large = feed::pages(backend, authority, many).await?;
    say(&format!(
        "| page, first byte in ms | with {few} events | worst of 11 | with {many} | worst of 11 |"
    ));
    say("|---|---:|---:|---:|---:|");
    for (small, large) in small.iter().zip(&large) {
        say(&format!(
            "| {} | {:.1} | {:.1} | {:.1} | {:.1} |",
            small.name, small.median_ms, small.worst_ms, large.median_ms, large.worst_ms
        ));
    }
    let live = feed::live(backend, authority, 500.0, if quick { 4 } else { 20 }).await?;
    say("");
    say(&format!(
        "live feed: at {:.0} events/s they are shown after {:.0} ms (p50), {:.0} ms (p99)",
        live.events_per_second, live.p50_ms, live.p99_ms
    ));
    Ok(())
}

/// Throughput, CPU, latency and memory with one endpoint and with several.
async fn deliveries(backend: &Backend, authority: &Authority, quick: bool) -> Result<()> {
    let count = if quick { 4_000 } else { 20_000 };
    let verification = verification_ms(authority, &bodies(authority, 0, 1_000)?)?;
    say(&format!(
        "verification of a notification, one core: {verification:.3} ms"
    ));
    say("");
    say(
        "| endpoints | notifications/s accepted | deliveries/s | server CPU ms/delivery | beyond verification | peak MiB |",
    );
    say("|---|---:|---:|---:|---:|---:|");
    let mut rates = Vec::new();
    for (name, healthy, dead) in [
        ("K=1", 1, 0),
        ("K=5", 5, 0),
        // What the next row is to be compared with: the same healthy endpoints without the dead one.
        ("K=4", 4, 0),
        ("K=5, one of them dead", 4, 1),
    ] {
        let row = throughput(backend, authority, count, healthy, dead)
            .await
            .with_context(|| name.to_owned())?;
        let beyond = row.server_cpu_ms_per_delivery - verification / healthy as f64;
        say(&format!(
            "| {name} | {:.0} | {:.0} | {:.3} | {beyond:.3} | {:.0} |",
            row.notifications_per_second,
            row.deliveries_per_second,
            row.server_cpu_ms_per_delivery,
            row.peak_mib
        ));
        rates.push((
            name,
            healthy,
            dead,
            row.deliveries_per_second / healthy as f64,
        ));
    }
    say("");
    say("| at half load | notifications/s | p50 ms | p95 ms | p99 ms |");
    say("|---|---:|---:|---:|---:|");
    let seconds = if quick { 2.0 } else { 6.0 };
    let healthy_rate = rates[1].3 / 2.0;
    for (name, healthy, dead, rate) in [
        (rates[0].0, 1, 0, rates[0].3 / 2.0),
        (rates[1].0, 5, 0, healthy_rate),
        (rates[3].0, 4, 1, healthy_rate),
    ] {
        let [p50, p95, p99] = latency(backend, authority, rate, seconds, healthy, dead)
            .await
            .with_context(|| name.to_owned())?;
        say(&format!(
            "| {name} | {rate:.0} | {p50:.1} | {p95:.1} | {p99:.1} |"
        ));
    }
    say("");
    Ok(())
}

/// What it costs that much is stored.
async fn growth(backend: &Backend, authority: &Authority, quick: bool) -> Result<()> {
    let many = if quick { 1_000_000 } else { 10_000_000 };
    say(
        "| events stored | GiB | deliveries/s | CPU ms/delivery | p99 ms at half load | feed ms | its middle | one customer's | peak MiB of the nodes |",
    );
    say("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let count = if quick { 3_000 } else { 10_000 };
    for events in [10_000, many] {
        let row = stored::stored(backend, authority, events, count).await?;
        say(&format!(
            "| {} | {:.1} | {:.0} | {:.3} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} |",
            row.events,
            row.gib,
            row.deliveries_per_second,
            row.cpu_ms_per_delivery,
            row.p99_ms,
            row.feed_ms,
            row.older_ms,
            row.customer_ms,
            row.node_mib
        ));
    }
    let waiting = if quick { 100_000 } else { 1_000_000 };
    let claims = stored::claims(backend, authority, waiting).await?;
    say("");
    say(&format!(
        "with {waiting} deliveries due for 1,000 integrations: which are due is asked in {:.1} ms (p50), {:.1} ms (p99); 64 of one are claimed in {:.1} ms (p50), {:.1} ms (p99)",
        claims.which_p50_ms, claims.which_p99_ms, claims.claim_p50_ms, claims.claim_p99_ms
    ));
    say("");
    Ok(())
}

/// What one more delivery to each of some destinations costs.
async fn destinations(backend: &Backend, authority: &Authority, quick: bool) -> Result<()> {
    let count = if quick { 2_000 } else { 10_000 };
    say("| one more delivery to | server CPU ms | of a webhook's | at most |");
    say("|---|---:|---:|---:|");
    for row in vendors::vendors(backend, authority, count).await? {
        say(&format!(
            "| {} | {:.3} | {:.2} | {:.1} |",
            row.name, row.cpu_ms, row.of_webhook, row.most
        ));
    }
    say("");
    Ok(())
}

const PARTS: [&str; 6] = [
    "deliveries",
    "destinations",
    "memory",
    "interfaces",
    "pages",
    "growth",
];

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let quick = words.iter().any(|word| word == "--quick");
    let postgres = match after("--backend").as_deref() {
        None | Some("sqlite") => None,
        // Data is forced to disk, as it would be.
        Some("postgres") => Some(Arc::new(Cluster::start(&[
            "synchronous_commit = on",
            "max_wal_size = 4GB",
        ])?)),
        Some(other) => bail!("--backend {other}: sqlite or postgres"),
    };
    let nodes = after("--nodes").map_or(Ok(1), |nodes| nodes.parse())?;
    if nodes > 1 && postgres.is_none() {
        bail!("--nodes {nodes} needs --backend postgres: SQLite serves one");
    }
    let part = after("--part");
    let wants = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if let Some(part) = part.as_deref()
        && !PARTS.contains(&part)
    {
        bail!("--part {part}: one of {PARTS:?}");
    }
    let backend = Backend { postgres, nodes };
    let authority = Authority::create()?;
    if wants("deliveries") {
        deliveries(&backend, &authority, quick).await?;
    }
    if wants("destinations") {
        destinations(&backend, &authority, quick).await?;
    }
    if wants("memory") {
        let waiting = if quick { 20_000 } else { 100_000 };
        let (before, after) = pile_up(&backend, &authority, waiting).await?;
        say(&format!(
            "memory with 5,000 deliveries waiting for a dead endpoint: {before:.0} MiB; with {waiting}: {after:.0} MiB"
        ));
        say("");
    }
    if wants("interfaces") {
        say("| way in | per second |");
        say("|---|---:|");
        for row in interfaces::interfaces(&backend, if quick { 400 } else { 2_000 }).await? {
            say(&format!("| {} | {:.0} |", row.name, row.per_second));
        }
        say("");
    }
    if wants("pages") {
        dashboard(&backend, &authority, quick).await?;
        say("");
    }
    if wants("growth") && backend.postgres.is_some() {
        growth(&backend, &authority, quick).await?;
    }
    Ok(())
}
