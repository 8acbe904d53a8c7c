//! The server itself: what it is made of, how it is called, and how time passes for it.

use super::{
    adapters::{self, Clock, Endpoints, NoStore},
    answer::{self, Answer},
    opened::Opened,
    project,
    who::{self, Credential, Who},
    witness::{Asked, Seen, Witness},
};
use crate::{
    App, Gate,
    access::{Lasting, Sessions},
    followers::Followers,
    readiness::Readiness,
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use configuration::{Desired, Means, Vault};
use domain::ProjectId;
use engine::{Engine, Parts, System};
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use ledger_sqlite::SqliteLedger;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tower::ServiceExt;

/// Where the server believes to be.
pub const PUBLIC_URL: &str = "https://tidings.example";
/// When it starts: Thursday, 1 January 2026, noon UTC.
pub const STARTS_AT: &str = "2026-01-01T12:00:00Z";

const DATABASE: &str = "tidings.db";

/// A server without a socket. Everything it keeps goes with it.
pub struct TestServer {
    /// What handlers share.
    pub app: App,
    /// Moved by hand.
    pub clock: Arc<Clock>,
    /// What was sent to destinations, and what they answer.
    pub endpoints: Arc<Endpoints>,
    router: Router,
    routes: Box<dyn Fn(App) -> Router + Send + Sync>,
    witness: Option<Witness>,
    pub(super) credentials: BTreeMap<Who, Credential>,
    directory: TempDir,
}

impl TestServer {
    /// With the project `acme` and one of every kind of caller.
    pub async fn start(router: impl Fn(App) -> Router + Send + Sync + 'static) -> Self {
        Self::start_as(project::acme(), router, |parts| parts).await
    }

    /// The same with another `acme`, which has an app `android`, and with an engine of other parts: of stores that answer, say.
    pub async fn start_as(
        acme: Desired,
        router: impl Fn(App) -> Router + Send + Sync + 'static,
        with: impl FnOnce(Parts) -> Parts,
    ) -> Self {
        let mut server = Self::over(router, with).await;
        server.apply(acme).await;
        server.apply(project::other()).await;
        server.credentials = who::make(&server.app).await;
        server
    }

    /// As it is on the first day: no project, no account, no key.
    pub async fn empty(router: impl Fn(App) -> Router + Send + Sync + 'static) -> Self {
        Self::over(router, |parts| parts).await
    }

    async fn over(
        router: impl Fn(App) -> Router + Send + Sync + 'static,
        with: impl FnOnce(Parts) -> Parts,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(Clock::at(STARTS_AT.parse().unwrap()));
        let endpoints = Arc::new(Endpoints::default());
        let ledger = SqliteLedger::open(directory.path().join(DATABASE)).unwrap();
        let parts = Parts {
            ledger: Arc::new(ledger),
            system: Arc::clone(&clock) as Arc<dyn System>,
            transport: Arc::clone(&endpoints) as Arc<dyn engine::Transport>,
            vault: Vault::with_key([1; 32]),
            public_url: PUBLIC_URL.into(),
            web: Arc::new(NoStore),
            make_source: adapters::sources(),
            most_waiting: usize::MAX,
            retention: engine::Retention::DEFAULT,
        };
        let engine = Engine::quiet(with(parts)).await.unwrap();
        let app = App {
            engine,
            sessions: Arc::new(Sessions::default()),
            followers: Followers::at_most(100),
            readiness: Arc::new(Readiness::default()),
            has_operations: false,
            gate: Arc::new(Gate::default()),
            metrics: None,
        };
        Self {
            router: router(app.clone()),
            routes: Box::new(router),
            witness: None,
            app,
            clock,
            endpoints,
            credentials: BTreeMap::new(),
            directory,
        }
    }

    /// Configures a project. Integrations are verified at once: no endpoint is asked.
    pub async fn apply(&self, desired: Desired) {
        self.clock.step();
        let engine = &self.app.engine;
        let steps = {
            let setup = engine.setup();
            let fresh = || engine.system().uuid();
            configuration::plan(
                &desired,
                &Means {
                    current: &setup.configuration,
                    vault: engine.vault(),
                    public_url: PUBLIC_URL,
                    fresh: &fresh,
                },
            )
            .unwrap()
        };
        let mut changes: Vec<_> = steps.into_iter().filter_map(|step| step.change).collect();
        for change in &mut changes {
            if let ledger::ConfigurationChange::PutIntegration(integration) = change {
                integration.verification = ledger::Verification::Passed.into();
            }
        }
        let setup = engine.setup();
        assert!(engine.configure(&setup, changes, "test").await.unwrap());
    }

    /// Now, for the server.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Another gate, with nothing counted yet.
    pub fn gate(&mut self, gate: Gate) {
        self.app.gate = Arc::new(gate);
        self.router = (self.routes)(self.app.clone());
    }

    /// Sessions that last otherwise.
    pub fn lasting(&mut self, lasting: Lasting) {
        self.app.sessions = Arc::new(Sessions::new(lasting));
        self.router = (self.routes)(self.app.clone());
    }

    /// Lets time pass, once nothing is under way: no time passes during an attempt, whose lease would end, nor while a store is asked. What is
    /// due then happens when [`TestServer::catch_up`] says so.
    pub async fn pass(&self, time: SignedDuration) {
        self.app.engine.idle().await;
        self.clock.pass(time);
    }

    /// The file of the storage.
    pub fn database(&self) -> PathBuf {
        self.directory.path().join(DATABASE)
    }

    /// The storage.
    pub fn ledger(&self) -> &dyn Ledger {
        self.app.engine.ledger()
    }

    /// The id of a project.
    pub fn project(&self, key: &str) -> ProjectId {
        let setup = self.app.engine.setup();
        setup.find_project(key).unwrap().row.id
    }

    /// Shows every call from now on, and what was answered.
    #[must_use]
    pub fn seen_by(mut self, witness: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        self.witness = Some(Box::new(witness));
        self
    }

    fn witnessed(&self, asked: &Asked, answer: &Answer) {
        if let Some(witness) = &self.witness {
            witness(asked.answered(answer));
        }
    }

    /// Any request.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        self.clock.step();
        let (asked, request) = Asked::of(request).await;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let answer = Answer::read(response).await;
        self.witnessed(&asked, &answer);
        answer
    }

    /// Opens a stream.
    pub async fn open(&self, request: Request<Body>) -> Opened {
        self.clock.step();
        let Ok(response) = self.router.clone().oneshot(request).await;
        Opened::of(response)
    }

    /// The first messages of a stream, as they come, without waiting for its end.
    pub async fn first_of(&self, request: Request<Body>, count: usize) -> Vec<String> {
        self.clock.step();
        let (asked, request) = Asked::of(request).await;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (head, body) = response.into_parts();
        assert_eq!(head.status, StatusCode::OK);
        let messages = answer::messages(body, count).await;
        for message in &messages {
            let data = message.lines().find_map(|line| line.strip_prefix("data: "));
            let answer = Answer {
                status: head.status,
                headers: head.headers.clone(),
                body: data.unwrap_or_default().to_owned().into(),
            };
            self.witnessed(&asked, &answer);
        }
        messages
    }

    /// Lets happen what is due now: deliveries with those they release, and what the clock does.
    pub async fn catch_up(&self) {
        self.clock.step();
        self.app.engine.catch_up().await.unwrap();
    }
}
