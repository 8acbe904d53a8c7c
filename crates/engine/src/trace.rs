//! Traces: from the message of a store through its commit to every attempt at its deliveries, however late.
//!
//! Spans are those of `tracing`, under a target of their own, so that log lines stay what they are and nothing is spent on spans that nobody
//! collects. A delivery is stored with the trace of what led to it, as W3C `traceparent`; an attempt, hours later and on another node, is a
//! span of that trace, and tells the endpoint of it.

use ledger::Commit;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of every span.
pub const TARGET: &str = "tidings::trace";

/// The trace a span belongs to, as `traceparent`; `None` when nobody collects traces.
pub(crate) fn of(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let of = span.span_context();
    of.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            of.trace_id(),
            of.span_id(),
            of.trace_flags().to_u8()
        )
    })
}

/// Reads a `traceparent`. Source: W3C Trace Context, section 3.2; later versions may append fields.
fn parse(traceparent: &str) -> Option<Context> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !is_hex(version, 2) || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    if !is_hex(trace, 32) || !is_hex(span, 16) || !is_hex(flags, 2) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let parent = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        flags,
        true,
        TraceState::default(),
    );
    parent
        .is_valid()
        .then(|| Context::new().with_remote_span_context(parent))
}

fn belongs_to(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent.and_then(parse)
        && let Err(error) = span.set_parent(parent)
    {
        tracing::debug!(%error, "a span could not be made part of a trace");
    }
}

/// The span of a request that somebody made, part of their trace where they sent one.
pub fn request(method: &str, route: &str, traceparent: Option<&str>) -> Span {
    let span = info_span!(target: TARGET, "request", otel.name = format!("{method} {route}"), otel.kind = "server",
        http.request.method = method, http.route = route, http.response.status_code = Empty, otel.status_code = Empty);
    belongs_to(&span, traceparent);
    span
}

/// Notes what a request was answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of looking a customer up.
pub(crate) fn load() -> Span {
    info_span!(target: TARGET, "load", otel.kind = "client")
}

/// The span of asking whether a message is genuine.
pub(crate) fn verify(store: &'static str) -> Span {
    info_span!(target: TARGET, "verify", store)
}

/// The span of a store's answer to a question.
pub(crate) fn ask(store: &'static str) -> Span {
    info_span!(target: TARGET, "ask the store", store, otel.kind = "client")
}

/// The span of a commit. Its deliveries, and every attempt at them, belong to its trace from then on.
pub(crate) fn commit(commit: &mut Commit) -> Span {
    let span = info_span!(target: TARGET, "commit", otel.kind = "client",
        events = commit.events.len(), deliveries = commit.deliveries.len());
    if let Some(trace) = of(&span) {
        for delivery in &mut commit.deliveries {
            delivery.trace = Some(trace.clone());
        }
    }
    span
}

/// The span of an attempt, part of the trace that its delivery was stored with.
pub(crate) fn attempt(destination: &'static str, lease: &ledger::Lease) -> Span {
    let span = info_span!(target: TARGET, parent: None, "attempt", otel.name = format!("attempt {destination}"), otel.kind = "client",
        destination.key = destination, delivery.id = %lease.id, event.id = %lease.event.id, event.kind = lease.event.kind.id(),
        attempt = lease.attempts + 1, outcome = Empty, http.response.status_code = Empty, otel.status_code = Empty);
    belongs_to(&span, lease.trace.as_deref());
    span
}

/// The outcome of an attempt of which nothing is wrong.
pub(crate) const DELIVERED: &str = "delivered";

/// Notes what came of an attempt.
pub(crate) fn attempted(span: &Span, outcome: &'static str, status: Option<u16>) {
    span.record("outcome", outcome);
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if outcome != DELIVERED {
        span.record("otel.status_code", "ERROR");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_contexts_are_read_as_w3c_says() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for (text, is_read) in [
            (format!("00-{trace}-b7ad6b7169203331-01"), true),
            (format!("00-{trace}-b7ad6b7169203331-00"), true),
            (format!("cc-{trace}-b7ad6b7169203331-01-what-comes"), true),
            (format!("00-{trace}-b7ad6b7169203331-01-more"), false),
            (format!("ff-{trace}-b7ad6b7169203331-01"), false),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), false),
            (format!("00-{trace}-0000000000000000-01"), false),
            (
                format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
                false,
            ),
            (format!("00-{trace}-b7ad6b7169203331"), false),
            (String::new(), false),
        ] {
            let read = parse(&text);
            assert_eq!(read.is_some(), is_read, "{text}");
            if let Some(context) = read {
                let span = context.span();
                assert_eq!(span.span_context().trace_id().to_string(), trace);
            }
        }
    }

    #[test]
    fn nothing_is_stored_while_nobody_collects() {
        let mut write = Commit::of(domain::ProjectId::new(uuid::Uuid::nil()));
        assert_eq!(of(&commit(&mut write)), None);
    }
}
