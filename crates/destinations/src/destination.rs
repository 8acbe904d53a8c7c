//! What every destination does, as pure functions.

use crate::{
    request::{Request, Response},
    settings::Invalid,
    spec::Spec,
};
use domain::{Environment, Event, EventKind, Message, NotSent, retry};
use jiff::Timestamp;
use std::{num::NonZeroU32, time::Duration};

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

/// A destination of [`ALL`](crate::ALL).
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

/// A "still active" event that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// Which.
    pub kind: EventKind,
    /// So many days after the trial or the subscription began.
    pub after_days: u32,
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
    /// Whether an endpoint that refused the credentials may take them again without anybody changing settings: then it is asked now and then.
    fn may_take_again(&self) -> bool {
        false
    }
    /// Which endpoint events of an environment go to. Each endpoint has a lane of its own: what is wrong with one holds up no other.
    fn endpoint(&self, _environment: Environment) -> Environment {
        Environment::Production
    }
    /// Those of its endpoints that something can go to, as it is set up.
    fn endpoints(&self) -> Vec<Environment> {
        let mut all: Vec<_> = Environment::ALL
            .map(|environment| self.endpoint(environment))
            .to_vec();
        all.dedup();
        all
    }
    /// Checks to pass before anything is delivered; `nonce` is fresh for each save.
    fn handshakes(&self, _nonce: &str) -> Vec<Handshake> {
        Vec::new()
    }
    /// Whether an answer passes a handshake; the error says what is wrong with it.
    fn check_handshake(&self, _handshake: &Handshake, _response: &Response) -> Result<(), String> {
        Ok(())
    }
    /// "Still active" events that are wanted.
    fn timers(&self) -> Vec<Timer> {
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
