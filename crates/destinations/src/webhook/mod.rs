//! Webhook in three formats. Source: Adapty docs, "Webhook integration" and "Webhook event types and fields";
//! RevenueCat docs, "Webhooks" and "Event Types and Fields"; the Standard Webhooks specification.
//!
//! One URL per environment, each with its own verbatim `Authorization` value. Every request carries the Standard Webhooks
//! headers, signed with every active secret, so that secrets rotate without a gap.
//!
//! | | `adapty` | `revenuecat` | `standard` |
//! |---|---|---|---|
//! | before anything is delivered | handshake | - | - |
//! | success | 200 to 399 | 200 | 200 to 299 |
//! | refuses the credentials, which holds it | 401, 403 | 401, 403 | 401, 403 |
//! | final | 400, 402, 404 | - | 410, which also holds it |
//! | waits for an answer | 10 s | 60 s | 15 s |

mod adapty;
mod endpoint;
mod format;
mod handshake;
mod options;
mod ready;
mod settings;
mod signature;
mod state;

pub use format::{FORMATS, Payload, payloads};
pub use signature::{check_secret, secret_from, signature};

use crate::{Configured, Context, Destination, Invalid, Spec};
use ready::Ready;
use settings::{SPEC, Settings};

/// The entry in [`crate::ALL`].
pub struct Webhook;

impl Destination for Webhook {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &serde_json::Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        // serde cannot refuse unknown fields next to flattened ones; the field list of SPEC can.
        let known = |name: &str| SPEC.fields.iter().any(|field| field.name == name);
        let unknown: Vec<_> = settings
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
            .filter(|name| !known(name))
            .map(|name| Invalid::new(name, "is not a setting of the webhook"))
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let mut settings: Settings = crate::parse(settings)?;
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let policy = settings.retry.take();
        Ok(Box::new(Ready {
            retry: policy.unwrap_or_else(|| settings.format.policy()),
            settings,
        }))
    }
}
