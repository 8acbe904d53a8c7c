//! A setting, as its store or destination describes it.

use destinations::{FieldKind, Group, When};
use domain::EventKind;

/// How a setting is shown and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// A URL.
    Url,
    /// One line that is never shown again.
    Secret,
    /// Several lines that are never shown again.
    LongSecret,
    /// Secrets, one a line.
    Secrets,
    /// Texts, one a line.
    Lines,
    /// Yes or no.
    Switch,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Any of these.
    Choices(&'static [&'static str]),
    /// A whole number.
    Number,
    /// Per kind of event: on, off, or a name.
    Events,
    /// The same, without names.
    EventSwitches,
    /// A retry policy.
    Retry,
}

/// A kind of event that a destination can be told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) kind: EventKind,
    /// What it is called where the settings do not say; `None` where it is not sent unless they do.
    pub(crate) usual: Option<&'static str>,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Key in the settings object.
    pub(crate) name: &'static str,
    /// How it is shown.
    pub(crate) kind: Kind,
    /// One sentence of help.
    pub(crate) help: &'static str,
    /// What it is about.
    pub(crate) group: Group,
    /// When it is asked for, unless always.
    pub(crate) when: Option<When>,
}

impl From<&destinations::Field> for Field {
    fn from(field: &destinations::Field) -> Self {
        Self {
            name: field.name,
            help: field.help,
            group: field.group,
            when: field.when,
            kind: match field.kind {
                FieldKind::Text => Kind::Text,
                FieldKind::LongText => Kind::LongText,
                FieldKind::Url => Kind::Url,
                FieldKind::Secret => Kind::Secret,
                FieldKind::LongSecret => Kind::LongSecret,
                FieldKind::Secrets => Kind::Secrets,
                FieldKind::Lines => Kind::Lines,
                FieldKind::Switch => Kind::Switch,
                FieldKind::Choice(options) => Kind::Choice(options),
                FieldKind::Choices(options) => Kind::Choices(options),
                FieldKind::Number => Kind::Number,
                FieldKind::Events => Kind::Events,
                FieldKind::EventSwitches => Kind::EventSwitches,
                FieldKind::Retry => Kind::Retry,
            },
        }
    }
}

impl Field {
    /// One without help, that is always asked for.
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            help: "",
            group: Group::Main,
            when: None,
        }
    }

    /// All settings of something, in the order they are described in.
    pub(crate) fn all(described: &[destinations::Field]) -> Vec<Self> {
        described.iter().map(Self::from).collect()
    }
}
