//! What is known of a customer and of an app at the moment of an attempt.

use crate::setup::Setup;
use destinations::Now;
use domain::{Event, EventKind};
use jiff::{SignedDuration, Timestamp};
use ledger::Lease;
use std::{collections::BTreeMap, sync::Arc};

/// How long after an event was recorded its customer is as the event tells.
const FRESH: SignedDuration = SignedDuration::from_secs(2);

/// What is known at the moment of an attempt.
pub(super) struct Known {
    at: Timestamp,
    setup: Arc<Setup>,
    /// The customer's attributes as they are now, where somebody looked.
    pub(super) attributes: Option<BTreeMap<String, String>>,
}

impl Known {
    /// What is known when nobody has looked again.
    pub(super) const fn of(setup: Arc<Setup>, at: Timestamp) -> Self {
        Self {
            at,
            setup,
            attributes: None,
        }
    }

    /// The same, for whoever renders.
    pub(super) fn now<'a>(&'a self, event: &'a Event) -> Now<'a> {
        let now = Now::of(event, self.at, self.setup.facts(event));
        match &self.attributes {
            Some(attributes) => Now { attributes, ..now },
            None => now,
        }
    }
}

impl Known {
    /// Which attributes were used that the event does not tell, or tells otherwise, in words; nothing where there are none.
    pub(super) fn news(&self, event: &Event) -> String {
        let told = &event.customer.attributes;
        let now = self.attributes.iter().flatten();
        let news: Vec<_> = now
            .filter(|(name, value)| told.get(*name) != Some(value))
            .map(|(name, _)| name.as_str())
            .collect();
        if news.is_empty() {
            return String::new();
        }
        format!(
            "the customer's attributes were read again, and differ from the event's in {}",
            news.join(", ")
        )
    }
}

/// Whether a customer may have other attributes by `at` than when the event was recorded.
pub(super) fn may_have_changed(lease: &Lease, at: Timestamp) -> bool {
    let age = lease.event.recorded_at.duration_until(at);
    lease.attempts > 0 || age > FRESH
}

/// Whether the ledger may know more of the customer than the event does: nobody is behind a test, and of one who was forgotten nothing is known.
pub(super) fn is_known(event: &Event) -> bool {
    event.kind != EventKind::Test && !event.customer.is_forgotten()
}
