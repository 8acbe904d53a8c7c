//! What a destination is: its key, its settings, what it receives.

use domain::EventKind;
use serde::Serialize;

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What a setting is about: forms show one after the other, in this order, and only the first at once.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SettingGroup))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What it cannot do without, or is chosen first.
    Main,
    /// Who a customer is there.
    Identity,
    /// Which events it receives, and how they are called.
    Events,
    /// Which amounts are told.
    Money,
    /// What leaves the house.
    Privacy,
    /// How it is sent.
    Delivery,
}

impl Group {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Main,
        Self::Identity,
        Self::Events,
        Self::Money,
        Self::Privacy,
        Self::Delivery,
    ];

    /// What people read above it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Main => "Settings",
            Self::Identity => "Identity",
            Self::Events => "Events",
            Self::Money => "Money",
            Self::Privacy => "Privacy",
            Self::Delivery => "Delivery",
        }
    }
}

/// When a setting is asked for: only where another has this value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The other setting: a choice.
    pub field: &'static str,
    /// Its value.
    pub is: &'static str,
}

/// One setting of a destination, or of an app.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Key in the settings object.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// One sentence of help.
    pub help: &'static str,
    /// What it is about.
    pub group: Group,
    /// When it is asked for, unless always.
    pub when: Option<When>,
}

impl Field {
    /// A setting that is asked for first, and always.
    pub const fn new(name: &'static str, kind: FieldKind, help: &'static str) -> Self {
        Self {
            name,
            kind,
            help,
            group: Group::Main,
            when: None,
        }
    }

    /// The same in another group.
    #[must_use]
    pub const fn of(self, group: Group) -> Self {
        Self { group, ..self }
    }

    /// The same, only where another setting has this value.
    #[must_use]
    pub const fn when(self, field: &'static str, is: &'static str) -> Self {
        Self {
            when: Some(When { field, is }),
            ..self
        }
    }
}

/// How many settings several lists have together.
pub(crate) const fn count(lists: &[&[Field]]) -> usize {
    let (mut total, mut list) = (0, 0);
    while list < lists.len() {
        total += lists[list].len();
        list += 1;
    }
    total
}

/// Several lists of settings as one.
pub(crate) const fn joined<const N: usize>(lists: &[&[Field]]) -> [Field; N] {
    let mut all = [Field::new("", FieldKind::Text, ""); N];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut field = 0;
        while field < lists[list].len() {
            all[at] = lists[list][field];
            at += 1;
            field += 1;
        }
        list += 1;
    }
    all
}

/// Several lists of settings as one that lives for ever: `fields!(OWN, common::FIELDS)`.
macro_rules! fields {
    ($($list:expr),+ $(,)?) => {{
        const LISTS: &[&[$crate::Field]] = &[$($list),+];
        const ALL: [$crate::Field; $crate::spec::count(LISTS)] = $crate::spec::joined(LISTS);
        &ALL
    }};
}
pub(crate) use fields;

/// A secret that is sent, and what decides who receives it. Whoever changes any of that has to give it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Travel {
    /// Name of the secret.
    pub secret: &'static str,
    /// Names of the settings that decide who receives it: where it is sent, and who is believed to be there.
    pub to: &'static [&'static str],
}

/// Where a destination stands in the catalogue.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DestinationCategory))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Servers of one's own.
    Webhook,
    /// Product analytics, and platforms that hand events on.
    Analytics,
    /// Attribution and advertising.
    Attribution,
    /// Messaging and support.
    Messaging,
    /// Chat and mail.
    Chat,
    /// Files and databases.
    Storage,
    /// Queues and streams.
    Queue,
}

impl Category {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Webhook,
        Self::Chat,
        Self::Analytics,
        Self::Attribution,
        Self::Messaging,
        Self::Storage,
        Self::Queue,
    ];

    /// Its name in the API and in file names.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Analytics => "analytics",
            Self::Attribution => "attribution",
            Self::Messaging => "messaging",
            Self::Chat => "chat",
            Self::Storage => "storage",
            Self::Queue => "queue",
        }
    }

    /// What people read above it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Webhook => "Your own server",
            Self::Analytics => "Analytics and customer data",
            Self::Attribution => "Attribution and ads",
            Self::Messaging => "Messaging and support",
            Self::Chat => "Chat and mail",
            Self::Storage => "Files and databases",
            Self::Queue => "Queues and streams",
        }
    }
}

/// What a destination is.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Stable key, as in configuration files.
    pub key: &'static str,
    /// Name people read.
    pub title: &'static str,
    /// Where it stands in the catalogue.
    pub category: Category,
    /// One sentence.
    pub summary: &'static str,
    /// What people should know before they rely on it, one sentence each: what to switch off elsewhere, what an answer does not prove.
    pub notes: &'static [&'static str],
    /// Its settings.
    pub fields: &'static [Field],
    /// Which of its secrets are sent where another setting says.
    pub travels: &'static [Travel],
    /// Kinds it can receive.
    pub events: &'static [EventKind],
    /// Whether one customer's deliveries leave in order.
    pub ordered: bool,
    /// Concurrent attempts per integration.
    pub concurrency: usize,
}
