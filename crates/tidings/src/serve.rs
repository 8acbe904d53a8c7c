//! `tidings serve`: wiring.

use crate::{
    cli::{LogFormat, ServeOptions},
    say,
};
use anyhow::{Context, Result};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use engine::{Engine, HttpTransport, MakeReceiver, Parts, WallSystem, metric::Metric};
use http_api::{App, Sessions};
use ledger::AppEnvironment as Accepted;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sources::{
    Receiver,
    apple::{self, AppEnvironment, AppReceiver, Verifier},
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Upper bounds of latency buckets, in seconds.
const BUCKETS: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];
/// How long attempts under way may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(11);

/// A server that is listening.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) public_url: String,
    pub(crate) sign_in_url: String,
    listener: TcpListener,
    app: App,
}

/// Log lines are written by a thread of their own; the guard writes the last ones.
pub(crate) fn start_logging(
    filter: &str,
    format: LogFormat,
) -> Result<tracing_appender::non_blocking::WorkerGuard> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("--log {filter:?} cannot be used; try `info`"))?;
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
    }
    Ok(guard)
}

fn start_metrics() -> Result<PrometheusHandle> {
    let seconds = |metric: Metric| Matcher::Full(metric.name().to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds(Metric::AttemptSeconds), &BUCKETS)?
        .set_buckets_for_metric(seconds(Metric::LagSeconds), &BUCKETS)?;
    builder
        .install_recorder()
        .context("metrics cannot be recorded")
}

/// Makes receivers of apps. All apps share the verifier that trusts Apple's root, and with it its memory of chains.
pub(crate) fn receivers() -> MakeReceiver {
    let store = Arc::new(Verifier::apple());
    Box::new(move |app: &ledger::App| {
        let settings = &app.settings;
        let environments = settings
            .environments
            .iter()
            .map(|environment| match environment {
                Accepted::Production => AppEnvironment::Production,
                Accepted::Sandbox => AppEnvironment::Sandbox,
                Accepted::Xcode => AppEnvironment::Xcode,
                Accepted::LocalTesting => AppEnvironment::LocalTesting,
            });
        let environments: Vec<_> = environments.collect();
        let roots = settings
            .local_roots
            .iter()
            .map(|root| {
                BASE64_STANDARD
                    .decode(root)
                    .map_err(|error| format!("local_roots: {error}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let is_production = environments.contains(&AppEnvironment::Production);
        // Checked when configured, and again here: a production app must never trust a root of anyone's own.
        let local = (!roots.is_empty() && !is_production)
            .then(|| Arc::new(Verifier::with_roots(roots).accepting_single_certificate()));
        let receiver = AppReceiver::new(apple::App {
            bundle_id: settings.bundle_id.clone(),
            app_apple_id: settings.app_apple_id,
            environments,
            store: Arc::clone(&store),
            local,
        })
        .checking_revocation(settings.check_revocation);
        Ok(Arc::new(receiver) as Arc<dyn Receiver>)
    })
}

impl Server {
    /// Opens the data directory, starts the engine and binds the address.
    pub(crate) async fn start(options: &ServeOptions) -> Result<Self> {
        let opened = options.data.open()?;
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let address = listener.local_addr()?;
        let public_url = options
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{address}"))
            .trim_end_matches('/')
            .to_owned();
        let parts = Parts {
            ledger: Arc::new(opened.ledger),
            system: Arc::new(WallSystem),
            transport: Arc::new(
                HttpTransport::new(options.allow_networks.clone())
                    .context("the HTTP client cannot be set up")?,
            ),
            vault: opened.vault,
            public_url: public_url.clone(),
            make_receiver: receivers(),
        };
        let metrics = start_metrics()?;
        let engine = Engine::start(parts)
            .await
            .context("the engine cannot start")?;
        let sessions = Arc::new(Sessions::default());
        let sign_in_url = format!(
            "http://{address}/signin/{}",
            sessions.operator_link(engine.system())
        );
        let upkeep = metrics.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self {
            app: App {
                engine: engine.clone(),
                sessions,
                metrics: Some(metrics),
            },
            engine,
            public_url,
            sign_in_url,
            listener,
        })
    }

    /// Serves until `stop` resolves, then lets attempts under way finish.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        use axum::serve::ListenerExt;
        let engine = self.engine.clone();
        let stopping = async move {
            stop.await;
            tracing::info!("stopping: no new work is taken up");
            engine.stop(DRAIN).await;
        };
        let listener = self.listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
        });
        axum::serve(listener, http_api::router(self.app))
            .with_graceful_shutdown(stopping)
            .await
            .context("the HTTP server stopped")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Resolves on `SIGINT` or `SIGTERM`.
pub(crate) async fn stop_signal() {
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be waited for");
                return std::future::pending().await;
            }
        };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

pub(crate) async fn run(options: ServeOptions) -> Result<()> {
    let _logging = start_logging(&options.log, options.log_format)?;
    let server = Server::start(&options).await?;
    let setup = server.engine.setup();
    say::line(format!(
        "Tidings {} is listening on {}",
        env!("CARGO_PKG_VERSION"),
        server.public_url
    ));
    say::line(format!("  data       {}", options.data.data.display()));
    say::line(format!("  sign in    {}", server.sign_in_url));
    for app in &setup.configuration.apps {
        say::line(format!(
            "  callback   {}/callbacks/apple/{}   ({})",
            server.public_url, app.id, app.name
        ));
    }
    if setup.configuration.projects.is_empty() {
        say::line(
            "  next       tidings example > project.toml, edit it, tidings apply project.toml",
        );
    }
    drop(setup);
    server.run(stop_signal()).await
}
