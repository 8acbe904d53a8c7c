//! The App Store as a [`Receiver`].

use super::{App, NotificationEnvelope, Rejection, receive};
use crate::{Received, Receiver, Refusal, Verdict};
use jiff::Timestamp;

/// Receives what the App Store sends to one app.
#[derive(Debug)]
pub struct AppReceiver {
    app: App,
    check_revocation: bool,
}

impl AppReceiver {
    /// Receives for an app, without asking whether signing certificates were revoked.
    pub const fn new(app: App) -> Self {
        Self {
            app,
            check_revocation: false,
        }
    }

    /// Asks as well, before a message is believed.
    #[must_use]
    pub fn checking_revocation(mut self, check_revocation: bool) -> Self {
        self.check_revocation = check_revocation;
        self
    }
}

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
        let notification = receive(&envelope.signed_payload, &self.app, now)?;
        let title = match &notification.subtype {
            Some(subtype) => format!("{} / {subtype}", notification.kind),
            None => notification.kind,
        };
        let revocation = if self.check_revocation {
            notification.chain.revocation_checks()
        } else {
            Vec::new()
        };
        Ok(Received {
            revocation,
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
