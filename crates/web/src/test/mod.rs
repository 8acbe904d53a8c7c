//! A server for tests: everything but the socket.
//!
//! **How it works.** [`TestServer::start`] makes a ledger in a temporary directory, an engine with a clock and ids that are
//! the same in every run, and whatever router it is given; requests are calls. The engine is quiet: nothing happens but what
//! a request or the test does, so bodies and pages can be snapshots. What is due happens when the test says so
//! ([`TestServer::catch_up`]).
//!
//! **What is there.** One project, `acme`, as [`project`] describes it, and one of every kind of caller ([`Who`]). Nobody has
//! bought anything yet: [`TestServer::buys`], or [`TestServer::live`] for a bit of everything.

mod adapters;
mod answer;
mod code;
mod contract;
mod opened;
mod project;
mod transcript;
mod who;
mod witness;

pub use adapters::{Clock, Endpoints};
pub use answer::Answer;
pub use contract::Contract;
pub use opened::Opened;
pub use transcript::Transcript;
pub use who::{Client, Who};
pub use witness::Seen;

use crate::{
    App, Gate,
    access::{Lasting, Sessions},
    followers::Followers,
    readiness::Readiness,
};
use adapters::NoStore;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use configuration::{Desired, Means, Vault};
use destinations::Context;
use domain::{AppId, ProjectId};
use engine::{Accepted, Engine, Parts, System};
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use ledger_sqlite::SqliteLedger;
use serde_json::{Value, json};
use sources::Incoming;
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
    witness: Option<witness::Witness>,
    credentials: BTreeMap<Who, who::Credential>,
    directory: TempDir,
}

impl TestServer {
    /// With the project `acme` and one of every kind of caller.
    pub async fn start(router: impl Fn(App) -> Router + Send + Sync + 'static) -> Self {
        let mut server = Self::empty(router).await;
        server.apply(project::acme()).await;
        server.apply(project::other()).await;
        server.credentials = who::make(&server.app).await;
        server
    }

    /// As it is on the first day: no project, no account, no key.
    pub async fn empty(router: impl Fn(App) -> Router + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(Clock::at(STARTS_AT.parse().unwrap()));
        let endpoints = Arc::new(Endpoints::default());
        let ledger = SqliteLedger::open(directory.path().join(DATABASE)).unwrap();
        let engine = Engine::quiet(Parts {
            ledger: Arc::new(ledger),
            system: Arc::clone(&clock) as Arc<dyn System>,
            transport: Arc::clone(&endpoints) as Arc<dyn engine::Transport>,
            vault: Vault::with_key([1; 32]),
            public_url: PUBLIC_URL.into(),
            web: Arc::new(NoStore),
            make_source: adapters::sources(),
            most_waiting: usize::MAX,
            retention: engine::Retention::DEFAULT,
        })
        .await
        .unwrap();
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
                    context: &Context {
                        public_url: PUBLIC_URL.into(),
                    },
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

    /// Lets time pass. Nothing happens by itself.
    pub fn pass(&self, time: SignedDuration) {
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

    /// Calls as one of the callers there are.
    ///
    /// # Panics
    ///
    /// On an [`TestServer::empty`] server there is only [`Who::Nobody`] and [`Who::WrongKey`].
    pub fn by(&self, who: Who) -> Client<'_> {
        Client::new(self, who.credential(&self.credentials))
    }

    /// Calls as whoever holds this API key.
    pub fn with_key(&self, key: &str) -> Client<'_> {
        Client::new(self, who::Credential::Key(key.to_owned()))
    }

    /// Calls from a browser with this session token.
    pub fn with_session(&self, token: &str) -> Client<'_> {
        Client::new(self, who::Credential::Session(token.to_owned()))
    }

    /// Writes down calls and their answers, first with a secret key that may write.
    pub fn transcript(&self) -> Transcript<'_> {
        Transcript::of(self)
    }

    /// Calls with a secret key that may write.
    pub async fn get(&self, path: &str) -> Answer {
        self.by(Who::WriteKey).get(path).await
    }

    /// Calls with a secret key that may write.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.by(Who::WriteKey).send("POST", path, Some(body)).await
    }

    /// Calls with a secret key that may write.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.by(Who::WriteKey).send("PUT", path, Some(body)).await
    }

    /// Calls with a secret key that may write.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.by(Who::WriteKey).send("PATCH", path, Some(body)).await
    }

    /// Calls with a secret key that may write.
    pub async fn delete(&self, path: &str) -> Answer {
        self.by(Who::WriteKey).send("DELETE", path, None).await
    }

    /// The page as the owner sees it.
    pub async fn page(&self, path: &str) -> Answer {
        self.by(Who::Owner).get(path).await
    }

    /// The owner sends a form of the page.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.by(Who::Owner).form(path, fields).await
    }

    /// Any request.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        self.clock.step();
        let (asked, request) = witness::Asked::of(request).await;
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
        let (asked, request) = witness::Asked::of(request).await;
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

    /// Somebody buys a month of `gold` in the shop, by a statement. Ids of the purchase are made of the name.
    pub async fn buys(&self, customer: &str) {
        let now = self.now();
        let month = SignedDuration::from_hours(30 * 24);
        self.states(json!({
            "app": "shop", "app_user_id": customer, "kind": "subscription", "product_id": "gold",
            "transaction_id": format!("{customer}-1"), "original_transaction_id": format!("{customer}-1"),
            "updated_at": now, "purchased_at": now, "originally_purchased_at": now,
            "expires_at": now.checked_add(month).unwrap(), "will_renew": true,
            "price": { "amount": "9.99", "currency": "EUR" },
        }))
        .await;
    }

    /// The id of an app of `acme`.
    pub fn app_id(&self, key: &str) -> AppId {
        let (project, setup) = (self.project("acme"), self.app.engine.setup());
        let mut apps = setup.apps();
        let found = apps.find(|app| app.row.project == project && app.row.key == key);
        found.unwrap().row.id
    }

    /// States a purchase in one of `acme`'s apps, `app`; see docs/stores.md for what else can be said.
    pub async fn states(&self, mut statement: Value) {
        self.clock.step();
        let key = statement.as_object_mut().unwrap().remove("app").unwrap();
        let app = self.app_id(key.as_str().unwrap());
        let statement = statement.to_string();
        self.app
            .engine
            .intake()
            .take_statement(app, statement.as_bytes())
            .await
            .unwrap();
    }

    /// Google tells of a purchase in `android`. What it is cannot be asked, so the message waits.
    pub async fn parks(&self, token: &str) {
        self.clock.step();
        let notice = json!({
            "version": "1.0", "packageName": "com.example.app", "eventTimeMillis": self.now().as_millisecond().to_string(),
            "subscriptionNotification": { "version": "1.0", "notificationType": 4, "purchaseToken": token },
        });
        let push = json!({ "message": { "messageId": token, "data": BASE64_STANDARD.encode(notice.to_string()) } });
        let push = push.to_string();
        let incoming = Incoming {
            body: push.as_bytes(),
            authorization: None,
            signature: None,
            url: PUBLIC_URL,
        };
        let engine = &self.app.engine;
        let accepted = engine
            .intake()
            .accept(self.app_id("android"), &incoming)
            .await;
        let Ok(Accepted::Pending { id }) = accepted else {
            panic!("{accepted:?} instead of waiting");
        };
        // The store is asked after the answer.
        engine.idle().await;
        let parked = self.ledger().inbox(id).await.unwrap().unwrap().parked;
        let why = parked.unwrap();
        assert!(!why.starts_with("waiting for the answer"), "{why}");
    }

    /// Lets happen what is due now: deliveries with those they release, and what the clock does.
    pub async fn catch_up(&self) {
        self.clock.step();
        self.app.engine.catch_up().await.unwrap();
    }

    /// What a day leaves behind, of everything something: events that `hook` accepted, refused for good and will be sent
    /// again, others that `idle` holds, a purchase that was refunded, one in the sandbox, and messages that wait.
    pub async fn live(&self) {
        let (hook, minutes) = ("https://hook.example", SignedDuration::from_mins(10));
        self.buys("ann").await;
        self.catch_up().await;
        self.pass(minutes);
        self.endpoints.answer(hook, 400);
        self.buys("bob").await;
        self.catch_up().await;
        self.pass(minutes);
        self.endpoints.answer(hook, 200);
        let once = json!({
            "app": "shop", "app_user_id": "cleo", "kind": "one_time_purchase", "environment": "sandbox", "product_id": "silver",
            "transaction_id": "cleo-1", "original_transaction_id": "cleo-1", "updated_at": self.now(), "purchased_at": self.now(),
            "price": { "amount": "49", "currency": "USD" },
        });
        self.states(once.clone()).await;
        self.catch_up().await;
        self.pass(minutes);
        let mut refunded = once;
        refunded["updated_at"] = json!(self.now());
        refunded["refunded_at"] = json!(self.now());
        self.states(refunded).await;
        self.catch_up().await;
        self.pass(minutes);
        self.endpoints.answer(hook, 503);
        self.buys("dan").await;
        self.catch_up().await;
        self.parks("token-1").await;
        self.parks("token-2").await;
    }
}
