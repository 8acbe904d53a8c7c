//! The Standard Webhooks envelope around the whole canonical event: webhooks of format `standard`, and streams.
//!
//! `type` is the event's kind, `timestamp` when it happened, `data` the event as the API tells it. Source: the Standard
//! Webhooks specification 1.0, "Payload structure".

use crate::Unsendable;
use domain::Event;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    timestamp: Timestamp,
    data: &'a Event,
}

/// The body of one message.
pub(crate) fn render(name: &str, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope {
        name,
        timestamp: event.occurred_at,
        data: event,
    })
}

/// The same as text, for who carries it in a member of something else.
pub(crate) fn text(name: &str, event: &Event) -> Result<String, Unsendable> {
    let body = render(name, event).map_err(|error| Unsendable::unsupported(error.to_string()))?;
    String::from_utf8(body).map_err(|error| Unsendable::unsupported(error.to_string()))
}
