//! What an engine is made of, acting on command.

use async_trait::async_trait;
use destinations::{Request, Response};
use domain::{Headers, Store, secret::Secret};
use engine::{MakeSource, Secrets, System, Transport, TransportError};
use guarded::Guarded;
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
    collections::BTreeMap,
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
    passed: AtomicU64,
    drawn: AtomicU64,
    steps: AtomicU64,
}

impl Clock {
    pub(super) fn at(start: Timestamp) -> Self {
        Self {
            micros: AtomicI64::new(start.as_microsecond()),
            passed: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            steps: AtomicU64::new(0),
        }
    }

    pub(super) fn pass(&self, time: SignedDuration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::SeqCst);
        if let Ok(micros) = u64::try_from(micros) {
            self.passed.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Begins another step of a test. What a step draws depends on its number alone, so that one more id in one of them leaves
    /// the snapshots of the others as they are.
    pub(super) fn step(&self) {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        self.drawn.store(mixed(!step), Ordering::SeqCst);
    }
}

/// SplitMix64, by Steele, Lea and Flood, 2014: neighbours look nothing alike, as ids in snapshots should.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl System for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap()
    }

    /// What was let pass: nothing else takes time.
    fn uptime(&self) -> Duration {
        Duration::from_micros(self.passed.load(Ordering::SeqCst))
    }

    fn entropy(&self) -> u64 {
        mixed(
            self.drawn
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst),
        )
    }
}

/// What was sent, in order, and what is answered: 200 and an empty object, unless it is told otherwise.
#[derive(Debug, Default)]
pub struct Endpoints {
    sent: Guarded<Vec<Request>>,
    answers: Guarded<BTreeMap<String, Option<Response>>>,
}

fn answer(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        unread: None,
        body: body.to_vec(),
    }
}

impl Endpoints {
    /// Every request so far.
    pub fn sent(&self) -> Vec<Request> {
        self.sent.lock().clone()
    }

    /// Answers with this status from now on where a URL begins like this.
    pub fn answer(&self, url: &str, status: u16) {
        let body: &[u8] = if status == 200 {
            b"{}"
        } else {
            br#"{"error":"not today"}"#
        };
        self.answer_with(url, answer(status, body));
    }

    /// Redirects from now on, with this status, where a URL begins like this.
    pub fn redirect(&self, url: &str, status: u16, to: &str) {
        let headers = [("location", to)].into_iter().collect();
        let answer = answer(status, b"");
        self.answer_with(url, Response { headers, ..answer });
    }

    /// Answers 200 from now on where a URL begins like this, with a body of which something is wrong.
    pub fn break_off(&self, url: &str, unread: &str) {
        let unread = Some(unread.to_owned());
        let answer = answer(200, b"{");
        self.answer_with(url, Response { unread, ..answer });
    }

    fn answer_with(&self, url: &str, answer: Response) {
        self.answers.lock().insert(url.to_owned(), Some(answer));
    }

    /// Lets nobody in any more where a URL begins like this.
    pub fn shut(&self, url: &str) {
        self.answers.lock().insert(url.to_owned(), None);
    }
}

#[async_trait]
impl Transport for Endpoints {
    async fn send(&self, request: &Request, _: Duration) -> Result<Response, TransportError> {
        self.sent.lock().push(request.clone());
        let answers = self.answers.lock();
        let told = answers
            .iter()
            .find(|(url, _)| request.url.starts_with(url.as_str()));
        match told {
            Some((_, None)) => Err(TransportError::Network("connection refused".into())),
            Some((_, Some(told))) => Ok(told.clone()),
            None => Ok(answer(200, b"{}")),
        }
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
