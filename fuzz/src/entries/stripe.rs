//! What Stripe sends.

use super::moment::now;
use domain::secret::Secret;
use jiff::SignedDuration;
use sources::{Source, stripe};

/// An app of Stripe, with all that it can be set up for.
pub(super) fn source() -> stripe::Stripe {
    stripe::Stripe::new(stripe::App {
        signing_secrets: vec![Secret::new("whsec_fuzz")],
        tolerance: SignedDuration::from_mins(5),
        api_key: Some(Secret::new("rk_test_fuzz")),
        api_url: stripe::API_URL.into(),
        owner_key: "app_user_id".into(),
        owner_sources: vec![
            stripe::OwnerSource::SubscriptionMetadata,
            stripe::OwnerSource::SessionMetadata,
            stripe::OwnerSource::ClientReferenceId,
            stripe::OwnerSource::CustomerMetadata,
        ],
        past_due_access: false,
        bare_payments: true,
    })
}

/// A `Stripe-Signature` header, and an event.
pub(super) fn stripe(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (header, event) = text.split_once('\n').unwrap_or((&text, ""));
    drop(stripe::verify_signature(
        Some(header),
        event.as_bytes(),
        &[Secret::new("whsec_fuzz")],
        SignedDuration::from_mins(5),
        now(),
    ));
    let source = source();
    drop(source.receive(bytes, now()));
    drop(source.receive(event.as_bytes(), now()));
}
