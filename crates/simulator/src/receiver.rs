//! Receivers: endpoints that behave as they are told and keep a record of what reached them.

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::Notify};

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Accepts everything.
    Healthy,
    /// Answers 500 to this many in a hundred.
    Failing(u64),
    /// Passes verification, then stops listening.
    Down,
    /// Passes verification, then answers this status to everything.
    Refusing(u16),
    /// Accepts everything after this pause.
    Slow(Duration),
}

/// What reached a receiver.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// By delivery id: how often it was accepted.
    pub accepted: BTreeMap<String, u32>,
    /// By event id: how often it was accepted.
    pub events: BTreeMap<String, u32>,
    /// Events whose number for their customer was not above the one before.
    pub out_of_order: u64,
    /// Bodies by event id, where the receiver keeps them.
    pub bodies: BTreeMap<String, String>,
    /// Time from a message's receipt to its arrival here, in microseconds.
    pub lags_micros: Vec<u64>,
    last_seq: BTreeMap<String, u64>,
}

struct Shared {
    behaviour: Behaviour,
    received: Mutex<Received>,
    requests: AtomicU64,
    stop: Notify,
    keep_bodies: bool,
    started: Instant,
    started_at: jiff::Timestamp,
}

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts listening on a free port of the loopback interface. `now` is the present, for measuring lags.
    pub async fn start(
        behaviour: Behaviour,
        keep_bodies: bool,
        now: jiff::Timestamp,
    ) -> Result<Self> {
        Self::start_at("127.0.0.1:0".parse()?, behaviour, keep_bodies, now).await
    }

    /// Starts listening on a given address.
    pub async fn start_at(
        address: SocketAddr,
        behaviour: Behaviour,
        keep_bodies: bool,
        now: jiff::Timestamp,
    ) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let shared = Arc::new(Shared {
            behaviour,
            received: Mutex::default(),
            requests: AtomicU64::new(0),
            stop: Notify::new(),
            keep_bodies,
            started: Instant::now(),
            started_at: now,
        });
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(Arc::clone(&shared));
        let stopped = Arc::clone(&shared);
        tokio::spawn(async move {
            let serving = axum::serve(listener, router)
                .with_graceful_shutdown(async move { stopped.stop.notified().await });
            if let Err(error) = serving.await {
                tracing::error!(%error, "a receiver stopped");
            }
        });
        Ok(Self { url, shared })
    }

    /// Requests that arrived, accepted or not.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The record so far.
    pub fn received(&self) -> MutexGuard<'_, Received> {
        self.shared
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops listening.
    pub fn stop(&self) {
        self.shared.stop.notify_one();
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let count = shared.requests.fetch_add(1, Ordering::Relaxed);
    if let Behaviour::Slow(pause) = shared.behaviour {
        tokio::time::sleep(pause).await;
    }
    // Every 100 requests, the first few fail: reproducible, and the share is exact.
    if let Behaviour::Failing(percent) = shared.behaviour
        && body.len() > 2
        && count.wrapping_mul(37) % 100 < percent
    {
        return (StatusCode::INTERNAL_SERVER_ERROR, "simulated failure").into_response();
    }
    if body.as_ref() == b"{}" {
        if shared.behaviour == Behaviour::Down {
            shared.stop.notify_one();
        }
        return "{}".into_response();
    }
    if let Behaviour::Refusing(status) = shared.behaviour {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
        return (status, "simulated refusal").into_response();
    }
    record(&shared, &headers, &body)
}

fn record(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return (StatusCode::BAD_REQUEST, "not JSON").into_response();
    };
    if let Some(check) = json.get("adapty_check") {
        return axum::Json(json!({ "adapty_check_response": check })).into_response();
    }
    let mut received = shared
        .received
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(id) = headers
        .get("webhook-id")
        .and_then(|value| value.to_str().ok())
    {
        *received.accepted.entry(id.to_owned()).or_default() += 1;
    }
    let own = &json["tidings"];
    if let (Some(event), Some(customer), Some(seq)) = (
        own["event_id"].as_str(),
        json["profile_id"].as_str(),
        own["customer_seq"].as_u64(),
    ) {
        let times = received.events.entry(event.to_owned()).or_default();
        *times += 1;
        let first = *times == 1;
        let last = received.last_seq.insert(customer.to_owned(), seq);
        if first && last.is_some_and(|last| last >= seq) {
            received.out_of_order += 1;
        }
        if let Some(recorded) = own["recorded_at"]
            .as_str()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        {
            let now = shared.started_at.as_microsecond()
                + i64::try_from(shared.started.elapsed().as_micros()).unwrap_or(0);
            received
                .lags_micros
                .push(u64::try_from(now - recorded.as_microsecond()).unwrap_or(0));
        }
        if shared.keep_bodies {
            received
                .bodies
                .insert(event.to_owned(), String::from_utf8_lossy(body).into_owned());
        }
    }
    "ok".into_response()
}
