//! Settings of every kind, for the tests of this folder.

use super::field::{Field, Kind, Told};
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

const fn told(kind: EventKind) -> Told {
    Told {
        kind,
        usual: Some(kind.id()),
    }
}

pub(super) const EVENTS: &[Told] = &[
    told(EventKind::TrialStarted),
    told(EventKind::SubscriptionStarted),
    told(EventKind::SubscriptionRenewed),
    told(EventKind::Test),
    Told {
        kind: EventKind::Transfer,
        usual: None,
    },
];
