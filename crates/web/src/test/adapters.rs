//! What an engine is made of, acting on command.

use async_trait::async_trait;
use destinations::{Request, Response};
use domain::{Store, secret::Secret};
use engine::{Guarded, MakeSource, Secrets, System, Transport, TransportError};
use jiff::{SignedDuration, Timestamp};
use ledger::AppSettings;
use sources::{
    Call, Reply, Source, Web,
    apple::{self, AppEnvironment, AppStore, Verifier},
    google::{self, GooglePlay, PushAccess},
    stated::Stated,
    stripe::{self, OwnerSource, Stripe},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A clock that moves when told to, and a random source that draws the same in every run.
#[derive(Debug)]
pub struct Clock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl Clock {
    pub(super) fn at(start: Timestamp) -> Self {
        Self {
            micros: AtomicI64::new(start.as_microsecond()),
            drawn: AtomicU64::new(1),
        }
    }

    pub(super) fn pass(&self, time: SignedDuration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl System for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap()
    }

    /// SplitMix64, by Steele, Lea and Flood, 2014: neighbours look nothing alike, as ids in snapshots should.
    fn entropy(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self
            .drawn
            .fetch_add(step, Ordering::SeqCst)
            .wrapping_add(step);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What was sent, in order, and what is answered: 200, unless it is told otherwise.
#[derive(Debug, Default)]
pub struct Endpoints {
    sent: Guarded<Vec<Request>>,
    status: Guarded<Option<u16>>,
}

impl Endpoints {
    /// Every request so far.
    pub fn sent(&self) -> Vec<Request> {
        self.sent.lock().clone()
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        *self.status.lock() = Some(status);
    }
}

#[async_trait]
impl Transport for Endpoints {
    async fn send(&self, request: &Request, _: Duration) -> Result<Response, TransportError> {
        self.sent.lock().push(request.clone());
        Ok(Response {
            status: self.status.lock().unwrap_or(200),
            retry_after: None,
            body: b"{}".to_vec(),
        })
    }
}

/// No store can be asked.
pub(super) struct NoStore;

#[async_trait]
impl Web for NoStore {
    async fn call(&self, _: &Call) -> Result<Reply, String> {
        Err("there is no network here".into())
    }
}

/// Sources of every store, none of which can ask: what has to be asked for waits.
pub(super) fn sources() -> MakeSource {
    Box::new(|app: &ledger::App, secrets: &Secrets| {
        Ok(match &app.settings {
            AppSettings::AppStore(settings) => Arc::new(AppStore::new(apple::App {
                bundle_id: settings.bundle_id.clone(),
                app_apple_id: settings.app_apple_id,
                environments: vec![AppEnvironment::Production, AppEnvironment::Sandbox],
                store: Arc::new(Verifier::apple()),
                local: None,
            })) as Arc<dyn Source>,
            AppSettings::PlayStore(settings) => Arc::new(GooglePlay::new(google::App {
                package: settings.package.clone(),
                push: if settings.push_unauthenticated {
                    PushAccess::Anyone
                } else {
                    PushAccess::Nobody
                },
                credentials: None,
                api_url: google::API_URL.into(),
                acknowledge: settings.acknowledge,
            })),
            AppSettings::Stripe(settings) => Arc::new(Stripe::new(stripe::App {
                signing_secrets: secrets["signing_secrets"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|secret| secret.as_str().map(Secret::new))
                    .collect(),
                tolerance: SignedDuration::from_secs(settings.tolerance_seconds.into()),
                api_key: None,
                api_url: stripe::API_URL.into(),
                owner_key: settings.owner_key.clone(),
                owner_sources: vec![OwnerSource::SubscriptionMetadata],
                past_due_access: settings.past_due_access,
                bare_payments: settings.bare_payments,
            })),
            AppSettings::External(_) => Arc::new(Stated::new(Store::External)),
            AppSettings::Promotional => Arc::new(Stated::new(Store::Promotional)),
        })
    })
}
