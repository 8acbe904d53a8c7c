//! The formats: what each tells, and how.

use super::{adapty, options::Options, state};
use crate::{envelope, revenuecat};
use domain::{Event, EventKind, Message, retry};
use serde::Deserialize;

/// Which shape payloads have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Adapty,
    Revenuecat,
    Standard,
}

/// The formats of a webhook, for showing what each would send.
pub const FORMATS: [&str; 3] = ["adapty", "revenuecat", "standard"];

/// What a format makes of an event.
#[derive(Debug)]
pub struct Payload {
    /// The name of the message.
    pub name: String,
    /// Its body, or why it cannot be written.
    pub body: serde_json::Result<Vec<u8>>,
}

/// What an event is in a format, one for each message. Nothing where the format does not tell it.
pub fn payloads(format: &str, event: &Event) -> Vec<Payload> {
    let Some(format) = Format::from_id(format) else {
        return Vec::new();
    };
    let options = Options {
        send_attribution: true,
        send_user_attributes: true,
        ..Options::default()
    };
    let names = format.names(event, event.kind.id(), &options).into_iter();
    names
        .map(|name| {
            let body = format.render(&name, event, &options);
            Payload { name, body }
        })
        .collect()
}

impl Format {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Adapty => "adapty",
            Self::Revenuecat => "revenuecat",
            Self::Standard => "standard",
        }
    }

    fn from_id(id: &str) -> Option<Self> {
        [Self::Adapty, Self::Revenuecat, Self::Standard]
            .into_iter()
            .find(|format| format.id() == id)
    }

    /// The shape and the name a message goes out with: those it was planned for, whatever the settings say now, so that it is the same on every
    /// retry. Where it does not say (it was planned by an earlier release), a name that this format does not have is that of another, or is
    /// planned again. `None` where this format does not tell the event.
    pub(super) fn of(self, message: &Message, event: &Event) -> Option<(Self, String)> {
        let theirs = revenuecat::types(event);
        let name = message.name.clone();
        match message.format.as_deref().and_then(Self::from_id) {
            Some(planned) => Some((planned, name)),
            None if theirs.contains(&name.as_str()) => Some((Self::Revenuecat, name)),
            None if self == Self::Revenuecat => Some((self, (*theirs.first()?).to_owned())),
            None => Some((self, name)),
        }
    }

    pub(super) const fn events(self) -> &'static [EventKind] {
        match self {
            Self::Adapty => adapty::EVENTS,
            Self::Revenuecat => revenuecat::EVENTS,
            Self::Standard => EventKind::ALL,
        }
    }

    /// What an event is called, one name a message; `chosen` is what the settings call its kind.
    pub(super) fn names(self, event: &Event, chosen: &str, options: &Options) -> Vec<String> {
        match self {
            _ if !self.events().contains(&event.kind) => Vec::new(),
            Self::Adapty if adapty::tells_nothing(event) => Vec::new(),
            Self::Adapty => vec![adapty::name(event, chosen).to_owned()],
            Self::Standard if !options.send_state || event.kind == EventKind::Test => {
                vec![chosen.to_owned()]
            }
            Self::Standard if state::is_told(event) => vec![state::NAME.to_owned()],
            Self::Standard => Vec::new(),
            Self::Revenuecat => revenuecat::types(event)
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        }
    }

    pub(super) fn render(
        self,
        name: &str,
        event: &Event,
        options: &Options,
    ) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Adapty => adapty::render(name, event, options),
            Self::Revenuecat => revenuecat::render(name, event),
            // By its name: it was planned as one, whatever the settings say since.
            Self::Standard if name == state::NAME => state::render(name, event),
            Self::Standard => envelope::render(name, event),
        }
    }

    pub(super) const fn policy(self) -> retry::Policy {
        match self {
            Self::Adapty => retry::Policy::Adapty,
            Self::Revenuecat => retry::Policy::RevenueCat,
            Self::Standard => retry::Policy::Standard,
        }
    }
}
