//! How each destination wants to hear an event.
//!
//! A destination is one file and one entry in [`ALL`]: a [`Spec`] that describes it and its settings, and a [`Configured`]
//! value made from those settings, whose functions are pure: `plan` (is this event for us, as which messages), `render`
//! (the request), `sign`, `classify` (what an answer means). Sockets, retries, limits, storage, the settings form and the
//! contract tests iterate over [`ALL`] and know no destination by name.
#![warn(missing_docs)]

mod envelope;
pub mod nats;
mod settings;
pub mod slack;
pub mod webhook;

pub use settings::{EventSwitch, Events, Invalid, parse};

use domain::{Environment, Event, EventKind, Message, NotSent, retry};
use jiff::Timestamp;
use serde::Serialize;
use std::{fmt, num::NonZeroU32, time::Duration};

/// Every destination, sorted by key.
pub static ALL: &[&dyn Destination] = &[&nats::Nats, &slack::Slack, &webhook::Webhook];

/// Finds a destination by its key.
pub fn find(key: &str) -> Option<&'static dyn Destination> {
    ALL.iter()
        .copied()
        .find(|destination| destination.spec().key == key)
}

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Plain text.
    Text,
    /// An `http` or `https` URL.
    Url,
    /// Encrypted at rest, never shown again.
    Secret,
    /// The same, of several lines.
    LongSecret,
    /// A list of secrets, newest first.
    Secrets,
    /// A list of texts.
    Lines,
    /// Yes or no.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any of these words, in the order given.
    Choices(&'static [&'static str]),
    /// A whole number.
    Number,
    /// Per event kind: on, off, or a name.
    Events,
    /// Per event kind: on or off.
    EventSwitches,
    /// A retry policy.
    Retry,
}

impl FieldKind {
    /// Whether it is encrypted at rest and never shown again.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::LongSecret | Self::Secrets)
    }
}

/// One setting of a destination, or of an app.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Field {
    /// Key in the settings object.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// One sentence of help.
    pub help: &'static str,
}

/// What a destination is.
#[derive(Debug, Serialize)]
pub struct Spec {
    /// Stable key, as in configuration files.
    pub key: &'static str,
    /// Name people read.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its settings.
    pub fields: &'static [Field],
    /// Kinds it can receive.
    pub events: &'static [EventKind],
    /// Whether one customer's deliveries leave in order.
    pub ordered: bool,
    /// Concurrent attempts per integration.
    pub concurrency: usize,
}

/// What a destination needs to know besides its settings.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Where people reach this installation, without a trailing slash.
    pub public_url: String,
}

/// Whether an event goes to an integration: as these messages, or why not.
pub type Plan = Result<Vec<Message>, NotSent>;

/// Why a message cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsendable {
    /// The reason shown.
    pub reason: NotSent,
    /// Which attribute or setting is missing.
    pub detail: String,
}

/// A header of a request.
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
    Nats(nats::Publication),
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
        }
    }

    /// The URL as people may see it: without its path where that is the secret.
    pub fn shown_url(&self) -> String {
        if !self.secret_url {
            return self.url.clone();
        }
        let host_end = self.url.split_once("://").map_or(0, |(scheme, rest)| {
            scheme.len() + 3 + rest.find('/').unwrap_or(rest.len())
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
    pub fn shown_headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|header| {
            (
                header.name,
                if header.secret {
                    "***"
                } else {
                    header.value.as_str()
                },
            )
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.shown_url())
            .field("headers", &self.shown_headers().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code. Of a stream: 200 when it has stored the message, otherwise the code of its error; 503 when there is no stream.
    pub status: u16,
    /// `Retry-After` in seconds, where sent.
    pub retry_after: Option<Duration>,
    /// At most 64 KiB of the body.
    pub body: Vec<u8>,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted.
    Delivered,
    /// Not now: try again, not before the given pause.
    Retry(Option<Duration>),
    /// Refused for good, with the reason people read.
    Rejected(String),
    /// The endpoint wants no more: the integration is paused.
    Gone(String),
    /// The URL or key is refused: nothing will get through until the settings change.
    CredentialsRefused(String),
}

/// One check that an endpoint is the integration's, made before anything is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Which endpoint, for people: `production` or `sandbox`.
    pub endpoint: Environment,
    /// What to send.
    pub request: Request,
    /// The word that must come back, in the earlier edition of the handshake.
    pub expected: Option<String>,
}

/// A destination of [`ALL`].
pub trait Destination: Send + Sync {
    /// What it is.
    fn spec(&self) -> &'static Spec;
    /// Checks settings and makes the value that does the work. All problems are reported, each naming its field.
    fn configure(
        &self,
        settings: &serde_json::Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>>;
}

/// A destination with its settings. All functions are pure.
pub trait Configured: Send + Sync {
    /// Whether `event` goes here, as which messages. At commit time, so that every event has an answer for every integration.
    fn plan(&self, event: &Event) -> Plan;
    /// The request for one message. The same arguments give the same bytes.
    fn render(&self, message: &Message, event: &Event) -> Result<Request, Unsendable>;
    /// Adds what depends on the moment of sending. `id` is the same on every retry.
    fn sign(&self, _request: &mut Request, _id: &str, _at: Timestamp) {}
    /// What an answer means.
    fn classify(&self, response: &Response) -> Outcome;
    /// Checks to pass before anything is delivered; `nonce` is fresh for each save.
    fn handshakes(&self, _nonce: &str) -> Vec<Handshake> {
        Vec::new()
    }
    /// Whether an answer passes a handshake; the error says what is wrong with it.
    fn check_handshake(&self, _handshake: &Handshake, _response: &Response) -> Result<(), String> {
        Ok(())
    }
    /// "Still active" events that are wanted, and after how many days.
    fn timers(&self) -> Vec<(EventKind, u32)> {
        Vec::new()
    }
    /// How long an answer is waited for; at most a minute.
    fn timeout(&self) -> Duration {
        Duration::from_secs(10)
    }
    /// Attempts that may begin in a second, from all nodes together; without one, only their number at once is limited.
    fn max_per_second(&self) -> Option<NonZeroU32> {
        None
    }
    /// When failed deliveries are tried again.
    fn retry(&self) -> &retry::Policy;
}
