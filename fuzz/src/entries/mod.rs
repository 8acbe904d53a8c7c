//! One function for each parser of outside bytes. None may panic, whatever it is given; what that means is for tests beside the
//! parsers. Signatures keep a fuzzer out, so what lies behind one is signed here. What a store says of a purchase is taken in as
//! well: absorbed, derived and compared.

mod answer;
mod apple;
mod google;
mod life;
mod ocsp;

use configuration::{Desired, Means, Vault};
use domain::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use sources::{Source, stripe};

/// Takes whatever it is given.
pub type Parser = fn(&[u8]);

/// Parsers by the name of their target.
pub const ALL: [(&str, Parser); 9] = [
    ("answer", answer::answer),
    ("body", body),
    ("jws", apple::jws),
    ("missed", answer::missed),
    ("ocsp", ocsp::ocsp),
    ("project", project),
    ("push", google::push),
    ("receipt", apple::receipt),
    ("stripe", stripe),
];

fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}

fn stripe_source() -> stripe::Stripe {
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
fn stripe(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (header, event) = text.split_once('\n').unwrap_or((&text, ""));
    drop(stripe::verify_signature(
        Some(header),
        event.as_bytes(),
        &[Secret::new("whsec_fuzz")],
        SignedDuration::from_mins(5),
        now(),
    ));
    let source = stripe_source();
    drop(source.receive(bytes, now()));
    drop(source.receive(event.as_bytes(), now()));
}

/// A body that a client SDK sends under `/v1`.
fn body(bytes: &[u8]) {
    api::read_client_body(bytes);
}

/// A project file.
fn project(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(desired) = toml::from_str::<Desired>(text) else {
        return;
    };
    let means = Means {
        current: &ledger::Configuration::default(),
        vault: &Vault::with_key([1; 32]),
        context: &destinations::Context::default(),
        fresh: &uuid::Uuid::nil,
    };
    drop(configuration::plan(&desired, &means));
}
