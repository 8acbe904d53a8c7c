//! Receivers: endpoints that behave as they are told and keep a record of what reached them.

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use guarded::Guarded;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, MutexGuard,
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
    /// Answers 429 to this many in a hundred, and when to come again.
    Busy(u64),
    /// Sends this many in a hundred elsewhere.
    Redirecting(u64),
    /// Closes the connection without an answer to this many in a hundred.
    Cutting(u64),
    /// Never answers this many in a hundred.
    Stalling(u64),
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
    /// By event id: how often it was tried, accepted or not.
    pub tried: BTreeMap<String, u32>,
    /// Events that were first tried after a later one of the same customer: what came, and what it came after.
    pub overtaken: Vec<Overtaken>,
    /// Bodies by event id, where the receiver keeps them.
    pub bodies: BTreeMap<String, String>,
    /// Time from a message's receipt to its arrival here, in microseconds.
    pub lags_micros: Vec<u64>,
    last_seq: BTreeMap<String, u64>,
    last_tried: BTreeMap<String, u64>,
}

/// A first attempt that came too late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overtaken {
    /// Whose.
    pub customer: String,
    /// The number of the event among the customer's.
    pub seq: u64,
    /// The highest number that was tried before it.
    pub after: u64,
}

/// What a payload says of the event it carries.
struct Carried {
    event: String,
    customer: String,
    seq: u64,
}

impl Carried {
    fn read(json: &Value) -> Option<Self> {
        let own = &json["tidings"];
        Some(Self {
            event: own["event_id"].as_str()?.to_owned(),
            customer: json["profile_id"].as_str()?.to_owned(),
            seq: own["customer_seq"].as_u64()?,
        })
    }
}

impl Received {
    fn note_attempt(&mut self, carried: &Carried) {
        let times = self.tried.entry(carried.event.clone()).or_default();
        *times += 1;
        if *times > 1 {
            return;
        }
        let last = self.last_tried.entry(carried.customer.clone()).or_default();
        if carried.seq < *last {
            self.overtaken.push(Overtaken {
                customer: carried.customer.clone(),
                seq: carried.seq,
                after: *last,
            });
        }
        *last = carried.seq.max(*last);
    }
}

struct Shared {
    behaviour: Behaviour,
    received: Guarded<Received>,
    requests: AtomicU64,
    stop: Notify,
    keep_bodies: bool,
    started: Instant,
    started_at: jiff::Timestamp,
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock()
    }
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
            received: Guarded::default(),
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
        self.shared.received()
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
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let carried = Carried::read(&json);
    if let Some(carried) = &carried {
        shared.received().note_attempt(carried);
    }
    // Whoever asks whose the endpoint is gets an answer.
    let is_check = body.len() <= 2 || !json["adapty_check"].is_null();
    if !is_check {
        // Of every 100 requests, as many as asked for: reproducible, and the share is exact.
        let is_one_of = |percent| count.wrapping_mul(37) % 100 < percent;
        match shared.behaviour {
            Behaviour::Failing(percent) if is_one_of(percent) => {
                return (StatusCode::INTERNAL_SERVER_ERROR, "simulated failure").into_response();
            }
            Behaviour::Busy(percent) if is_one_of(percent) => {
                let again = [(header::RETRY_AFTER, "1")];
                return (StatusCode::TOO_MANY_REQUESTS, again, "simulated rush").into_response();
            }
            Behaviour::Redirecting(percent) if is_one_of(percent) => {
                let elsewhere = [(header::LOCATION, "http://127.0.0.1:9/moved")];
                return (StatusCode::FOUND, elsewhere).into_response();
            }
            // Ends the task of the connection, and with it the connection.
            Behaviour::Cutting(percent) if is_one_of(percent) => {
                std::panic::resume_unwind(Box::new("simulated cut"));
            }
            Behaviour::Stalling(percent) if is_one_of(percent) => std::future::pending().await,
            _ => {}
        }
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
    record(&shared, &headers, &body, &json, carried.as_ref())
}

fn record(
    shared: &Shared,
    headers: &HeaderMap,
    body: &[u8],
    json: &Value,
    carried: Option<&Carried>,
) -> Response {
    if json.is_null() {
        return (StatusCode::BAD_REQUEST, "not JSON").into_response();
    }
    if let Some(check) = json.get("adapty_check") {
        return axum::Json(json!({ "adapty_check_response": check })).into_response();
    }
    let mut received = shared.received();
    if let Some(id) = headers
        .get("webhook-id")
        .and_then(|value| value.to_str().ok())
    {
        *received.accepted.entry(id.to_owned()).or_default() += 1;
    }
    if let Some(carried) = carried {
        let times = received.events.entry(carried.event.clone()).or_default();
        *times += 1;
        let first = *times == 1;
        let last = received
            .last_seq
            .insert(carried.customer.clone(), carried.seq);
        if first && last.is_some_and(|last| last >= carried.seq) {
            received.out_of_order += 1;
        }
        if let Some(recorded) = json["tidings"]["recorded_at"]
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
            received.bodies.insert(
                carried.event.clone(),
                String::from_utf8_lossy(body).into_owned(),
            );
        }
    }
    "ok".into_response()
}
