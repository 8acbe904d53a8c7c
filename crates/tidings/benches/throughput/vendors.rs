//! What one more delivery to a destination costs, beside what one to a plain webhook does. Vendors are played in this process, whose time does not
//! count; what the server spends on taking messages in is taken off.

use crate::{
    load::Load,
    messages::bodies,
    server::{Backend, Server},
    sink::{Sink, all_delivered},
};
use anyhow::{Result, bail};
use engine::{System, WallSystem};
use simulator::{Authority, Vendors};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// So many integrations more: what they cost stands out from what varies between runs.
const MORE: usize = 4;
/// What vendors take for their key.
const KEY: &str = "bench-key";

/// What was measured of a destination.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Server CPU of one delivery more, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// The same as a share of what a webhook costs.
    pub(crate) of_webhook: f64,
    /// What that share may be.
    pub(crate) most: f64,
}

/// A destination, its settings in the project file, and what it may cost of what a webhook does.
type Told = (&'static str, fn(&str) -> String, f64);

const TOLD: [Told; 5] = [
    (
        "amplitude",
        |at| format!("endpoint = \"{at}\"\nsandbox_api_key = \"{KEY}\"\n"),
        1.3,
    ),
    (
        "braze",
        |at| format!("rest_endpoint = \"{at}\"\nsandbox_api_key = \"{KEY}\"\n"),
        1.3,
    ),
    (
        "customerio",
        |at| {
            format!(
                "endpoint = \"{at}\"\nsandbox_site_id = \"bench\"\nsandbox_api_key = \"{KEY}\"\n"
            )
        },
        0.5,
    ),
    (
        "clickhouse",
        |at| format!("url = \"{at}\"\nuser = \"bench\"\npassword = \"{KEY}\"\n"),
        0.5,
    ),
    (
        "s3",
        |at| {
            format!(
                "endpoint = \"{at}\"\nbucket = \"bench\"\nregion = \"eu-central-1\"\naccess_key_id = \"{KEY}\"\nsecret_access_key = \"{KEY}\"\nformat = \"jsonl\"\nmax_age_seconds = 1\n"
            )
        },
        0.5,
    ),
];

/// Integrations of a destination in the project file, all of them told at `at`.
fn project((key, settings, _): &Told, at: &str) -> String {
    let mut project = String::new();
    for number in 0..MORE {
        write!(
            project,
            "[integrations.{key}{number}]\ndestination = \"{key}\"\n[integrations.{key}{number}.settings]\n{}[integrations.{key}{number}.settings.events]\naccess_level_updated = false\n",
            settings(at)
        )
        .expect("a text takes what is written");
    }
    project
}

/// CPU that the server spends on these notifications until all of them are told, to a webhook for each sink and to these integrations beside.
async fn spent(
    backend: &Backend,
    authority: &Authority,
    count: u64,
    sinks: usize,
    more: &str,
) -> Result<Duration> {
    let mut all = Vec::new();
    for _ in 0..sinks {
        all.push(Sink::start(WallSystem.now()).await?);
    }
    let server = Server::start_beside(backend, authority, &all, 0, more).await?;
    let warm = bodies(authority, 0, 200)?;
    Load::new(&server.callbacks, 16).send(warm, None).await?;
    told(backend, &server, &all, 200).await?;
    let measured = bodies(authority, 1_000, count)?;
    let before = server.cpu()?;
    Load::new(&server.callbacks, 64)
        .send(measured, None)
        .await?;
    told(backend, &server, &all, 200 + count).await?;
    Ok(server.cpu()?.saturating_sub(before))
}

/// Waits until every sink has had so many, and nothing waits.
async fn told(backend: &Backend, server: &Server, sinks: &[Sink], each: u64) -> Result<()> {
    all_delivered(sinks, each).await?;
    let ledger = backend.open(server).await?;
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        let backlog = ledger.backlog().await?;
        let waiting: u64 = backlog.iter().map(|waiting| waiting.count).sum();
        if waiting == 0 {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("{waiting} deliveries were never made");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What one more delivery costs, of a webhook first.
pub(crate) async fn vendors(
    backend: &Backend,
    authority: &Authority,
    count: u64,
) -> Result<Vec<Row>> {
    let vendors = Vendors::start(KEY, WallSystem.now()).await?;
    let alone = spent(backend, authority, count, 1, "").await?;
    let of_one = |spent: Duration| {
        let more = count as f64 * MORE as f64;
        spent.saturating_sub(alone).as_secs_f64() * 1000.0 / more
    };
    let webhook = of_one(spent(backend, authority, count, 1 + MORE, "").await?);
    let mut rows = vec![Row {
        name: "webhook",
        cpu_ms: webhook,
        of_webhook: 1.0,
        most: 1.0,
    }];
    for told in &TOLD {
        let (name, _, most) = *told;
        let more = project(told, &vendors.endpoint(name));
        let cpu_ms = of_one(spent(backend, authority, count, 1, &more).await?);
        if vendors.requests(name) == 0 {
            bail!("{name} was told nothing");
        }
        rows.push(Row {
            name,
            cpu_ms,
            of_webhook: cpu_ms / webhook,
            most,
        });
    }
    Ok(rows)
}
