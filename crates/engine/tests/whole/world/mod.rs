//! A whole engine with a clock, stores and endpoints that act on command.
//!
//! Time passes when a test says so: [`World::pass`] lets everything happen that is due, then moves the clock, and
//! [`World::settled`] lets happen what is due since. Nothing goes on by itself, so a test says what happened, never how long it
//! took. What is about the engine's own tasks has a [running](World::running) world, for which it waits by
//! [`World::until`].

mod chain;
mod clock;
mod endpoints;
mod internet;
mod ledger;
mod project;
mod room;
mod stores;
mod time;
mod witness;

pub(crate) use chain::Chain;
pub(crate) use endpoints::{SILENT, answer};
pub(crate) use project::{AUTHORITY, webhook};

use self::ledger::Files;
use crate::{gate::Gate, memory::MemoryLedger};
use ::ledger::{Configuration, ConfigurationChange, EventFilter, FeedRow, Ledger, Page};
use clock::Clock;
use configuration::{Desired, Means, Vault};
use destinations::Response;
use domain::{AppId, Environment, Event, EventKind, NotSent, ProjectId, Store};
use endpoints::Endpoints;
use engine::{
    Accepted, ActiveIntegration, Engine, IntakeError, Parts, Retention, System, Transport,
    TransportError, rederive::Report,
};
use internet::Internet;
use jiff::Timestamp;
use room::Room;
use serde_json::{Value, json};
use simulator::Stores;
use sources::{Incoming, Web};
use std::sync::{Arc, Mutex};
use witness::Witness;

pub(crate) const DAY: i64 = 86_400;
/// Clients that may wait for what stores answer.
pub(crate) const WAITING: usize = 64;

/// An engine with one project, an app of every store and two webhooks.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) endpoints: Arc<Endpoints>,
    internet: Arc<Internet>,
    pub(crate) stores: Stores,
    pub(crate) project: ProjectId,
    /// That of the App Store, or the only one.
    pub(crate) app: AppId,
    ledger: Arc<dyn Ledger>,
    memory: Option<Arc<MemoryLedger>>,
    is_running: bool,
    room: Mutex<Room>,
    witness: Witness,
    _files: Files,
}

/// What an engine is made of in a world.
fn parts(
    ledger: &Arc<dyn Ledger>,
    clock: &Arc<Clock>,
    endpoints: &Arc<Endpoints>,
    internet: &Arc<Internet>,
) -> Parts {
    Parts {
        ledger: Arc::clone(ledger),
        system: Arc::clone(clock) as Arc<dyn System>,
        transport: Arc::clone(endpoints) as Arc<dyn Transport>,
        web: Arc::clone(internet) as Arc<dyn Web>,
        vault: Vault::with_key([1; 32]),
        public_url: "https://t.example".into(),
        make_source: Box::new(project::source),
        most_waiting: WAITING,
        retention: Retention::DEFAULT,
    }
}

/// A message without headers.
pub(crate) fn incoming(body: &str) -> Incoming<'_> {
    Incoming {
        body: body.as_bytes(),
        authorization: None,
        signature: None,
        url: "https://t.example/callbacks",
    }
}

/// Makes a project what it should be, over an empty ledger.
async fn set_up(ledger: &dyn Ledger, project: &Desired, clock: &Clock) {
    let vault = Vault::with_key([1; 32]);
    let configuration = ledger.configuration().await.unwrap();
    let changes = changes(project, &configuration, &vault, clock);
    let configured = ledger.configure(0, changes, "test", clock.now());
    assert!(configured.await.unwrap());
}

/// What makes a project what it should be.
fn changes(
    desired: &Desired,
    current: &Configuration,
    vault: &Vault,
    clock: &Clock,
) -> Vec<ConfigurationChange> {
    let means = Means {
        current,
        vault,
        public_url: "",
        fresh: &|| clock.uuid(),
    };
    let steps = configuration::plan(desired, &means).unwrap();
    steps.into_iter().filter_map(|step| step.change).collect()
}

impl World {
    /// One whose App Store cannot be asked.
    pub(crate) async fn new() -> Self {
        Self::over(project::told(), false, |ledger| ledger).await
    }

    /// One that does everything by itself, as a server does.
    pub(crate) async fn running() -> Self {
        Self::over(project::told(), true, |ledger| ledger).await
    }

    /// A running one, with a gate before its ledger.
    pub(crate) async fn gated() -> (Self, Arc<Gate>) {
        Self::behind_a_gate(true).await
    }

    /// One that does nothing by itself, with a gate before its ledger.
    pub(crate) async fn gated_and_quiet() -> (Self, Arc<Gate>) {
        Self::behind_a_gate(false).await
    }

    async fn behind_a_gate(is_running: bool) -> (Self, Arc<Gate>) {
        let mut gate = None;
        let world = Self::over(project::told(), is_running, |ledger| {
            let gate = gate.insert(Gate::before(ledger));
            Arc::clone(gate) as Arc<dyn Ledger>
        });
        (world.await, gate.unwrap())
    }

    /// One whose stores all answer.
    pub(crate) async fn with_stores() -> Self {
        Self::with_stores_and(&json!({})).await
    }

    /// The same; what they keep of each sale is known.
    pub(crate) async fn with_selling_stores() -> Self {
        Self::over(project::selling(), false, |ledger| ledger).await
    }

    /// The same, with settings of the project.
    pub(crate) async fn with_stores_and(settings: &Value) -> Self {
        Self::over(project::asking(settings), false, |ledger| ledger).await
    }

    async fn over(
        project: Desired,
        is_running: bool,
        wrap: impl FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
    ) -> Self {
        let clock = Arc::new(Clock::new());
        let (ledger, files) = ledger::ledger(clock.now()).await;
        let ledger = wrap(ledger);
        set_up(&*ledger, &project, &clock).await;
        Self::around((ledger, files), clock, (is_running, project::source)).await
    }

    /// One with an app of one store, which answers: what is told of its purchases is decided about and kept in memory, and nobody hears
    /// of it.
    pub(crate) async fn in_memory(store: Store) -> Self {
        let clock = Arc::new(Clock::passing());
        let memory = Arc::new(MemoryLedger::default());
        let ledger = Arc::clone(&memory) as Arc<dyn Ledger>;
        set_up(&*ledger, &project::of(store), &clock).await;
        let ledger = (ledger, Files::none());
        let world = Self::around(ledger, clock, (false, project::trusting)).await;
        // Customers are too few to use one twice that lasts an hour.
        let year = 365 * DAY;
        world.stores.play.api.give_tokens_for(year);
        Self {
            memory: Some(memory),
            ..world
        }
    }

    /// When something is due next of what waits in memory.
    pub(crate) fn due_next(&self) -> Option<Timestamp> {
        self.memory.as_ref()?.due_next()
    }

    /// One whose ledger an earlier release wrote, up to this moment: a dump of a world with stores.
    pub(crate) async fn of_an_earlier_release(dump: &str, at: Timestamp) -> Self {
        let clock = Arc::new(Clock::new());
        clock.set(at);
        let ledger = ledger::written_earlier(dump);
        Self::around(ledger, clock, (false, project::source)).await
    }

    async fn around(
        (ledger, files): (Arc<dyn Ledger>, Files),
        clock: Arc<Clock>,
        (is_running, make_source): (bool, project::Make),
    ) -> Self {
        let endpoints = Arc::new(Endpoints::new());
        let stores = Stores::new(AUTHORITY.clone(), "com.example").unwrap();
        let internet = Arc::new(Internet::of(&stores, &clock));
        let parts = Parts {
            make_source: Box::new(make_source),
            ..parts(&ledger, &clock, &endpoints, &internet)
        };
        let engine = if is_running {
            Engine::start(parts).await
        } else {
            Engine::quiet(parts).await
        };
        let engine = engine.unwrap();
        let setup = engine.setup();
        let app = setup.apps().find(|app| app.row.store() == Store::AppStore);
        let app = app.or_else(|| setup.apps().next()).unwrap();
        let (project, app) = (app.row.project, app.row.id);
        let room = Room::made(clock.now());
        let world = Self {
            engine,
            clock,
            endpoints,
            internet,
            stores,
            project,
            app,
            ledger,
            memory: None,
            is_running,
            room: Mutex::new(room),
            witness: Witness::default(),
            _files: files,
        };
        world
            .until("the endpoints are verified", || {
                let setup = world.engine.setup();
                let held = |active: &ActiveIntegration| {
                    let mut endpoints = active.endpoints().into_iter();
                    endpoints.any(|endpoint| active.held(endpoint).is_some())
                };
                !setup.integrations().any(held)
            })
            .await;
        world
    }

    /// What is drawn in this world is drawn from this seed: whatever fails in it says so.
    pub(crate) fn is_of(&self, seed: u64) {
        self.witness.is_of(seed);
    }

    /// Another node on the same ledger, which does nothing by itself.
    pub(crate) async fn another_node(&self) -> Engine {
        let parts = parts(&self.ledger, &self.clock, &self.endpoints, &self.internet);
        Engine::quiet(parts).await.unwrap()
    }

    /// The next process on the same ledger, which does everything by itself.
    pub(crate) async fn restarted(&self) -> Engine {
        let parts = parts(&self.ledger, &self.clock, &self.endpoints, &self.internet);
        Engine::start(parts).await.unwrap()
    }

    pub(crate) fn answer_with(
        &self,
        answers: impl Fn(&str, usize) -> Result<Response, TransportError> + Send + Sync + 'static,
    ) {
        *self.endpoints.answers.lock().unwrap() = Box::new(answers);
    }

    /// Holds answers back, or lets them go.
    pub(crate) fn silence(&self, silent: bool) {
        self.endpoints.silent.send_replace(silent);
    }

    /// Saves integrations, as somebody does who configures them.
    pub(crate) async fn save(&self, integrations: Value) {
        self.set_up(json!({ "integrations": integrations })).await;
    }

    /// Saves parts of what the project is set up to be.
    pub(crate) async fn set_up(&self, mut desired: Value) {
        desired["project"] = json!({ "key": "acme" });
        let desired = serde_json::from_value(desired).unwrap();
        let (setup, vault) = (self.engine.setup(), self.engine.vault());
        let changes = changes(&desired, &setup.configuration, vault, &self.clock);
        assert!(
            self.engine
                .configure(&setup, changes, "test")
                .await
                .unwrap()
        );
    }

    /// Why nothing goes to an integration; `None` when something does.
    pub(crate) fn held(&self, key: &str) -> Option<NotSent> {
        let setup = self.engine.setup();
        let mut all = setup.integrations();
        let active = all.find(|active| active.row.key == key);
        active.unwrap().held_everywhere()
    }

    /// Why deliveries to an endpoint of an integration are held; `None` when they are not.
    pub(crate) fn held_at(&self, key: &str, endpoint: Environment) -> Option<NotSent> {
        let setup = self.engine.setup();
        let mut all = setup.integrations();
        let active = all.find(|active| active.row.key == key);
        active.unwrap().held(endpoint)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many messages wait.
    pub(crate) async fn parked(&self) -> usize {
        let ledger = self.engine.ledger();
        let parked = ledger.parked(self.project, None, None, 10_000).await;
        parked.unwrap().len()
    }

    /// The App Store sends a message.
    pub(crate) async fn tell(&self, body: &str) -> Result<Accepted, IntakeError> {
        self.engine.intake().accept(self.app, &incoming(body)).await
    }

    /// Everything recorded so far, in order.
    pub(crate) async fn feed(&self) -> Vec<FeedRow> {
        self.feed_after(0).await
    }

    /// What was recorded after a position, in order.
    pub(crate) async fn feed_after(&self, position: u64) -> Vec<FeedRow> {
        let (all, page) = (EventFilter::default(), Page::After(position, 100_000));
        self.engine.ledger().events(&all, page).await.unwrap()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        self.feed().await.into_iter().map(|row| row.event).collect()
    }

    /// Kinds recorded so far, without access updates.
    pub(crate) async fn kinds(&self) -> Vec<EventKind> {
        kinds(self.events().await)
    }

    /// The same, of one customer.
    pub(crate) async fn kinds_of(&self, who: &str) -> Vec<EventKind> {
        let mut events = self.events().await;
        events.retain(|event| event.customer.answers_to(who));
        kinds(events)
    }

    /// Deliveries that reached an endpoint, by the id that stays the same on retries, with their position in the customer.
    pub(crate) fn received(&self, url: &str) -> Vec<(String, u64)> {
        let sent = self.endpoints.sent.lock().unwrap();
        let of_url = sent.iter().filter(|sent| sent.url.starts_with(url));
        of_url
            .map(|sent| {
                let id = sent.headers.first("webhook-id").unwrap();
                let seq = sent.body["tidings"]["customer_seq"].as_u64();
                (id.to_owned(), seq.unwrap())
            })
            .collect()
    }

    /// Derives everything again from the raw messages.
    pub(crate) async fn rederive(&self, progress: impl FnMut(u64)) -> Report {
        let (scratch, _files) = match &self.memory {
            Some(_) => (
                Arc::new(MemoryLedger::default()) as Arc<dyn Ledger>,
                Files::none(),
            ),
            None => ledger::ledger(self.now()).await,
        };
        engine::rederive::rederive(
            self.engine.ledger(),
            scratch,
            Vault::with_key([1; 32]),
            Box::new(project::source),
            self.project,
            progress,
        )
        .await
        .unwrap()
    }

    /// Deriving everything again gives the same events, and reading every message again adds nothing.
    pub(crate) async fn rederives(&self) {
        assert_eq!(self.engine.read_again().await.unwrap(), 0);
        let report = self.rederive(|_| {}).await;
        assert!(report.messages > 0 && report.events > 0, "{report:?}");
        assert_eq!(report.differences, []);
    }
}

fn kinds(events: Vec<Event>) -> Vec<EventKind> {
    let kinds = events.into_iter().map(|event| event.kind);
    kinds
        .filter(|kind| *kind != EventKind::AccessLevelUpdated)
        .collect()
}
