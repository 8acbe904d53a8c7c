//! `tidings demo`: a server, a simulated App Store and receivers, in a temporary directory.

use crate::{
    allowed::Allowed,
    cli::{Data, LogFormat, ServeOptions, whole_hours},
    say,
    serve::{Server, stop_signal},
    telemetry,
    trusted::Trusted,
};
use anyhow::{Context, Result};
use clap::Args;
use configuration::{Desired, Means};
use engine::{AllowedNetworks, Networks, Retention, System, WallSystem};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{
    App, Authority, Behaviour, Channel, Driver, Faults, PUSH_ACCOUNT, Pace, Receiver,
    SIGNING_SECRET, Stores,
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use web::access::Lasting;

const BUNDLE_ID: &str = "com.example.meditation";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Address to listen on; a free port is taken when it is in use.
    #[arg(long, env = "TIDINGS_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// App Store customers living at the same time; half as many in each of the other stores.
    #[arg(long, default_value_t = 40)]
    customers: u64,
    /// What a day lasts, in milliseconds.
    #[arg(long, default_value_t = 150)]
    day_ms: i64,
    /// Stop after this many seconds; run until interrupted when absent.
    #[arg(long)]
    seconds: Option<u64>,
    /// The same seed plays the same lives.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Removed again when the demo ends.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, directory = %self.0.display(), "the demo's directory could not be removed");
        }
    }
}

/// The project's apps, which hear and ask the simulated stores.
fn apps(stores: &Stores, api_url: &str) -> Result<Value> {
    Ok(json!({
        "ios": { "name": "Meditation for iOS", "store": "app_store", "bundle_id": BUNDLE_ID, "environments": ["local_testing"],
            "local_roots": [stores.authority.root()], "commission": "small_business",
            "api_issuer": "simulated", "api_key_id": "simulated", "api_key": simulator::api_key()?, "api_url": api_url },
        "android": { "name": "Meditation for Android", "store": "play_store", "package": BUNDLE_ID, "commission": "standard",
            "push_service_account": PUSH_ACCOUNT, "push_keys_url": format!("{api_url}/certs"),
            "service_account": stores.play.api.service_account(api_url), "api_url": api_url, "acknowledge": true },
        "web": { "name": "Meditation on the web", "store": "stripe", "api_key": simulator::API_KEY, "signing_secrets": [SIGNING_SECRET],
            "api_url": api_url },
    }))
}

fn project(apps: &Value, healthy: &str, failing: &str, down: &str, slack: &str) -> Result<Desired> {
    // A demo is watched for minutes, so failures are tried again within seconds.
    let retry = json!({ "policy": "custom", "delays": [1, 2, 4, 8, 15, 30, 60, 60, 60] });
    let webhook = |name: &str, url: &str| json!({ "name": name, "destination": "webhook", "settings": { "production_url": url, "sandbox_url": url, "send_user_attributes": true, "retry": retry } });
    Ok(serde_json::from_value(json!({
        "project": { "key": "meditation", "name": "Meditation" },
        "entitlements": { "premium": { "name": "Premium" } },
        "products": {
            "com.example.meditation.weekly": { "entitlements": ["premium"] },
            "com.example.meditation.monthly": { "entitlements": ["premium"] },
            "com.example.meditation.yearly": { "entitlements": ["premium"] },
            "com.example.meditation.coins": { "entitlements": [] },
            "meditation": { "name": "Meditation on Google Play", "entitlements": ["premium"] },
            "prod_meditation": { "name": "Monthly on the web", "entitlements": ["premium"] },
        },
        "apps": apps,
        "integrations": {
            "backend": webhook("Backend", healthy),
            "billing": webhook("Billing (fails 10 %)", failing),
            "legacy": { "name": "Legacy (down)", "destination": "webhook", "settings": { "sandbox_url": down, "retry": retry } },
            "slack": { "name": "Slack", "destination": "slack", "settings": { "webhook_url": slack, "max_per_second": 1000, "channel": "subscriptions", "sandbox_channel": "subscriptions", "username": "Tidings" } },
        },
    }))?)
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let now = WallSystem.now();
    let scratch =
        Scratch(std::env::temp_dir().join(format!("tidings-demo-{}", std::process::id())));
    let data = Data::of(&scratch.0);
    let stores = Stores::new(Authority::create()?, BUNDLE_ID)?;
    let api_url = stores.serve(Stores::anywhere(), now).await?;
    let healthy = Receiver::start(Behaviour::Healthy, false, now).await?;
    let failing = Receiver::start(Behaviour::Failing(10), false, now).await?;
    let down = Receiver::start(Behaviour::Down, false, now).await?;
    let slack = Receiver::start(Behaviour::Healthy, false, now).await?;
    prepare(
        &data,
        &project(
            &apps(&stores, &api_url)?,
            &healthy.url,
            &failing.url,
            &down.url,
            &slack.url,
        )?,
    )
    .await?;

    // Receivers, the simulated stores, and the keys of what is pushed.
    let networks = "integrations=127.0.0.1/32,stores=127.0.0.1/32,keys=127.0.0.1/32";
    let networks: AllowedNetworks = networks.parse().map_err(anyhow::Error::msg)?;
    let serve = |listen| ServeOptions {
        data: data.clone(),
        key_is_lost: false,
        listen,
        operations_listen: None,
        max_connections: 1024,
        public_url: None,
        trusted: Trusted::default(),
        rates_url: None,
        audit_days: Retention::DEFAULT.audit_days,
        program_audit_days: Retention::DEFAULT.program_audit_days,
        allowed: Allowed {
            networks: networks.clone(),
        },
        trusted_proxies: Networks::default(),
        session_idle_hours: whole_hours(Lasting::DEFAULT.idle),
        session_hours: whole_hours(Lasting::DEFAULT.longest),
        log_format: LogFormat::Text,
        log: String::new(),
        otlp_endpoint: None,
        trace_ratio: 1.0,
    };
    let log = telemetry::start(
        "warn,engine=error,ledger_sqlite=error",
        LogFormat::Text,
        None,
    )?;
    let server = match Server::start(&serve(options.listen)).await {
        Ok(server) => server,
        Err(_) => Server::start(&serve(SocketAddr::new(options.listen.ip(), 0)))
            .await
            .context("the demo's server cannot start")?,
    };
    let setup = server.engine.setup();
    let public_url = server.public_url.clone();
    let callbacks: Vec<(Channel, String)> = setup
        .configuration
        .apps
        .iter()
        .filter_map(web::callback_path)
        .map(|path| format!("{public_url}{path}"))
        .filter_map(|url| Some((Channel::of_url(&url)?, url)))
        .collect();
    say::line(
        "Tidings demo: simulated customers of three stores, real signatures, real deliveries.",
    );
    say::line("");
    say::line(format!("  Open      {}", server.sign_in_url));
    for (_, url) in &callbacks {
        say::line(format!("  Callback  {url}"));
    }
    say::line("  Receivers one healthy, one that fails 10 %, one that is down, one Slack");
    say::line("  Stop      Ctrl-C");
    say::line("");

    let engine = server.engine.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async move {
        drop(stopped.await);
    }));
    let pace = Pace {
        day: SignedDuration::from_millis(options.day_ms.max(1)),
    };
    let app = App {
        bundle_id: BUNDLE_ID.into(),
        environment: "LocalTesting".into(),
    };
    let mut driver = Driver::new(stores, app, callbacks, pace, options.seed)?;
    driver.faults = Faults {
        twice: 5,
        late: 5,
        lost: 0,
    };
    let driving = tokio::spawn(drive(driver, options.customers));
    let counts = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let backlog: u64 = engine
                .ledger()
                .backlog()
                .await
                .map(|all| all.iter().map(|waiting| waiting.count).sum())
                .unwrap_or_default();
            let newest = engine
                .ledger()
                .events(
                    &ledger::EventFilter::default(),
                    ledger::Page::Before(None, 1),
                )
                .await
                .ok()
                .and_then(|rows| rows.into_iter().next());
            let (events, latest) = newest.map_or((0, String::new()), |row| {
                (row.position, row.event.kind.title().to_lowercase())
            });
            say::line(format!(
                "{events:>6} events, latest: {latest:<32} received: backend {:>6}  billing {:>6}  slack {:>6}   waiting {backlog}",
                healthy.requests(),
                failing.requests(),
                slack.requests()
            ));
        }
    });
    match options.seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => stop_signal().await,
    }
    driving.abort();
    counts.abort();
    if stop.send(()).is_err() {
        tracing::debug!("the server had stopped");
    }
    serving.await.context("the server ended badly")??;
    drop(log);
    drop(scratch);
    Ok(())
}

/// Wave after wave of customers: each life is long, so a few waves overlap. Half as many in the other stores.
async fn drive(driver: Driver, customers: u64) {
    for wave in 0.. {
        let now = WallSystem.now();
        let spread = driver.pace.day * 30;
        let mut turns: Vec<_> = Channel::ALL
            .into_iter()
            .flat_map(|channel| {
                let count = match channel {
                    Channel::Apple => customers,
                    Channel::Google | Channel::Stripe => customers / 2,
                };
                driver.script(channel, wave * count..(wave + 1) * count, now, spread, 12)
            })
            .collect();
        turns.sort_by_key(|turn| turn.at);
        if let Err(error) = driver.run(turns, now, 64, Duration::from_secs(5)).await {
            tracing::error!(%error, "the simulated stores stopped");
            return;
        }
    }
}

/// Puts the project into a fresh data directory.
async fn prepare(data: &Data, wanted: &Desired) -> Result<()> {
    let opened = data.open().await?;
    let current = opened.ledger.configuration().await?;
    let context = destinations::Context::default();
    let planned = configuration::plan(
        wanted,
        &Means {
            current: &current,
            vault: &opened.vault,
            context: &context,
            fresh: &|| WallSystem.uuid(),
        },
    );
    let steps = planned
        .map_err(|problems| anyhow::anyhow!("the demo's project is not accepted: {problems:?}"))?;
    let changes = steps.into_iter().filter_map(|step| step.change).collect();
    let prepared = opened
        .ledger
        .configure(current.revision, changes, "demo", WallSystem.now())
        .await?;
    anyhow::ensure!(
        prepared,
        "the configuration was changed at the same time; start the demo again"
    );
    Ok(())
}
