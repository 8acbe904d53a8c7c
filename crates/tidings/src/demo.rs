//! `tidings demo`: a server, simulated stores and receivers, in a temporary directory.

mod living;
mod vendors;

use crate::{
    allowed::Allowed,
    options::{Data, ServeOptions, whole_hours},
    say,
    serve::Server,
    stop_signal::StopSignal,
    telemetry::{self, LogFormat},
    trusted::Trusted,
};
use anyhow::{Context, Result};
use clap::Args;
use configuration::{Desired, Means};
use engine::{AllowedNetworks, Engine, Networks, Retention, System, WallSystem};
use jiff::{SignedDuration, Timestamp};
use ledger::{EventFilter, Page};
use serde_json::{Value, json};
use simulator::{
    App, Authority, Behaviour, Channel, Driver, Faults, PUSH_ACCOUNT, Pace, Receiver,
    SIGNING_SECRET, Stores,
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use web::{access::Lasting, paces::NEW_CUSTOMERS};

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

/// Who hears of it.
struct Receivers {
    healthy: Receiver,
    failing: Receiver,
    down: Receiver,
    slack: Receiver,
    /// Those that are told in their own ways.
    vendors: vendors::Told,
}

impl Receivers {
    async fn start(now: Timestamp) -> Result<Self> {
        Ok(Self {
            healthy: Receiver::start(Behaviour::Healthy, false, now).await?,
            failing: Receiver::start(Behaviour::Failing(10), false, now).await?,
            down: Receiver::start(Behaviour::Down, false, now).await?,
            slack: Receiver::start(Behaviour::Healthy, false, now).await?,
            vendors: vendors::Told::start(now).await?,
        })
    }
}

fn project(apps: &Value, receivers: &Receivers) -> Result<Desired> {
    // A demo is watched for minutes, so failures are tried again within seconds.
    let retry = json!({ "policy": "custom", "delays": [1, 2, 4, 8, 15, 30, 60, 60, 60] });
    let webhook = |name: &str, url: &str| json!({ "name": name, "destination": "webhook", "settings": { "production_url": url, "sandbox_url": url, "send_user_attributes": true, "retry": retry } });
    let mut integrations = receivers.vendors.integrations();
    let own = json!({
        "backend": webhook("Backend", &receivers.healthy.url),
        "billing": webhook("Billing (fails 10 %)", &receivers.failing.url),
        "legacy": { "name": "Legacy (down)", "destination": "webhook", "settings": { "sandbox_url": receivers.down.url, "retry": retry } },
        "slack": { "name": "Slack", "destination": "slack", "settings": { "webhook_url": receivers.slack.url, "max_per_second": 1000, "channel": "subscriptions", "sandbox_channel": "subscriptions", "username": "Tidings" } },
    });
    if let Value::Object(own) = own {
        integrations.extend(own);
    }
    Ok(serde_json::from_value(json!({
        "project": { "key": "meditation", "name": "Meditation" },
        "entitlements": { "premium": { "name": "Premium" } },
        "products": {
            "com.example.meditation.weekly": { "name": "Weekly", "entitlements": ["premium"] },
            "com.example.meditation.monthly": { "name": "Monthly", "entitlements": ["premium"] },
            "com.example.meditation.yearly": { "name": "Yearly", "entitlements": ["premium"] },
            "com.example.meditation.coins": { "name": "Coins", "entitlements": [] },
            "meditation": { "name": "Meditation", "entitlements": ["premium"] },
            "prod_meditation": { "name": "Meditation on the web", "entitlements": ["premium"] },
        },
        "apps": apps,
        "integrations": integrations,
    }))?)
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let (now, mut stop_signal) = (WallSystem.now(), StopSignal::listen()?);
    let scratch =
        Scratch(std::env::temp_dir().join(format!("tidings-demo-{}", std::process::id())));
    let data = Data::of(&scratch.0);
    let stores = Stores::new(Authority::create()?, BUNDLE_ID)?;
    let api_url = stores.serve(Stores::anywhere(), now).await?;
    let receivers = Receivers::start(now).await?;
    let apps = apps(&stores, &api_url)?;
    prepare(&data, &project(&apps, &receivers)?).await?;
    let log = telemetry::start(
        "warn,engine=error,ledger_sqlite=error",
        LogFormat::Text,
        None,
    )?;
    let server = serve(&data, options.listen).await?;
    let callbacks = callbacks(&server);
    announce(&server.sign_in_url, &data);

    let engine = server.engine.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async move {
        drop(stopped.await);
    }));
    let driver = driver(stores, callbacks, &options)?;
    let driving = tokio::spawn(living::live(driver, options.customers, data));
    let moody = tokio::spawn(receivers.vendors.again().live());
    let counts = tokio::spawn(count(engine, receivers));
    match options.seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => stop_signal.came().await,
    }
    driving.abort();
    counts.abort();
    moody.abort();
    say::line("");
    if stop.send(()).is_err() {
        tracing::debug!("the server had stopped");
    }
    serving.await.context("the server ended badly")??;
    drop(log);
    drop(scratch);
    Ok(())
}

/// A server on this address, or on a free port where it is in use.
async fn serve(data: &Data, listen: SocketAddr) -> Result<Server> {
    // Receivers, the simulated stores, and the keys of what is pushed.
    let networks = "integrations=127.0.0.1/32,stores=127.0.0.1/32,keys=127.0.0.1/32";
    let networks: AllowedNetworks = networks.parse().map_err(anyhow::Error::msg)?;
    if let Ok(server) = Server::start(&served(data, listen, &networks)).await {
        return Ok(server);
    }
    let anywhere = SocketAddr::new(listen.ip(), 0);
    Server::start(&served(data, anywhere, &networks))
        .await
        .context("the demo's server cannot start")
}

fn served(data: &Data, listen: SocketAddr, networks: &AllowedNetworks) -> ServeOptions {
    ServeOptions {
        data: data.clone(),
        key_is_lost: false,
        listen,
        operations_listen: None,
        stores_listen: None,
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
        new_customers: NEW_CUSTOMERS,
        session_idle_hours: whole_hours(Lasting::DEFAULT.idle),
        session_hours: whole_hours(Lasting::DEFAULT.longest),
        log_format: LogFormat::Text,
        log: String::new(),
        otlp_endpoint: None,
        trace_ratio: 1.0,
    }
}

/// Where each store calls.
fn callbacks(server: &Server) -> Vec<(Channel, String)> {
    let setup = server.engine.setup();
    let paths = setup
        .configuration
        .apps
        .iter()
        .filter_map(web::callback_path);
    let urls = paths.map(|path| format!("{}{path}", server.public_url));
    urls.filter_map(|url| Some((Channel::of_url(&url)?, url)))
        .collect()
}

/// Plays the stores, with messages that come twice and late.
fn driver(stores: Stores, callbacks: Vec<(Channel, String)>, options: &Options) -> Result<Driver> {
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
    Ok(driver)
}

/// Says again and again how far it came, for ever.
async fn count(engine: Engine, receivers: Receivers) {
    loop {
        tokio::time::sleep(say::pause()).await;
        let backlog = engine.ledger().backlog().await.unwrap_or_default();
        let backlog: u64 = backlog.iter().map(|waiting| waiting.count).sum();
        let (all, newest) = (EventFilter::default(), Page::Before(None, 1));
        let newest = engine.ledger().events(&all, newest).await;
        let newest = newest.ok().and_then(|rows| rows.into_iter().next());
        let (events, latest) = newest.map_or((0, String::new()), |row| {
            (row.position, row.event.kind.title().to_lowercase())
        });
        say::progress(&format!(
            "{events:>6} events, latest: {latest:<32} received: backend {:>6}  billing {:>6}  slack {:>6}  vendors {:>6}   waiting {backlog}",
            receivers.healthy.requests(),
            receivers.failing.requests(),
            receivers.slack.requests(),
            receivers.vendors.requests()
        ));
    }
}

/// What to open, and what to know.
fn announce(sign_in: &str, data: &Data) {
    let program = std::env::current_exe();
    let program = program.map_or_else(|_| "tidings".into(), |path| path.display().to_string());
    let directory = data.data.display();
    for text in [
        "Tidings demo: simulated customers of three stores, real signatures, real deliveries."
            .into(),
        String::new(),
        format!("  Open      {sign_in}"),
        "            It works once, within 15 minutes: with an account, or only to look around."
            .into(),
        format!("  Again     {program} sign-in-link --data {directory}"),
        "  Customers a month of them in the first seconds, then a new one every five seconds"
            .into(),
        "  Receivers one healthy, one that fails 10 %, one that is down, one Slack".into(),
        "  Vendors   thirteen, from Amplitude to SQS; five of them are ill, each in its own way"
            .into(),
        format!("  Data      {directory}, removed at the end: every demo begins anew"),
        "  Stop      Ctrl-C".into(),
        String::new(),
    ] {
        say::line(text);
    }
}

/// Puts the project into a fresh data directory.
async fn prepare(data: &Data, wanted: &Desired) -> Result<()> {
    let opened = data.open().await?;
    let current = opened.ledger.configuration().await?;
    let planned = configuration::plan(
        wanted,
        &Means {
            current: &current,
            vault: &opened.vault,
            public_url: "",
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
