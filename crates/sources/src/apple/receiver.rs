//! The App Store as a [`Receiver`].

use super::{App, NotificationEnvelope, Rejection, receive};
use crate::{Received, Receiver, Refusal, Verdict};
use jiff::Timestamp;

/// Receives what the App Store sends to one app.
#[derive(Debug)]
pub struct AppReceiver(pub App);

impl Receiver for AppReceiver {
    fn source(&self) -> &'static str {
        "app_store"
    }

    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal> {
        let envelope: NotificationEnvelope =
            serde_json::from_slice(body).map_err(|error| Refusal {
                code: "malformed_payload",
                detail: format!("expected a JSON object with a `signedPayload` string: {error}"),
                verdict: Verdict::Refuse,
            })?;
        let notification = receive(&envelope.signed_payload, &self.0, now)?;
        let title = match &notification.subtype {
            Some(subtype) => format!("{} / {subtype}", notification.kind),
            None => notification.kind,
        };
        Ok(Received {
            key: notification.id,
            title,
            signed_at: notification.signed_at,
            observation: notification.observation,
        })
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let verdict = match rejection {
            Rejection::Unreadable(_) => Verdict::Park,
            _ if rejection.is_retryable() => Verdict::Again,
            _ => Verdict::Refuse,
        };
        Self {
            code: rejection.code(),
            detail: rejection.to_string(),
            verdict,
        }
    }
}
