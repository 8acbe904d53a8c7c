//! What every destination does, as pure functions.

use crate::{
    Now,
    batch::{Batching, Item},
    request::{Request, Response},
    settings::Invalid,
    spec::Spec,
};
use domain::{Environment, Event, EventKind, Message, NotSent, pace::Rate, retry};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

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

impl Unsendable {
    /// The customer has none of these attributes: `$idfa or $idfv`.
    pub fn lacks_attribute(named: impl Into<String>) -> Self {
        Self {
            reason: NotSent::MissingCustomerData,
            detail: format!("the customer has no {}", named.into()),
        }
    }

    /// The setting is not filled in.
    pub fn lacks_setting(named: impl std::fmt::Display) -> Self {
        Self {
            reason: NotSent::MissingCredentials,
            detail: format!("{named} is not set"),
        }
    }

    /// The event does not say this, and the destination takes nothing of its kind without it: `a product`.
    pub fn lacks_word(of: impl std::fmt::Display) -> Self {
        Self::unsupported(format!(
            "the event names no {of}, and this is not taken without one"
        ))
    }

    /// The destination has no place for this.
    pub fn unsupported(why: impl Into<String>) -> Self {
        Self {
            reason: NotSent::EventUnsupported,
            detail: why.into(),
        }
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted.
    Delivered,
    /// Accepted with a reservation, which people read. It is never sent again.
    Partly(String),
    /// Not now: try again, not before the given pause.
    Retry(Option<Duration>),
    /// Refused for good, with the reason people read.
    Rejected(String),
    /// The endpoint wants no more: the integration is paused.
    Gone(String),
    /// The URL or key is refused: nothing will get through until the settings change.
    CredentialsRefused(String),
}

impl Outcome {
    /// The same in other words.
    #[must_use]
    pub fn in_words(self, words: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Partly(why) => Self::Partly(words(&why)),
            Self::Rejected(why) => Self::Rejected(words(&why)),
            Self::Gone(why) => Self::Gone(words(&why)),
            Self::CredentialsRefused(why) => Self::CredentialsRefused(words(&why)),
            Self::Delivered | Self::Retry(_) => self,
        }
    }
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

/// How far from now an event may be that is sent, counted from when it happened. Outside, it would do silent damage: be dropped, or booked at
/// another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// How old it may be.
    pub oldest: Option<SignedDuration>,
    /// How far ahead it may lie; one that lies further waits.
    pub ahead: Option<SignedDuration>,
}

/// A destination with its settings. All functions are pure.
pub trait Configured: Send + Sync {
    /// What a kind is called here where the settings do not say; `None` for one that is not sent unless they do.
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        Some(kind.id())
    }
    /// Whether `event` goes here, as which messages. At commit time, so that every event has an answer for every integration.
    fn plan(&self, event: &Event) -> Plan;
    /// The request for one message. The same arguments give the same bytes.
    fn render(&self, message: &Message, event: &Event, now: Now<'_>)
    -> Result<Request, Unsendable>;
    /// Adds what depends on the moment of sending. `id` is the same on every retry.
    fn sign(&self, _request: &mut Request, _id: &str, _at: Timestamp) {}
    /// What an answer means.
    fn classify(&self, response: &Response) -> Outcome;
    /// One request that mends what an answer complains of (creates the contact, say); then the message is sent once more.
    fn remedy(
        &self,
        _message: &Message,
        _event: &Event,
        _now: Now<'_>,
        _response: &Response,
    ) -> Option<Request> {
        None
    }
    /// Whether messages travel together, and how many.
    fn batching(&self) -> Option<Batching> {
        None
    }
    /// The request for several messages, in their order. Asked only of who says how many.
    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let item = items
            .first()
            .ok_or_else(|| Unsendable::unsupported("an empty batch"))?;
        self.render(item.message, item.event, item.now)
    }
    /// What an answer means for each of the messages, in their order; `None` where it says one thing of all, which is what it means by itself.
    fn classify_batch(&self, _response: &Response, _items: &[Item<'_>]) -> Option<Vec<Outcome>> {
        None
    }
    /// How far from now an event may be.
    fn window(&self) -> Window {
        Window::default()
    }
    /// Whether it looks at the attributes that the customer has by now.
    fn reads_attributes(&self) -> bool {
        true
    }
    /// How long a message waits for an attribute that its customer lacks, counted from when its event was recorded.
    fn waits_for_attributes(&self) -> Duration {
        Duration::ZERO
    }
    /// Whether a message may be sent again when nobody knows whether it was taken: the request went out, and no answer came.
    fn repeatable(&self, _message: &Message, _event: &Event) -> bool {
        true
    }
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
    /// Whether a receiver can be told how every customer stands, to begin with.
    fn takes_states(&self) -> bool {
        false
    }
    /// "Still active" events that are wanted.
    fn timers(&self) -> Vec<Timer> {
        Vec::new()
    }
    /// How long an answer is waited for; at most a minute.
    fn timeout(&self) -> Duration {
        Duration::from_secs(10)
    }
    /// Attempts that may begin in a time, from all nodes together; without one, only their number at once is limited.
    fn rate(&self) -> Option<Rate> {
        None
    }
    /// The same for what is sent about one customer.
    fn rate_per_customer(&self) -> Option<Rate> {
        None
    }
    /// When failed deliveries are tried again.
    fn retry(&self) -> &retry::Policy;
}
