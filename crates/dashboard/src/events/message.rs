//! The message that an event came from: as it came, decoded, and how far it can be believed.

use super::decoded::decoded;
use crate::text::exact;
use domain::Event;
use web::{App, problem::Problem};

/// A message, as people read it.
pub(crate) struct MessagePart {
    pub(crate) title: String,
    pub(crate) received_at: String,
    pub(crate) verdict: &'static str,
    pub(crate) decoded: String,
    pub(crate) raw: String,
}

/// Why the message was believed.
fn verdict(source: &str) -> &'static str {
    match source {
        "app_store" => {
            "Its signatures and the certificates behind them were verified before it was taken in."
        }
        "play_store" => {
            "It was pushed by the configured service account; what happened was then asked of Google."
        }
        "stripe" => {
            "Its signature was verified before it was taken in; what happened was then asked of Stripe."
        }
        "receipt" => "A client sent it in; what was bought is the store's word.",
        "customer" => "Something was done to the customer.",
        source if source.ends_with("/answer") => {
            "It is what the store itself answered when it was asked."
        }
        _ => "A key of the project vouches for it.",
    }
}

/// The message of an event, if one led to it.
pub(crate) async fn message(app: &App, event: &Event) -> Result<Option<MessagePart>, Problem> {
    let Some(id) = event.cause.inbox else {
        return Ok(None);
    };
    let record = app.engine.ledger().inbox(id).await?;
    Ok(record.map(|record| {
        let message = record.message;
        MessagePart {
            verdict: verdict(&message.source),
            title: message.title,
            received_at: exact(message.received_at),
            decoded: decoded(&message.body).unwrap_or_default(),
            raw: String::from_utf8_lossy(&message.body).into_owned(),
        }
    }))
}
