//! Log lines to standard error and, where a collector is named, traces to it (OTLP over HTTP).

use anyhow::{Context, Result};
use engine::{System, WallSystem, trace};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Where traces go.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    /// Address of the collector; `/v1/traces` is added.
    pub(crate) endpoint: String,
    /// Of traces that begin here, how many are kept, from 0 to 1.
    pub(crate) ratio: f64,
}

/// Writes what is left when it is dropped.
pub(crate) struct Telemetry {
    _log: WorkerGuard,
    traces: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.traces
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last spans could not be exported");
        }
    }
}

/// Log lines are written by a thread of their own, spans are exported by another.
pub(crate) fn start(filter: &str, format: LogFormat, traces: Option<Traces>) -> Result<Telemetry> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("--log {filter:?} cannot be used; try `info`"))?;
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .boxed(),
    };
    let is_span = |target: &str| target == trace::TARGET;
    let lines = lines
        .with_filter(filter)
        .with_filter(filter_fn(move |about| !is_span(about.target())));
    let traces = traces.map(|traces| provider(&traces)).transpose()?;
    let spans = traces.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tidings"))
            // Spans say what happened; where in the source and on which thread is for profilers.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(move |about| is_span(about.target())))
    });
    tracing_subscriber::registry()
        .with(lines)
        .with(spans)
        .init();
    Ok(Telemetry {
        _log: guard,
        traces,
    })
}

fn provider(traces: &Traces) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!(
            "{}/v1/traces",
            traces.endpoint.trim_end_matches('/')
        ))
        .build()
        .with_context(|| format!("--otlp-endpoint {:?} cannot be used", traces.endpoint))?;
    let resource = Resource::builder()
        .with_service_name("tidings")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", WallSystem.uuid().to_string()),
        ])
        .build();
    // Whoever began a trace has decided whether it is kept.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.ratio)));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}
