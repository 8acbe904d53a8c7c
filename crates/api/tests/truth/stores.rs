//! A server whose stores are simulated, and answer.

use async_trait::async_trait;
use axum::middleware::from_fn;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Store, secret::Secret};
use engine::{Parts, Secrets, System};
use jiff::SignedDuration;
use ledger::AppSettings;
use serde_json::json;
use simulator::{API_KEY, ApiRequest, Authority, SIGNING_SECRET, Stores};
use sources::{
    Call, Method, Reply, Source, Web,
    apple::{ApiKey, App, AppEnvironment, AppStore, Hosts, Verifier},
    google::{self, Credentials, GooglePlay, PushAccess},
    stated::Stated,
    stripe::{self, OwnerSource, Stripe},
};
use std::sync::Arc;
use web::test::TestServer;

/// The network, with nothing in it but the stores.
struct Network {
    stores: Stores,
    clock: Arc<dyn System>,
}

#[async_trait]
impl Web for Network {
    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let authorization = call.headers.first("authorization").map(str::to_owned);
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
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

/// A server with an app of each store, and the stores. Whoever pushes for Google is believed.
pub(crate) async fn server() -> (TestServer, Stores) {
    let stores = Stores::new(Authority::create().unwrap(), "com.example").unwrap();
    let account = stores.play.api.service_account("https://play.test");
    let api_key = simulator::api_key().unwrap();
    let premium = json!({ "entitlements": ["premium"] });
    let acme = json!({
        "project": { "key": "acme" },
        "entitlements": { "premium": {} },
        "products": {
            "monthly": premium, "yearly": premium, "com.example.monthly": premium, "com.example.yearly": premium,
            "com.example.light": premium, "gold": premium, "silver": premium, "prod_gold": premium,
        },
        "apps": {
            "ios": {
                "store": "app_store", "bundle_id": "com.example", "environments": ["local_testing"],
                "local_roots": [stores.authority.root()], "api_issuer": "issuer", "api_key_id": "key", "api_key": api_key,
            },
            "android": { "store": "play_store", "package": "com.example", "push_unauthenticated": true, "service_account": account },
            "web": { "store": "stripe", "api_key": API_KEY, "signing_secrets": [SIGNING_SECRET] },
            "shop": { "store": "external", "store_name": "my_shop" },
        },
    });
    let acme = serde_json::from_value(acme).unwrap();
    let router = |app| api::router(&app).layer(from_fn(api::for_clients));
    let root = BASE64_STANDARD.decode(stores.authority.root()).unwrap();
    let in_network = stores.clone();
    let server = TestServer::start_as(acme, router, |parts| Parts {
        web: Arc::new(Network {
            stores: in_network,
            clock: Arc::clone(&parts.system),
        }),
        make_source: Box::new(move |app, secrets| source(&app.settings, secrets, &root)),
        ..parts
    });
    (server.await, stores)
}

fn source(
    settings: &AppSettings,
    secrets: &Secrets,
    root: &[u8],
) -> Result<Arc<dyn Source>, String> {
    let secret = |name: &str| Secret::new(secrets[name].as_str().unwrap_or_default());
    Ok(match settings {
        AppSettings::AppStore(settings) => {
            let app = App {
                bundle_id: settings.bundle_id.clone(),
                app_apple_id: None,
                environments: vec![AppEnvironment::LocalTesting],
                store: Arc::new(Verifier::apple()),
                local: Some(Arc::new(Verifier::with_roots(vec![root.to_vec()]))),
            };
            let key = ApiKey::new("issuer", "key", &secret("api_key"))?;
            let hosts = Hosts {
                production: "https://apple.test".into(),
                sandbox: "https://apple.test".into(),
            };
            Arc::new(AppStore::new(app).asking(key, hosts))
        }
        AppSettings::PlayStore(settings) => Arc::new(GooglePlay::new(google::App {
            package: settings.package.clone(),
            push: PushAccess::Anyone,
            credentials: Some(Credentials::from_key_file(&secret("service_account"))?),
            api_url: "https://play.test".into(),
            acknowledge: false,
        })),
        AppSettings::Stripe(_) => Arc::new(Stripe::new(stripe::App {
            signing_secrets: vec![Secret::new(SIGNING_SECRET)],
            tolerance: SignedDuration::from_mins(5),
            api_key: Some(Secret::new(API_KEY)),
            api_url: "https://stripe.test".into(),
            owner_key: "app_user_id".into(),
            owner_sources: vec![OwnerSource::SubscriptionMetadata],
            past_due_access: false,
            bare_payments: false,
        })),
        _ => Arc::new(Stated::new(Store::External)),
    })
}
