//! A message that came in: as it came, decoded, and how far it can be believed.

use crate::{decoded::decoded, text::exact};
use domain::{Event, Store};
use ledger::{InboxMessage, Origin};
use web::{App, problem::Problem};

/// A message, as people read it.
pub(crate) struct MessagePart {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) received_at: String,
    pub(crate) verdict: &'static str,
    /// What the values are from that changed with it.
    pub(crate) from: &'static str,
    pub(crate) decoded: String,
    pub(crate) raw: String,
}

/// Why the message was believed.
fn verdict(origin: Origin) -> &'static str {
    match origin {
        Origin::Store(Store::AppStore) => {
            "Its signatures and the certificates behind them were verified before it was taken in."
        }
        Origin::Store(Store::PlayStore) => {
            "It was pushed by the configured service account; what happened was then asked of Google."
        }
        Origin::Store(Store::Stripe) => {
            "Its signature was verified before it was taken in; what happened was then asked of Stripe."
        }
        Origin::Receipt => "A client sent it in; what was bought is the store's word.",
        Origin::Operation => "Something was done to the customer.",
        Origin::Clock => "Time had passed.",
        Origin::Answer(_) => "It is what the store itself answered when it was asked.",
        Origin::Import | Origin::Store(Store::External | Store::Promotional) => {
            "A key of the project vouches for it."
        }
    }
}

/// What the values are from that changed with a message.
fn from(origin: Origin) -> &'static str {
    match origin {
        Origin::Store(Store::External | Store::Promotional) => "this statement",
        Origin::Store(_) => "this message",
        Origin::Answer(_) => "this answer of the store",
        Origin::Receipt => "this receipt",
        Origin::Import => "this import",
        Origin::Operation => "what was done to the customer",
        Origin::Clock => "the clock",
    }
}

/// The message of an event, if one led to it.
pub(crate) async fn message(app: &App, event: &Event) -> Result<Option<MessagePart>, Problem> {
    let Some(id) = event.cause.inbox else {
        return Ok(None);
    };
    let record = app.engine.ledger().inbox(id).await?;
    Ok(record.map(|record| MessagePart::of(record.message)))
}

impl MessagePart {
    pub(crate) fn of(message: InboxMessage) -> Self {
        Self {
            id: message.id.to_string(),
            verdict: verdict(message.origin),
            from: from(message.origin),
            title: message.title,
            received_at: exact(message.received_at),
            decoded: decoded(&message.body).unwrap_or_default(),
            raw: String::from_utf8_lossy(&message.body).into_owned(),
        }
    }
}
