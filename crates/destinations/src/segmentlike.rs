//! Segment's HTTP Tracking API, which others speak as well. Source: Segment docs, "HTTP Tracking API Source" and "Spec", read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event` of a `track` |
//! | the app's name for the customer | `userId` |
//! | `occurred_at` | `timestamp`, RFC 3339 in milliseconds |
//! | id of the event, as a UUID; with `-i` behind it of the `identify` | `messageId`, by which a repetition is told for a day at least, among all sources of all workspaces |
//! | amount, below zero for a refund | `properties.revenue` with `properties.currency` |
//! | properties, moments in seconds | `properties` |
//! | names, how it stands with the subscription, attributes where they are sent | `traits` of an `identify` in the same request |

use crate::{
    Grant, Request,
    common::{Common, Refunds, Times, Who, number, properties, subscription_status},
    told::{environment, names},
};
use domain::{Event, secret::Secret};
use serde_json::{Map, Value, json};

/// An event and what is known of its customer, in one request.
pub(crate) fn request(url: &str, write_key: &Secret, told: &Told<'_>) -> Request {
    let body = json!({ "batch": [told.track(), told.identify()] });
    Request::json(url, body.to_string().into_bytes())
        .with_basic(write_key.expose(), "")
        .redacting(write_key)
}

/// The same for a source that wants a token: the write key only says which source it is.
pub(crate) fn request_with_grant(
    url: &str,
    write_key: &Secret,
    grant: Grant,
    told: &Told<'_>,
) -> Request {
    let body = json!({ "writeKey": write_key.expose(), "batch": [told.track(), told.identify()] });
    Request::json(url, body.to_string().into_bytes())
        .redacting(write_key)
        .with_grant(grant)
}

/// What is told.
pub(crate) struct Told<'a> {
    /// What the event is called.
    pub(crate) name: &'a str,
    /// The event.
    pub(crate) event: &'a Event,
    /// Its customer.
    pub(crate) who: Who<'a>,
    /// What of them is told.
    pub(crate) common: &'a Common,
}

impl Told<'_> {
    fn track(&self) -> Value {
        let mut told = properties(self.event, self.who, Times::Seconds);
        if let Some(amount) = self.common.amount(self.event, Refunds::Negative) {
            told.insert("revenue".into(), number(amount));
            told.insert("currency".into(), amount.currency.code().into());
        }
        json!({
            "type": "track",
            "event": self.name,
            "userId": self.who.app_user_id(),
            "messageId": self.event.id.uuid().to_string(),
            "timestamp": self.timestamp(),
            "properties": told,
            "context": self.context(),
        })
    }

    fn identify(&self) -> Value {
        let mut traits = Map::new();
        if self.common.sends_attributes() {
            traits.extend(self.who.traits());
        }
        let id = self.who.app_user_id();
        traits.insert("last_seen_app_user_id".into(), id.into());
        traits.insert("aliases".into(), json!(names(&self.event.customer)));
        if let Some(status) = subscription_status(self.event) {
            traits.insert("subscription_status".into(), status.into());
        }
        json!({
            "type": "identify",
            "userId": id,
            "messageId": format!("{}-i", self.event.id.uuid()),
            "timestamp": self.timestamp(),
            "traits": traits,
            "context": self.context(),
        })
    }

    fn timestamp(&self) -> String {
        format!("{:.3}", self.event.occurred_at)
    }

    fn context(&self) -> Value {
        json!({
            "environment": environment(self.event),
            "library": { "name": "tidings" },
        })
    }
}
