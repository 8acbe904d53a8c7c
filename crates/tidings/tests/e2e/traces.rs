//! Traces reach a collector, and one leads from a store's callback through the commit to every attempt, also after a restart.

use crate::server::{Site, client, live, until, webhook};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

type Spans = Arc<Mutex<Vec<Span>>>;

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A collector that keeps what it is sent.
async fn collector() -> (String, Spans) {
    let spans = Spans::default();
    let take = async |State(spans): State<Spans>, body: Bytes| {
        let told = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = told
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans);
        spans
            .lock()
            .unwrap()
            .extend(scopes.flat_map(|scope| scope.spans));
    };
    let router = Router::new()
        .route("/v1/traces", post(take))
        .with_state(Arc::clone(&spans));
    (serve(router).await, spans)
}

/// An endpoint that is down at first, and keeps the traces it is told of.
async fn endpoint() -> (String, Arc<Mutex<(bool, Vec<String>)>>) {
    type Kept = Arc<Mutex<(bool, Vec<String>)>>;
    let kept = Kept::default();
    let take = async |State(kept): State<Kept>, headers: HeaderMap| {
        let mut kept = kept.lock().unwrap();
        let trace = headers.get("traceparent").unwrap().to_str().unwrap();
        kept.1.push(trace.to_owned());
        if kept.0 {
            axum::http::StatusCode::OK
        } else {
            axum::http::StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let router = Router::new()
        .route("/", post(take))
        .with_state(Arc::clone(&kept));
    (serve(router).await, kept)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_leads_from_the_callback_to_every_attempt() {
    let (collector, spans) = collector().await;
    let (url, kept) = endpoint().await;
    // A format without a handshake: the endpoint is down when it is configured.
    let hook = webhook("backend", &format!("{url}/"))
        .replace("sandbox_url", "format = \"standard\"\nsandbox_url");
    let site = Site::new(&[hook]);
    let serve = |address: &str| site.serve_with(address, &["--otlp-endpoint", &collector]);
    let server = serve("127.0.0.1:0");
    live(&server.driver(20, 3), 0..1, 10, 1).await;
    until("the first attempt has failed", || async {
        !kept.lock().unwrap().1.is_empty()
    })
    .await;
    let address = server.url.trim_start_matches("http://").to_owned();
    server.stop();
    kept.lock().unwrap().0 = true;
    let server = serve(&address);
    until("it arrives after the restart", || async {
        let kept = kept.lock().unwrap();
        kept.1.len() > 1
    })
    .await;
    // Somebody who calls with a trace of theirs finds us in it.
    let theirs = "0af7651916cd43dd8448eb211c80319c";
    let answer = client()
        .get(format!("{}/api/v1/projects", server.url))
        .header("traceparent", format!("00-{theirs}-b7ad6b7169203331-01"))
        .send();
    assert_eq!(answer.await.unwrap().status().as_u16(), 401);
    server.stop();

    let spans = spans.lock().unwrap();
    let by_id: BTreeMap<_, _> = spans
        .iter()
        .map(|span| (hex(&span.span_id), span))
        .collect();
    let attempts: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "attempt webhook")
        .collect();
    assert!(attempts.len() > 1, "{spans:#?}");
    for attempt in &attempts {
        let commit = by_id[&hex(&attempt.parent_span_id)];
        assert_eq!(commit.name, "commit");
        let request = by_id[&hex(&commit.parent_span_id)];
        assert_eq!(request.name, "POST /callbacks/apple/{app}");
        assert!(request.parent_span_id.is_empty(), "the trace begins there");
        assert!(
            [&commit.trace_id, &request.trace_id]
                .iter()
                .all(|trace| **trace == attempt.trace_id)
        );
        let told = format!("00-{}-{}-01", hex(&attempt.trace_id), hex(&attempt.span_id));
        assert!(
            kept.lock().unwrap().1.contains(&told),
            "the endpoint was told {told}"
        );
    }
    let names: Vec<&str> = spans
        .iter()
        .filter(|span| span.trace_id == attempts[0].trace_id)
        .map(|span| span.name.as_str())
        .collect();
    assert!(
        names.contains(&"load") && names.contains(&"verify"),
        "{names:?}"
    );
    assert!(
        spans.iter().any(|span| hex(&span.trace_id) == theirs
            && hex(&span.parent_span_id) == "b7ad6b7169203331"
            && span.name == "GET /api/v1/projects"),
        "a caller's trace goes on"
    );
}
