//! A whole engine with an app of every store, whose APIs are simulated and can break.

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use configuration::{Desired, Means, Vault};
use destinations::{Context, Request, Response};
use domain::{AppId, Event, EventKind, ProjectId, Store, secret::Secret};
use engine::{Accepted, Engine, IntakeError, Parts, Secrets, System, Transport, TransportError};
use jiff::{SignedDuration, Timestamp};
use ledger::{AppSettings, EventFilter, Page};
use serde_json::{Value, json};
use simulator::{
    ApiRequest, Authority, Channel, Message, PUSH_ACCOUNT, PlayStore, SIGNING_SECRET, Stores,
};
use sources::{
    Call, Incoming, Method, Receipt, Reply, Source, Web,
    apple::{ApiKey, App, AppEnvironment, AppStore, Hosts, Verifier},
    google::{self, Credentials, GooglePlay, PushAccess},
    stated::Stated,
    stripe::{self, OwnerSource, Stripe},
};
use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::create().unwrap());
static PLAY: LazyLock<String> = LazyLock::new(|| {
    PlayStore::new("com.example")
        .unwrap()
        .service_account("https://play.test")
});
static API_KEY: LazyLock<String> = LazyLock::new(|| simulator::api_key().unwrap());
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A clock that moves when told.
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
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

/// Every endpoint accepts everything.
struct Endpoints;

#[async_trait]
impl Transport for Endpoints {
    async fn send(&self, _: &Request, _: Duration) -> Result<Response, TransportError> {
        Ok(Response {
            status: 200,
            retry_after: None,
            body: b"{}".to_vec(),
        })
    }
}

/// The network, with nothing in it but the stores.
struct Internet {
    stores: Stores,
    clock: Arc<Clock>,
}

#[async_trait]
impl Web for Internet {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let authorization = call
            .headers
            .iter()
            .find(|(name, _)| *name == "authorization")
            .map(|(_, value)| value.clone());
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let request = ApiRequest::of(method, &call.url, authorization, call.body.clone());
        let answer = self.stores.answer(&request, self.clock.now()).await;
        Ok(Reply {
            status: answer.status,
            retry_after: answer.retry_after,
            cache_control: None,
            body: answer.body,
        })
    }
}

pub(crate) struct Shop {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) stores: Stores,
    pub(crate) project: ProjectId,
}

fn source(app: &ledger::App, secrets: &Secrets) -> Result<Arc<dyn Source>, String> {
    let secret = |name: &str| Secret::new(secrets[name].as_str().unwrap_or_default());
    Ok(match &app.settings {
        AppSettings::AppStore(settings) => {
            let root = BASE64_STANDARD.decode(AUTHORITY.root()).unwrap();
            let source = AppStore::new(App {
                bundle_id: settings.bundle_id.clone(),
                app_apple_id: None,
                environments: vec![AppEnvironment::LocalTesting],
                store: Arc::new(Verifier::apple()),
                local: Some(Arc::new(Verifier::with_roots(vec![root]))),
            });
            let hosts = Hosts {
                production: "https://apple.test".into(),
                sandbox: "https://apple.test".into(),
            };
            Arc::new(source.asking(ApiKey::new("issuer", "key", &secret("api_key"))?, hosts))
        }
        AppSettings::PlayStore(settings) => Arc::new(GooglePlay::new(google::App {
            package: settings.package.clone(),
            push: PushAccess::Oidc {
                audience: None,
                email: PUSH_ACCOUNT.into(),
                keys_url: "https://play.test/certs".into(),
            },
            credentials: Some(Credentials::from_key_file(&secret("service_account"))?),
            api_url: "https://play.test".into(),
            acknowledge: settings.acknowledge,
        })),
        AppSettings::Stripe(_) => Arc::new(Stripe::new(stripe::App {
            signing_secrets: vec![Secret::new("whsec_old"), Secret::new(SIGNING_SECRET)],
            tolerance: SignedDuration::from_mins(5),
            api_key: Some(Secret::new(simulator::API_KEY)),
            api_url: "https://stripe.test".into(),
            owner_key: "app_user_id".into(),
            owner_sources: vec![
                OwnerSource::SubscriptionMetadata,
                OwnerSource::SessionMetadata,
            ],
            past_due_access: false,
            bare_payments: false,
        })),
        _ => Arc::new(Stated::new(Store::External)),
    })
}

fn project(extra: &Value) -> Desired {
    let mut project = json!({ "key": "acme" });
    if let (Some(project), Some(extra)) = (project.as_object_mut(), extra.as_object()) {
        project.extend(extra.clone());
    }
    let premium = json!({ "entitlements": ["premium"] });
    serde_json::from_value(json!({
        "project": project,
        "entitlements": { "premium": {} },
        "products": { "com.example.monthly": premium, "com.example.yearly": premium, "gold": premium, "prod_gold": premium, "shop_gold": premium },
        "apps": {
            "ios": { "store": "app_store", "bundle_id": "com.example", "environments": ["local_testing"], "local_roots": [AUTHORITY.root()],
                "api_issuer": "issuer", "api_key_id": "key", "api_key": *API_KEY },
            "android": { "store": "play_store", "package": "com.example", "push_service_account": PUSH_ACCOUNT, "service_account": *PLAY, "acknowledge": true },
            "web": { "store": "stripe", "api_key": "sk_test_simulated", "signing_secrets": [SIGNING_SECRET] },
            "shop": { "store": "external", "store_name": "my_shop" },
        },
        "integrations": { "a": { "destination": "webhook", "settings": { "sandbox_url": "https://a.example/", "production_url": "https://a.example/" } } },
    }))
    .unwrap()
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(&json!({})).await
    }

    /// With settings of the project.
    pub(crate) async fn open_with(extra: &Value) -> Self {
        Self::build(extra, true).await
    }

    /// One for which time passes only when told.
    pub(crate) async fn open_quiet() -> Self {
        Self::build(&json!({}), false).await
    }

    async fn build(extra: &Value, is_running: bool) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let clock = Arc::new(Clock {
            micros: AtomicI64::new(1_767_225_600_000_000),
            // Those that are compared draw the same ids.
            drawn: AtomicU64::new(if is_running { number } else { 1 }),
        });
        let ledger = crate::support::ledger(clock.now()).await;
        let vault = Vault::with_key([1; 32]);
        let fresh = {
            let clock = Arc::clone(&clock);
            move || clock.uuid()
        };
        let configuration = ledger.configuration().await.unwrap();
        let means = Means {
            current: &configuration,
            vault: &vault,
            context: &Context::default(),
            fresh: &fresh,
        };
        let steps = configuration::plan(&project(extra), &means).unwrap();
        let changes = steps.into_iter().filter_map(|step| step.change).collect();
        assert!(
            ledger
                .configure(0, changes, "test", clock.now())
                .await
                .unwrap()
        );
        let stores = Stores::new(AUTHORITY.clone(), "com.example").unwrap();
        let internet = Internet {
            stores: stores.clone(),
            clock: Arc::clone(&clock),
        };
        let parts = Parts {
            ledger,
            system: Arc::clone(&clock) as Arc<dyn System>,
            transport: Arc::new(Endpoints),
            web: Arc::new(internet),
            vault,
            public_url: "https://t.example".into(),
            make_source: Box::new(source),
        };
        let engine = if is_running {
            Engine::start(parts).await
        } else {
            Engine::quiet(parts).await
        };
        let engine = engine.unwrap();
        let project = engine.setup().configuration.projects[0].id;
        Self {
            engine,
            clock,
            stores,
            project,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn set_clock(&self, at: Timestamp) {
        self.clock
            .micros
            .store(at.as_microsecond(), Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock
            .micros
            .fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn app(&self, store: Store) -> AppId {
        let setup = self.engine.setup();
        setup
            .apps()
            .find(|app| app.row.store() == store)
            .unwrap()
            .row
            .id
    }

    /// A store sends a message.
    pub(crate) async fn deliver(&self, message: &Message) -> Result<Accepted, IntakeError> {
        let url = "https://t.example/callbacks/google/app";
        let proof = message.proof(&self.stores, url, self.now()).unwrap();
        let header = |wanted| {
            let (name, value) = proof.as_ref()?;
            (*name == wanted).then_some(value.as_str())
        };
        let incoming = Incoming {
            body: message.body.as_bytes(),
            authorization: header("authorization"),
            signature: header("stripe-signature"),
            url,
        };
        let app = self.app(match message.channel {
            Channel::Apple => Store::AppStore,
            Channel::Google => Store::PlayStore,
            Channel::Stripe => Store::Stripe,
        });
        self.engine.intake().accept(app, &incoming).await
    }

    async fn deliver_body(&self, channel: Channel, body: String) -> Result<Accepted, IntakeError> {
        let subject = String::new();
        let message = Message {
            channel,
            body,
            subject,
        };
        self.deliver(&message).await
    }

    /// Google pushes.
    pub(crate) async fn push(&self, body: &str) -> Result<Accepted, IntakeError> {
        self.deliver_body(Channel::Google, body.into()).await
    }

    /// Stripe calls.
    pub(crate) async fn hook(&self, kind: &str, object: &Value) -> Result<Accepted, IntakeError> {
        let body = self.stores.stripe.api.tell(kind, object, self.now());
        self.deliver_body(Channel::Stripe, body).await
    }

    /// Apple notifies.
    pub(crate) async fn notify(&self, body: &str) -> Result<Accepted, IntakeError> {
        self.deliver_body(Channel::Apple, body.into()).await
    }

    /// A client sends a purchase in.
    pub(crate) async fn receipt(
        &self,
        store: Store,
        who: &str,
        token: &str,
    ) -> Result<(), IntakeError> {
        let receipt = Receipt {
            offering: None,
            claimed_price: None,
            token: token.into(),
            product: None,
            app_user_id: who.into(),
        };
        self.engine
            .intake()
            .take_receipt(self.app(store), &receipt)
            .await
    }

    /// Waits until nothing waits for a store any more.
    pub(crate) async fn settled(&self) {
        for _ in 0..1000 {
            if self.parked().await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let waiting = self
            .engine
            .ledger()
            .parked(self.project, None, None, 10)
            .await
            .unwrap();
        panic!("still waiting: {waiting:?}");
    }

    pub(crate) async fn parked(&self) -> usize {
        self.engine
            .ledger()
            .parked(self.project, None, None, 10_000)
            .await
            .unwrap()
            .len()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        let rows = self
            .engine
            .ledger()
            .events(&EventFilter::default(), Page::After(0, 100_000))
            .await
            .unwrap();
        rows.into_iter().map(|row| row.event).collect()
    }

    /// Kinds told so far, without changes of access, of one customer or of all.
    pub(crate) async fn kinds(&self, who: Option<&str>) -> Vec<EventKind> {
        self.events()
            .await
            .into_iter()
            .filter(|event| event.kind != EventKind::AccessLevelUpdated)
            .filter(|event| who.is_none_or(|who| event.customer.answers_to(who)))
            .map(|event| event.kind)
            .collect()
    }

    /// Whether a customer has premium now.
    pub(crate) async fn has_premium(&self, who: &str) -> bool {
        let setup = self.engine.setup();
        let unlocks = &setup.project(self.project).unwrap().unlocks;
        let Some(record) = self
            .engine
            .ledger()
            .customer(self.project, who)
            .await
            .unwrap()
        else {
            return false;
        };
        let purchases = record
            .purchases
            .iter()
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        domain::access::access(purchases, unlocks)
            .get("premium")
            .is_some_and(|level| level.is_active_at(self.now()))
    }

    /// Deriving everything again from the raw messages gives the same events.
    pub(crate) async fn rederives(&self) {
        let scratch = crate::support::ledger(self.now()).await;
        let vault = Vault::with_key([1; 32]);
        let report = engine::rederive::rederive(
            self.engine.ledger(),
            scratch,
            vault,
            Box::new(source),
            self.project,
            |_| {},
        )
        .await
        .unwrap();
        assert!(report.messages > 0 && report.events > 0, "{report:?}");
        assert_eq!(report.differences, []);
    }
}
