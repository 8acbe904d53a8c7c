//! Settings of every kind, for the tests of this folder.

use super::field::{Field, Kind};
use domain::EventKind;

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        help: "",
    }
}

pub(super) const FIELDS: &[Field] = &[
    field("url", Kind::Url),
    field("key", Kind::Secret),
    field("secrets", Kind::Secrets),
    field("long", Kind::LongText),
    field("on", Kind::Switch),
    field("days", Kind::Number),
    field("retry", Kind::Retry),
    field("events", Kind::Events),
    field("any", Kind::Choices(&["a", "b"])),
];

pub(super) const EVENTS: &[EventKind] = &[
    EventKind::TrialStarted,
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::Test,
];
