//! Settings of every kind, for the tests of this folder.

use super::field::{Field, Kind};
use domain::EventKind;

pub(super) const FIELDS: &[Field] = &[
    Field::new("url", Kind::Url),
    Field::new("key", Kind::Secret),
    Field::new("secrets", Kind::Secrets),
    Field::new("long", Kind::LongText),
    Field::new("on", Kind::Switch),
    Field::new("days", Kind::Number),
    Field::new("retry", Kind::Retry),
    Field::new("events", Kind::Events),
    Field::new("any", Kind::Choices(&["a", "b"])),
];

pub(super) const EVENTS: &[EventKind] = &[
    EventKind::TrialStarted,
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::Test,
];
