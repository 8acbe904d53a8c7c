//! What the fake APIs of all stores share, and how each of them can break.

use guarded::Guarded;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

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
    /// It lets whoever asks in, and refuses whatever it is asked with this status.
    Refusing(u16),
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
            Outage::Refusing(_) if request.path.ends_with("/token") => {
                self.api.answer(request, now)
            }
            Outage::Refusing(status) => ApiAnswer::error(status, &failure),
            Outage::Slow(pause) => {
                tokio::time::sleep(pause).await;
                self.api.answer(request, now)
            }
        }
    }
}
