//! Endpoints that take down what they are sent, and answer what they are told to.

use async_trait::async_trait;
use destinations::{Request, Response};
use domain::Headers;
use engine::{Transport, TransportError};
use serde_json::Value;
use std::{sync::Mutex, time::Duration};
use tokio::sync::watch;

type Answers = Box<dyn Fn(&str, usize) -> Result<Response, TransportError> + Send + Sync>;

/// A request that was sent.
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) body: Value,
    pub(crate) headers: Headers,
    pub(crate) counts_twice: bool,
}

/// Where an endpoint begins that never answers the question whose it is.
pub(crate) const SILENT: &str = "https://silent.example/";

/// What was sent, and what is answered.
pub(crate) struct Endpoints {
    pub(crate) sent: Mutex<Vec<Sent>>,
    pub(super) answers: Mutex<Answers>,
    /// URLs that were asked whose they are.
    pub(crate) handshakes: Mutex<Vec<String>>,
    /// With what headers, the last time.
    pub(crate) asked_with: Mutex<Headers>,
    /// Whether answers are held back.
    pub(super) silent: watch::Sender<bool>,
}

impl Endpoints {
    /// Endpoints that accept everything.
    pub(super) fn new() -> Self {
        Self {
            sent: Mutex::default(),
            answers: Mutex::new(Box::new(|_, _| answer(200, "{}"))),
            handshakes: Mutex::default(),
            asked_with: Mutex::default(),
            silent: watch::Sender::new(false),
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "stands beside answers that are errors"
)]
pub(crate) fn answer(status: u16, body: &str) -> Result<Response, TransportError> {
    Ok(Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        unread: None,
        body: body.as_bytes().to_vec(),
    })
}

fn headers(request: &Request) -> Headers {
    let all = request.headers.iter();
    all.map(|header| (header.name, header.value.as_str()))
        .collect()
}

#[async_trait]
impl Transport for Endpoints {
    async fn send(&self, request: &Request, _: Duration) -> Result<Response, TransportError> {
        if request.body == b"{}" {
            self.handshakes.lock().unwrap().push(request.url.clone());
            *self.asked_with.lock().unwrap() = headers(request);
            if request.url.starts_with(SILENT) {
                return std::future::pending().await;
            }
            return answer(200, "{}");
        }
        let text = || String::from_utf8_lossy(&request.body).into_owned();
        let body = serde_json::from_slice(&request.body).unwrap_or_else(|_| text().into());
        let headers = headers(request);
        let count = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(Sent {
                url: request.url.clone(),
                body,
                headers,
                counts_twice: request.counts_twice,
            });
            sent.len()
        };
        let mut silent = self.silent.subscribe();
        silent.wait_for(|silent| !*silent).await.unwrap();
        (self.answers.lock().unwrap())(&request.url, count)
    }
}
