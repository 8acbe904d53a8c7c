//! What is sent: notifications of first purchases, and what it costs to verify one.

use anyhow::{Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use engine::{System, WallSystem};
use jiff::SignedDuration;
use simulator::{App, Authority, Life, Pace};
use sources::{
    Source,
    apple::{self, AppEnvironment, AppStore, Verifier},
};
use std::{sync::Arc, time::Instant};

/// The app that all are for.
pub(crate) const BUNDLE_ID: &str = "com.example.bench";

/// So many notifications, each of another customer.
pub(crate) fn bodies(authority: &Authority, from: u64, count: u64) -> Result<Vec<Vec<u8>>> {
    let app = App {
        bundle_id: BUNDLE_ID.into(),
        environment: "LocalTesting".into(),
    };
    let pace = Pace {
        day: SignedDuration::from_hours(24),
    };
    let now = WallSystem.now();
    let lives = (from * 2..)
        .map(|number| Life::play(&app, pace, 1, number, now, 1))
        .filter(|life| !life.is_family_shared);
    let count = usize::try_from(count)?;
    lives
        .take(count)
        .map(|life| {
            life.notifications[0]
                .body(authority)
                .map(String::into_bytes)
        })
        .collect()
}

/// Milliseconds of one core to verify and decode a notification: three signatures, chains remembered.
pub(crate) fn verification_ms(authority: &Authority, bodies: &[Vec<u8>]) -> Result<f64> {
    let local = Verifier::with_roots(vec![BASE64_STANDARD.decode(authority.root())?]);
    let receiver = AppStore::new(apple::App {
        bundle_id: BUNDLE_ID.into(),
        app_apple_id: None,
        environments: vec![AppEnvironment::LocalTesting],
        store: Arc::new(Verifier::apple()),
        local: Some(Arc::new(local)),
    });
    let now = WallSystem
        .now()
        .saturating_add(SignedDuration::from_mins(4))?;
    let began = Instant::now();
    for body in bodies {
        if let Err(refusal) = receiver.receive(body, now) {
            bail!("a generated notification is refused: {}", refusal.detail);
        }
    }
    Ok(began.elapsed().as_secs_f64() * 1000.0 / bodies.len() as f64)
}
