//! What a destination is: its key, its settings, what it receives.

use domain::EventKind;
use serde::Serialize;

/// What a setting holds.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SettingKind))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Plain text.
    Text,
    /// The same, of several lines.
    LongText,
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
    /// One of these words, the first unless it is said.
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Setting))]
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Field {
    /// Key in the settings object.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// One sentence of help.
    pub help: &'static str,
}

/// A secret that is sent, and what decides who receives it. Whoever changes any of that has to give it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Travel {
    /// Name of the secret.
    pub secret: &'static str,
    /// Names of the settings that decide who receives it: where it is sent, and who is believed to be there.
    pub to: &'static [&'static str],
}

/// What a destination is.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Destination))]
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spec {
    /// Stable key, as in configuration files.
    pub key: &'static str,
    /// Name people read.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its settings.
    pub fields: &'static [Field],
    /// Which of its secrets are sent where another setting says.
    #[serde(skip)]
    pub travels: &'static [Travel],
    /// Kinds it can receive.
    pub events: &'static [EventKind],
    /// Whether one customer's deliveries leave in order.
    pub ordered: bool,
    /// Concurrent attempts per integration.
    pub concurrency: usize,
}
