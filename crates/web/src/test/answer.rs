//! What came back.

use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::Value;
use std::fmt;

/// An answer, read to its end.
///
/// Shown, it is its status, what matters of its headers, and its body, JSON laid out: `insta::assert_snapshot!(answer)`.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// A stream has no end and is not read.
    pub(super) async fn read(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind == "text/event-stream");
        let body = if is_stream { Body::empty() } else { body };
        Self {
            status: head.status,
            headers: head.headers,
            body: whole(body).await,
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The `code` of a problem; empty where there is none.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in [header::CONTENT_TYPE, header::LOCATION, header::RETRY_AFTER] {
            if let Some(value) = self.headers.get(&name) {
                writeln!(f, "{name}: {}", value.to_str().unwrap())?;
            }
        }
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value) => write!(f, "\n{value:#}"),
            Err(_) if self.body.is_empty() => Ok(()),
            Err(_) => write!(f, "\n{}", self.text()),
        }
    }
}

/// A body, read to its end.
pub(super) async fn whole(body: Body) -> Bytes {
    let mut parts = body.into_data_stream();
    let mut body = BytesMut::new();
    while let Some(part) = parts.next().await {
        body.extend_from_slice(&part.unwrap());
    }
    body.freeze()
}

/// The first messages of a stream of server-sent events, as they were written, comments left out.
pub(super) async fn messages(body: Body, count: usize) -> Vec<String> {
    let mut parts = body.into_data_stream();
    let mut text = String::new();
    loop {
        let whole: Vec<_> = text
            .split_inclusive("\n\n")
            .filter(|message| message.ends_with("\n\n") && !message.starts_with(':'))
            .map(|message| message.trim_end().to_owned())
            .take(count)
            .collect();
        if whole.len() == count {
            return whole;
        }
        let part = parts
            .next()
            .await
            .unwrap_or_else(|| panic!("the stream ended after {} messages: {text}", whole.len()));
        text.push_str(&String::from_utf8_lossy(&part.unwrap()));
    }
}
