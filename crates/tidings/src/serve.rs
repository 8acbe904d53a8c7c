//! `tidings serve`: wiring.

use crate::{
    data::Opened,
    http_url::HttpUrl,
    options::{Data, ServeOptions},
    process::{self, Shares},
    say,
    stop_signal::StopSignal,
    stores, telemetry,
};
use anyhow::{Context, Result, anyhow};
use engine::{Engine, NetworkTransport, Networks, Parts, WallSystem, metric::Metric};
use http_api::{Bounds, serve};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sources::Web;
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};
use web::{
    App, Gate,
    access::{Sessions, has_owner},
    followers::Followers,
    paces::Paces,
    proxies::Proxies,
    readiness::Readiness,
};

/// Upper bounds of latency buckets, in seconds.
const BUCKETS: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];
/// How long attempts under way may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(11);

/// Connections of operators at once.
const OF_OPERATORS: usize = 16;
/// Of all connections, the part that may be live streams and requests that wait for something to happen.
const FOLLOWING: usize = 4;
/// The part that may be clients that wait for what a store answers.
const WAITING: usize = 4;
/// The part that stores have on a listener of their own, where there is one.
const OF_STORES: usize = 8;
/// How long what callers asked for who hung up may take once nobody is connected any more.
const LAST_DEEDS: Duration = Duration::from_secs(5);

/// A server that is listening.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where people and stores reach it.
    pub(crate) public_url: String,
    pub(crate) sign_in_url: String,
    /// Where operators are told how it does.
    pub(crate) operations: Option<SocketAddr>,
    /// Where stores are served alone.
    pub(crate) stores: Option<SocketAddr>,
    listener: TcpListener,
    operators: Option<TcpListener>,
    of_stores: Option<TcpListener>,
    connections: usize,
    trusted_proxies: Networks,
    app: App,
}

fn start_metrics() -> Result<PrometheusHandle> {
    let seconds = |metric: Metric| Matcher::Full(metric.name().to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds(Metric::AttemptSeconds), &BUCKETS)?
        .set_buckets_for_metric(seconds(Metric::LagSeconds), &BUCKETS)?;
    let metrics = builder
        .install_recorder()
        .context("metrics cannot be recorded")?;
    let kept = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            kept.run_upkeep();
        }
    });
    Ok(metrics)
}

fn warn_of_exposed(data: &Data) -> Result<()> {
    for (path, mode) in data.exposed()? {
        let path = path.display();
        tracing::warn!("{path} is open to others (mode {mode:o}): chmod go= {path}");
    }
    Ok(())
}

/// What the engine is made of.
fn parts(
    options: &ServeOptions,
    opened: Opened,
    public_url: String,
    shares: Shares,
) -> Result<Parts> {
    let (networks, trusted) = (options.allowed.networks.clone(), options.trusted.read()?);
    let transport = NetworkTransport::new(networks, trusted, shares.outgoing);
    let transport = Arc::new(transport.context("the HTTP client cannot be set up")?);
    Ok(Parts {
        ledger: opened.ledger,
        system: Arc::new(WallSystem),
        web: Arc::clone(&transport) as Arc<dyn Web>,
        transport,
        vault: opened.vault,
        public_url,
        make_source: stores::sources(),
        most_waiting: shares.incoming.div_ceil(WAITING),
        retention: options.retention(),
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}"))
}

/// A listener beside the first, where one is wanted, and where it is.
async fn listen_too(wanted: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>> {
    let Some(address) = wanted else {
        return Ok(None);
    };
    let listener = listen(address).await?;
    let address = listener.local_addr()?;
    Ok(Some((listener, address)))
}

/// Where people sign in: by a link that works once while there is no owner, with an account afterwards.
async fn sign_in_url(app: &App) -> Result<String> {
    let page = format!("{}/signin", app.engine.public_url());
    if has_owner(&app.engine.setup().configuration) {
        return Ok(page);
    }
    let token = app.operator_link("the server, when it started").await;
    let token = token.map_err(|problem| anyhow!(problem.detail().to_owned()))?;
    Ok(format!("{page}/{token}"))
}

impl Server {
    /// Opens the data directory, starts the engine and binds the address.
    pub(crate) async fn start(options: &ServeOptions) -> Result<Self> {
        let (descriptors, wanted) = (process::descriptors(), options.max_connections.into());
        let shares = Shares::of(descriptors, wanted, options.data.most_connections())
            .map_err(|why| anyhow!(why))?;
        let connections = shares.incoming;
        let opened = options.data.open_to_serve(options.key_is_lost).await?;
        warn_of_exposed(&options.data)?;
        let listener = listen(options.listen).await?;
        let address = listener.local_addr()?;
        let (operators, operations) = listen_too(options.operations_listen).await?.unzip();
        let (of_stores, stores) = listen_too(options.stores_listen).await?.unzip();
        let public_url = options
            .public_url
            .as_ref()
            .map_or_else(|| format!("http://{address}"), ToString::to_string);
        let parts = parts(options, opened, public_url.clone(), shares)?;
        let metrics = start_metrics()?;
        let engine = Engine::start(parts)
            .await
            .context("the engine cannot start")?;
        let rates_url = options.rates_url.as_ref().and_then(HttpUrl::told);
        engine.keep_rates_fresh(rates_url.map(str::to_owned));
        let app = App {
            engine: engine.clone(),
            sessions: Arc::new(Sessions::new(options.lasting())),
            gate: Arc::new(Gate {
                paces: Paces::of(options.new_customers),
                proxies: Proxies::new(options.trusted_proxies.clone()),
                stated_url: options.public_url.as_ref().map(ToString::to_string),
                ..Gate::default()
            }),
            followers: Followers::at_most(connections.div_ceil(FOLLOWING)),
            readiness: Arc::new(Readiness::default()),
            has_operations: operators.is_some(),
            metrics: Some(metrics),
        };
        let sign_in_url = sign_in_url(&app).await?;
        if let Err(error) = options.data.keep_public_url(&public_url) {
            tracing::warn!(error = %format!("{error:#}"), "commands beside this server will not know where it is reached");
        }
        Ok(Self {
            engine,
            address,
            public_url,
            sign_in_url,
            operations,
            stores,
            listener,
            operators,
            of_stores,
            connections,
            trusted_proxies: options.trusted_proxies.clone(),
            app,
        })
    }

    /// Serves until `stop` resolves, then lets attempts under way finish.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let (engine, deeds) = (self.engine.clone(), self.engine.clone());
        // Operators are told until the end that it drains.
        let (ended, mut ending) = watch::channel(());
        let operators = self.operators.map(|listener| {
            let router = http_api::operations(&self.app);
            let over = async move { drop(ending.changed().await) };
            let bounds = Bounds::of_one_kind(OF_OPERATORS);
            tokio::spawn(serve(listener, router, bounds, Proxies::default(), over))
        });
        let mut connections = self.connections;
        let (is_over, mut closing) = watch::channel(());
        let proxies = || Proxies::new(self.trusted_proxies.clone());
        let stores = self.of_stores.map(|listener| {
            let router = http_api::callbacks(self.app.clone());
            let over = async move { drop(closing.changed().await) };
            let part = connections / OF_STORES;
            connections -= part;
            let bounds = Bounds::of_one_kind(part);
            tokio::spawn(serve(listener, router, bounds, proxies(), over))
        });
        let stopping = async move {
            stop.await;
            tracing::info!("stopping: no new work is taken up");
            engine.stop(DRAIN).await;
            drop(is_over);
        };
        let router = http_api::router(self.app);
        let bounds = Bounds::of(connections);
        serve(self.listener, router, bounds, proxies(), stopping).await;
        if let Some(stores) = stores {
            stores.await.context("the listener of stores failed")?;
        }
        if !deeds.deeds_done(LAST_DEEDS).await {
            tracing::warn!(
                "what callers asked for who hung up did not end in time; the audit log may lack it"
            );
        }
        drop(ended);
        if let Some(operators) = operators {
            operators
                .await
                .context("the listener of operators failed")?;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

pub(crate) async fn run(options: ServeOptions) -> Result<()> {
    let _telemetry = telemetry::start(&options.log, options.log_format, options.traces()?)?;
    let mut stop = StopSignal::listen()?;
    let server = tokio::select! {
        server = Server::start(&options) => server?,
        () = stop.came() => return Ok(()),
    };
    let setup = server.engine.setup();
    say::line(format!(
        "Tidings {} is listening on http://{}",
        env!("CARGO_PKG_VERSION"),
        server.address
    ));
    let is_given = options.public_url.is_some();
    say::line(format!(
        "  public url {}{}",
        server.public_url,
        if is_given {
            ""
        } else {
            "   (where stores and people reach it by another: --public-url)"
        }
    ));
    say::line(format!("  data       {}", options.data.data.display()));
    if let Some(address) = server.operations {
        say::line(format!("  operations http://{address}"));
    }
    if let Some(address) = server.stores {
        say::line(format!("  stores     http://{address}"));
    }
    say::line(format!("  sign in    {}", server.sign_in_url));
    for app in &setup.configuration.apps {
        if let Some(path) = web::callback_path(app) {
            say::line(format!(
                "  callback   {}{path}   ({})",
                server.public_url, app.name
            ));
        }
    }
    if setup.configuration.projects.is_empty() {
        say::line(
            "  next       tidings example > project.toml, edit it, tidings apply project.toml",
        );
    }
    drop(setup);
    server.run(async move { stop.came().await }).await
}
