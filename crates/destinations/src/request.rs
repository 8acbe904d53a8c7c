//! What is sent, how it travels, and what comes back.

use crate::publication::Publication;
use domain::Headers;
use std::{fmt, time::Duration};

/// A header of a request, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Name, lower-case in HTTP.
    pub name: &'static str,
    /// Value, sent verbatim.
    pub value: String,
    /// Whether it must not be shown.
    pub secret: bool,
}

/// How a request travels.
#[derive(Clone, PartialEq, Eq)]
pub enum Via {
    /// As a `POST`.
    Http,
    /// Published to a subject of NATS; the answer is what the stream says of it.
    Nats(Publication),
}

/// A request: JSON, posted or published.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// How it travels.
    pub via: Via,
    /// Where to.
    pub url: String,
    /// Whether the URL itself is a secret.
    pub secret_url: bool,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// Body.
    pub body: Vec<u8>,
    /// Certificate authorities, in PEM, that its host may be certified by, beside those that everybody trusts.
    pub authorities: Option<String>,
}

impl Request {
    /// A JSON request to `url`.
    pub fn json(url: &str, body: Vec<u8>) -> Self {
        Self {
            via: Via::Http,
            url: url.to_owned(),
            secret_url: false,
            headers: vec![Header {
                name: "content-type",
                value: "application/json".into(),
                secret: false,
            }],
            body,
            authorities: None,
        }
    }

    /// The URL as people may see it: without its path where that is the secret.
    pub fn shown_url(&self) -> String {
        if !self.secret_url {
            return self.url.clone();
        }
        let host_end = self.url.split_once("://").map_or(0, |(scheme, rest)| {
            scheme.len() + 3 + rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())
        });
        format!("{}/***", self.url.get(..host_end).unwrap_or_default())
    }

    /// What is done with it, for people.
    pub const fn verb(&self) -> &'static str {
        match self.via {
            Via::Http => "POST",
            Via::Nats(_) => "PUB",
        }
    }

    /// The headers as people may see them.
    pub fn shown_headers(&self) -> Headers {
        let shown = |header: &Header| {
            if header.secret {
                "***".to_owned()
            } else {
                header.value.clone()
            }
        };
        let headers = self.headers.iter();
        headers.map(|header| (header.name, shown(header))).collect()
    }
}

/// Headers of an answer that are kept: what says when to come again, where to, what the body is, and how to find the request in the logs of
/// whoever answered. Whatever may hold a secret, as cookies do, is not among them.
pub const KEPT_HEADERS: [&str; 13] = [
    "cf-ray",
    "content-type",
    "date",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server",
    "www-authenticate",
    "x-amzn-requestid",
    "x-correlation-id",
    "x-request-id",
];

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.shown_url())
            .field("headers", &self.shown_headers())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code. Of a stream: 200 when it has stored the message, otherwise the code of its error; 503 when there is no stream.
    pub status: u16,
    /// How long it asks to be left alone, where it does.
    pub retry_after: Option<Duration>,
    /// Those of its headers that are kept, with their names in lower case.
    pub headers: Headers,
    /// At most 64 KiB of the body.
    pub body: Vec<u8>,
    /// Why the body is not whole, where it broke off or did not end. What was read of the answer stands.
    pub unread: Option<String>,
}
