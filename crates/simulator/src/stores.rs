//! The stores: what all the fake APIs share, and a server that speaks for them.

use crate::{AppStoreApi, Authority, PlayStore, StripeAccount};
use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use guarded::Guarded;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// A request to a store's API.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// Path, without host and query.
    pub path: String,
    /// Query, without the question mark.
    pub query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

impl ApiRequest {
    /// From a URL, whatever its host.
    pub fn of(method: &str, url: &str, authorization: Option<String>, body: Vec<u8>) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            authorization,
            body,
        }
    }

    /// The first value of a query parameter. Values of ours need no decoding beyond `%XX` in brackets, which are not used.
    pub fn parameter<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.parameters(name).next()
    }

    /// All values of a query parameter.
    pub fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// An answer of a store's API.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiAnswer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
}

impl ApiAnswer {
    /// 200 with JSON.
    pub fn json(body: &Value) -> Self {
        Self {
            status: 200,
            body: body.to_string().into_bytes(),
            retry_after: None,
        }
    }

    /// An error with JSON.
    pub fn error(status: u16, body: &Value) -> Self {
        Self {
            status,
            ..Self::json(body)
        }
    }
}

/// A store's API.
pub trait Api: Send + Sync + 'static {
    /// Answers one request at `now`.
    fn answer(&self, request: &ApiRequest, now: Timestamp) -> ApiAnswer;
}

/// What is wrong with a store's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Nothing.
    None,
    /// It answers 503.
    Down,
    /// It answers 429 and wants this many seconds.
    Limited(u32),
    /// It answers 200 with something that is not its API.
    Nonsense,
    /// It takes this long.
    Slow(Duration),
}

/// A store's API that can break.
pub struct Faulty<A> {
    /// The API itself.
    pub api: A,
    outage: Guarded<Outage>,
    asked: AtomicU64,
}

impl<A: Api> Faulty<A> {
    /// One that works.
    pub const fn new(api: A) -> Self {
        Self {
            api,
            outage: Guarded::new(Outage::None),
            asked: AtomicU64::new(0),
        }
    }

    /// Breaks or mends it.
    pub fn set(&self, outage: Outage) {
        *self.outage.lock() = outage;
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Answers, or fails as told.
    pub async fn answer(&self, request: &ApiRequest, now: Timestamp) -> ApiAnswer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let outage = *self.outage.lock();
        let failure = json!({ "error": { "message": "simulated outage" } });
        match outage {
            Outage::None => self.api.answer(request, now),
            Outage::Down => ApiAnswer::error(503, &failure),
            Outage::Limited(seconds) => ApiAnswer {
                retry_after: Some(seconds.to_string()),
                ..ApiAnswer::error(429, &failure)
            },
            Outage::Nonsense => ApiAnswer {
                status: 200,
                body: b"<html>It works!</html>".to_vec(),
                retry_after: None,
            },
            Outage::Slow(pause) => {
                tokio::time::sleep(pause).await;
                self.api.answer(request, now)
            }
        }
    }
}

/// One of each store.
#[derive(Clone)]
pub struct Stores {
    /// Signs for the App Store.
    pub authority: Authority,
    /// The App Store Server API.
    pub apple: Arc<Faulty<AppStoreApi>>,
    /// Google Play.
    pub play: Arc<Faulty<PlayStore>>,
    /// Stripe.
    pub stripe: Arc<Faulty<StripeAccount>>,
}

impl Stores {
    /// Stores in which nothing has happened yet. `package` is the Play app's.
    pub fn new(authority: Authority, package: &str) -> Result<Self> {
        Ok(Self {
            apple: Arc::new(Faulty::new(AppStoreApi::new(authority.clone()))),
            play: Arc::new(Faulty::new(PlayStore::new(package)?)),
            stripe: Arc::new(Faulty::new(StripeAccount::default())),
            authority,
        })
    }

    /// Answers for the store whose path it is: those of the three APIs have nothing in common.
    pub async fn answer(&self, request: &ApiRequest, now: Timestamp) -> ApiAnswer {
        let path = request.path.as_str();
        if path.starts_with("/inApps/") {
            self.apple.answer(request, now).await
        } else if path.starts_with("/v1/") {
            self.stripe.answer(request, now).await
        } else {
            self.play.answer(request, now).await
        }
    }

    /// Serves the APIs of all three on one address; answers with its URL. `now` is the present.
    pub async fn serve(&self, listen: SocketAddr, now: Timestamp) -> Result<String> {
        let listener = TcpListener::bind(listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let served = Served {
            stores: self.clone(),
            started: Instant::now(),
            started_at: now,
        };
        let router = Router::new().fallback(handle).with_state(Arc::new(served));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the simulated stores stopped");
            }
        });
        Ok(url)
    }

    /// An address of the loopback interface with a free port.
    pub const fn anywhere() -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
    }
}

struct Served {
    stores: Stores,
    started: Instant,
    started_at: Timestamp,
}

async fn handle(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let request = ApiRequest {
        method: method.as_str().into(),
        path: uri.path().into(),
        query: uri.query().unwrap_or_default().into(),
        authorization,
        body: body.to_vec(),
    };
    let elapsed = i64::try_from(served.started.elapsed().as_micros()).unwrap_or(0);
    let now = Timestamp::from_microsecond(served.started_at.as_microsecond() + elapsed)
        .unwrap_or(served.started_at);
    let answer = served.stores.answer(&request, now).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    if let Some(value) = answer.retry_after.and_then(|value| value.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}
