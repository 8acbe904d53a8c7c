//! A whole engine with a clock, a store and endpoints that act on command.

use crate::gate::Gate;
use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use configuration::{Desired, Means, Vault};
use destinations::{Context, Request, Response};
use domain::{AppId, Event, EventKind, NotSent};
use engine::{
    Accepted, Engine, IntakeError, MakeSource, Parts, Secrets, System, Transport, TransportError,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{AppSettings, Configuration, ConfigurationChange, EventFilter, FeedRow, Ledger, Page};
use serde_json::{Value, json};
use simulator::Authority;
use sources::{
    Call, Incoming, Reply, Source, Web,
    apple::{App, AppEnvironment, AppStore, Verifier},
};
use std::{
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

pub(crate) const DAY: i64 = 86_400;
static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::create().unwrap());
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A clock that moves when told to.
pub(crate) struct Clock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl System for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap()
    }
    fn entropy(&self) -> u64 {
        self.drawn
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)
    }
}

type Answers = Box<dyn Fn(&str, usize) -> Result<Response, TransportError> + Send + Sync>;

/// URL, body and headers.
type Sent = (String, Value, Vec<(String, String)>);

/// Where an endpoint begins that never answers the question whose it is.
pub(crate) const SILENT: &str = "https://silent.example/";

/// What was sent, and what is answered.
pub(crate) struct Endpoints {
    pub(crate) sent: Mutex<Vec<Sent>>,
    answers: Mutex<Answers>,
    /// URLs that were asked whose they are.
    pub(crate) handshakes: Mutex<Vec<String>>,
    /// Whether answers are held back.
    silent: watch::Sender<bool>,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "stands beside answers that are errors"
)]
pub(crate) fn answer(status: u16, body: &str) -> Result<Response, TransportError> {
    Ok(Response {
        status,
        retry_after: None,
        body: body.as_bytes().to_vec(),
    })
}

#[async_trait]
impl Transport for Endpoints {
    async fn send(&self, request: &Request, _: Duration) -> Result<Response, TransportError> {
        if request.body == b"{}" {
            self.handshakes.lock().unwrap().push(request.url.clone());
            if request.url.starts_with(SILENT) {
                return std::future::pending().await;
            }
            return answer(200, "{}");
        }
        let body = serde_json::from_slice(&request.body).unwrap();
        let headers = request
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), header.value.clone()))
            .collect();
        let count = {
            let mut sent = self.sent.lock().unwrap();
            sent.push((request.url.clone(), body, headers));
            sent.len()
        };
        let mut silent = self.silent.subscribe();
        silent.wait_for(|silent| !*silent).await.unwrap();
        (self.answers.lock().unwrap())(&request.url, count)
    }
}

/// An engine with one project, one app and two webhooks.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) app: AppId,
}

fn make_source() -> MakeSource {
    Box::new(|app: &ledger::App, _: &Secrets| {
        let root = BASE64_STANDARD
            .decode(AUTHORITY.root())
            .map_err(|error| error.to_string())?;
        let AppSettings::AppStore(settings) = &app.settings else {
            return Err("this world has App Store apps only".into());
        };
        Ok(Arc::new(AppStore::new(App {
            bundle_id: settings.bundle_id.clone(),
            app_apple_id: None,
            environments: vec![AppEnvironment::LocalTesting],
            store: Arc::new(Verifier::apple()),
            local: Some(Arc::new(Verifier::with_roots(vec![root]))),
        })) as Arc<dyn Source>)
    })
}

/// No store can be asked.
struct NoStore;

#[async_trait]
impl Web for NoStore {
    async fn call(&self, _: &Call) -> Result<Reply, String> {
        Err("there is no network here".into())
    }
}

/// A webhook that shows whose it is before anything is delivered to it.
pub(crate) fn webhook(url: &str) -> Value {
    json!({ "destination": "webhook", "settings": { "sandbox_url": url } })
}

fn project() -> Desired {
    serde_json::from_value(json!({
        "project": { "key": "acme" },
        "entitlements": { "premium": {} },
        "products": { "monthly": { "entitlements": ["premium"] }, "yearly": { "entitlements": ["premium"] }, "unmapped": {} },
        "apps": { "ios": { "store": "app_store", "bundle_id": "com.example", "environments": ["local_testing"], "local_roots": [AUTHORITY.root()] } },
        "integrations": { "a": webhook("https://a.example/"), "b": webhook("https://b.example/") },
    }))
    .unwrap()
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
        context: &Context::default(),
        fresh: &|| clock.uuid(),
    };
    let steps = configuration::plan(desired, &means).unwrap();
    steps.into_iter().filter_map(|step| step.change).collect()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::over(|ledger| ledger).await
    }

    /// With a gate before its ledger.
    pub(crate) async fn gated() -> (Self, Arc<Gate>) {
        let mut gate = None;
        let world = Self::over(|ledger| {
            let gate = gate.insert(Gate::before(ledger));
            Arc::clone(gate) as Arc<dyn Ledger>
        });
        (world.await, gate.unwrap())
    }

    async fn over(wrap: impl FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let clock = Arc::new(Clock {
            micros: AtomicI64::new(1_767_225_600_000_000),
            drawn: AtomicU64::new(number),
        });
        let ledger = wrap(crate::support::ledger(clock.now()).await);
        let vault = Vault::with_key([1; 32]);
        let configuration = ledger.configuration().await.unwrap();
        let changes = changes(&project(), &configuration, &vault, &clock);
        assert!(
            ledger
                .configure(0, changes, "test", clock.now())
                .await
                .unwrap()
        );
        let endpoints = Arc::new(Endpoints {
            sent: Mutex::default(),
            answers: Mutex::new(Box::new(|_, _| answer(200, "{}"))),
            handshakes: Mutex::default(),
            silent: watch::Sender::new(false),
        });
        let parts = Parts {
            ledger,
            system: Arc::clone(&clock) as Arc<dyn System>,
            transport: Arc::clone(&endpoints) as Arc<dyn Transport>,
            vault,
            public_url: "https://t.example".into(),
            web: Arc::new(NoStore),
            make_source: make_source(),
        };
        let engine = Engine::start(parts).await.unwrap();
        let app = engine.setup().configuration.apps[0].id;
        let world = Self {
            engine,
            clock,
            endpoints,
            app,
        };
        world
            .until("the endpoints are verified", || {
                world
                    .engine
                    .setup()
                    .integrations()
                    .all(|active| active.held().is_none())
            })
            .await;
        world
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
        let desired = json!({ "project": { "key": "acme" }, "integrations": integrations });
        let desired = serde_json::from_value(desired).unwrap();
        let (setup, vault) = (self.engine.setup(), self.engine.vault());
        let changes = changes(&desired, &setup.configuration, vault, &self.clock);
        assert!(self.engine.configure(changes, "test").await.unwrap());
    }

    /// Why deliveries to an integration are held; `None` when they are not.
    pub(crate) fn held(&self, key: &str) -> Option<NotSent> {
        let setup = self.engine.setup();
        let mut all = setup.integrations();
        all.find(|active| active.row.key == key).unwrap().held()
    }

    /// Moves the clock, once nothing is under way: time that passed during an attempt would end its lease, and it would be made twice.
    pub(crate) async fn pass(&self, seconds: i64) {
        self.until("nothing is under way", || {
            let lanes = self.engine.dispatch().lanes();
            lanes.iter().all(|(_, lane)| lane.held == 0)
        })
        .await;
        self.clock
            .micros
            .fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until something holds; fails loudly when it never does.
    pub(crate) async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        for _ in 0..1500 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never: {what}");
    }

    /// Waits until every delivery is sent and its outcome is recorded.
    pub(crate) async fn settled(&self) {
        for _ in 0..1500 {
            if self.engine.ledger().backlog().await.unwrap().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("deliveries never settle");
    }

    pub(crate) async fn tell(&self, body: &str) -> Result<Accepted, IntakeError> {
        self.engine.intake().accept(self.app, &incoming(body)).await
    }

    /// Everything recorded so far, in order.
    pub(crate) async fn feed(&self) -> Vec<FeedRow> {
        self.engine
            .ledger()
            .events(&EventFilter::default(), Page::After(0, 100_000))
            .await
            .unwrap()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        self.feed().await.into_iter().map(|row| row.event).collect()
    }

    /// Kinds recorded so far, without access updates.
    pub(crate) async fn kinds(&self) -> Vec<EventKind> {
        self.events()
            .await
            .iter()
            .map(|event| event.kind)
            .filter(|kind| *kind != EventKind::AccessLevelUpdated)
            .collect()
    }

    /// Deliveries that reached an endpoint, by the id that stays the same on retries, with their position in the customer.
    pub(crate) fn received(&self, url: &str) -> Vec<(String, u64)> {
        let sent = self.endpoints.sent.lock().unwrap();
        let of_url = sent.iter().filter(|(to, ..)| to.starts_with(url));
        of_url
            .map(|(_, body, headers)| {
                (
                    headers
                        .iter()
                        .find(|(name, _)| name == "webhook-id")
                        .unwrap()
                        .1
                        .clone(),
                    body["tidings"]["customer_seq"].as_u64().unwrap(),
                )
            })
            .collect()
    }
}

/// One purchase chain as the store sees it.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) transaction: Value,
    pub(crate) renewal: Value,
    pub(crate) status: u8,
    next: u64,
    messages: u64,
}

impl Chain {
    /// A first purchase at `now` for 30 days.
    pub(crate) fn purchase(id: u64, product: &str, token: Option<&str>, now: Timestamp) -> Self {
        let at = now.as_millisecond();
        let mut transaction = json!({
            "transactionId": id.to_string(), "originalTransactionId": id.to_string(), "bundleId": "com.example", "productId": product, "purchaseDate": at,
            "originalPurchaseDate": at, "expiresDate": at + 30 * DAY * 1000, "quantity": 1, "type": "Auto-Renewable Subscription", "inAppOwnershipType": "PURCHASED",
            "environment": "LocalTesting", "transactionReason": "PURCHASE", "storefront": "USA", "price": 9990, "currency": "USD",
        });
        if let Some(token) = token {
            transaction["appAccountToken"] = token.into();
        }
        let renewal = json!({ "originalTransactionId": id.to_string(), "productId": product, "autoRenewProductId": product, "autoRenewStatus": 1, "environment": "LocalTesting" });
        Self {
            transaction,
            renewal,
            status: 1,
            next: id + 1,
            messages: 0,
        }
    }

    pub(crate) fn free(mut self) -> Self {
        self.transaction["price"] = 0.into();
        self.transaction["offerType"] = 1.into();
        self.transaction["offerDiscountType"] = "FREE_TRIAL".into();
        self
    }

    /// The next charge, directly after the current period.
    pub(crate) fn renew(&mut self) {
        let start = self.transaction["expiresDate"].as_i64().unwrap();
        self.transaction["transactionId"] = self.next.to_string().into();
        self.next += 1;
        self.transaction["purchaseDate"] = start.into();
        self.transaction["expiresDate"] = (start + 30 * DAY * 1000).into();
        self.transaction["transactionReason"] = "RENEWAL".into();
        self.transaction["price"] = 9990.into();
        self.transaction
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !name.starts_with("offer"));
    }

    /// A signed notification of the present state.
    pub(crate) fn notify(&mut self, kind: &str, now: Timestamp) -> String {
        self.messages += 1;
        let at = now
            .checked_add(SignedDuration::from_millis(
                i64::try_from(self.messages).unwrap(),
            ))
            .unwrap()
            .as_millisecond();
        let with_date = |value: &Value| {
            let mut value = value.clone();
            value["signedDate"] = at.into();
            AUTHORITY.sign(&value).unwrap()
        };
        let id = self.transaction["originalTransactionId"].as_str().unwrap();
        let payload = json!({
            "notificationType": kind, "notificationUUID": format!("{id}-{}", self.messages), "version": "2.0", "signedDate": at,
            "data": { "environment": "LocalTesting", "bundleId": "com.example", "status": self.status,
                "signedTransactionInfo": with_date(&self.transaction), "signedRenewalInfo": with_date(&self.renewal) },
        });
        json!({ "signedPayload": AUTHORITY.sign(&payload).unwrap() }).to_string()
    }
}
