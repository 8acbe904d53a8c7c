//! What is known at the moment of sending, beside the event.

use jiff::Timestamp;
use std::collections::BTreeMap;

/// What a destination may have to say of the app that an event comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppFacts {
    /// Bundle id of an App Store app, package name of a Play app.
    pub bundle: Option<String>,
    /// The number that the App Store knows the app by.
    pub store_id: Option<String>,
}

impl AppFacts {
    /// Of an app that says nothing.
    pub const UNKNOWN: &'static Self = &Self {
        bundle: None,
        store_id: None,
    };
}

/// What is known at the moment of sending. The same event, settings and `Now` give the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// The moment.
    pub at: Timestamp,
    /// The customer's attributes as they are now, which may be more than there were when the event was recorded.
    pub attributes: &'a BTreeMap<String, String>,
    /// The app that the event comes from.
    pub app: &'a AppFacts,
}

impl<'a> Now<'a> {
    /// What is known when nobody has looked again: the attributes as they were when the event was recorded.
    pub fn of(event: &'a domain::Event, at: Timestamp, app: &'a AppFacts) -> Self {
        Self {
            at,
            attributes: &event.customer.attributes,
            app,
        }
    }
}
