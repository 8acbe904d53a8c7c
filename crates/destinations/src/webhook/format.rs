//! The formats: what each tells, and how.

use super::{adapty, options::Options, revenuecat};
use crate::envelope;
use domain::{Event, EventKind, retry};
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

/// What an event is in a format: the name of each message, with its body or why it cannot be written. Nothing where the
/// format does not tell it.
pub fn payloads(format: &str, event: &Event) -> Vec<(String, serde_json::Result<Vec<u8>>)> {
    let format = match format {
        "adapty" => Format::Adapty,
        "revenuecat" => Format::Revenuecat,
        "standard" => Format::Standard,
        _ => return Vec::new(),
    };
    let options = Options {
        send_attribution: true,
        send_user_attributes: true,
        ..Options::default()
    };
    let names = format.names(event, event.kind.id()).into_iter();
    names
        .map(|name| {
            let body = format.render(&name, event, &options);
            (name, body)
        })
        .collect()
}

impl Format {
    pub(super) const fn events(self) -> &'static [EventKind] {
        match self {
            Self::Adapty => adapty::EVENTS,
            Self::Revenuecat => revenuecat::EVENTS,
            Self::Standard => EventKind::ALL,
        }
    }

    /// What an event is called, one name a message; `chosen` is what the settings call its kind.
    pub(super) fn names(self, event: &Event, chosen: &str) -> Vec<String> {
        match self {
            _ if !self.events().contains(&event.kind) => Vec::new(),
            Self::Adapty | Self::Standard => vec![chosen.to_owned()],
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
