//! The project of a world, and the sources of its apps.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use configuration::{Desired, Given};
use domain::{Store, secret::Secret};
use engine::Secrets;
use jiff::SignedDuration;
use ledger::AppSettings;
use serde_json::{Map, Value, json};
use simulator::{Authority, PUSH_ACCOUNT, PlayStore, SIGNING_SECRET};
use sources::{
    Source,
    apple::{ApiKey, App, AppEnvironment, AppStore, Hosts, Verifier},
    google::{self, Credentials, GooglePlay, PushAccess},
    stated::Stated,
    stripe::{self, OwnerSource, Stripe},
};
use std::sync::{Arc, LazyLock};

/// Who signs for the App Store.
pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::create().unwrap());
static API_KEY: LazyLock<String> = LazyLock::new(|| simulator::api_key().unwrap());
static PLAY: LazyLock<String> = LazyLock::new(|| {
    PlayStore::new("com.example")
        .unwrap()
        .service_account("https://play.test")
});

/// A webhook that shows whose it is before anything is delivered to it.
pub(crate) fn webhook(url: &str) -> Value {
    json!({ "destination": "webhook", "settings": { "sandbox_url": url, "production_url": url } })
}

/// Whose App Store tells, and cannot be asked.
pub(super) fn told() -> Desired {
    with(&json!({}), &json!({}))
}

/// Whose App Store can be asked, with settings of the project.
pub(super) fn asking(settings: &Value) -> Desired {
    with(settings, &access())
}

/// With an app of one store, which can be asked, and nobody who hears of it.
pub(super) fn of(store: Store) -> Desired {
    let mut project = selling();
    project.integrations.clear();
    let is_of = |told: &Given<String>| matches!(told, Given::Set(told) if told == store.id());
    project.apps.retain(|_, app| is_of(&app.store));
    project
}

/// Whose stores can be asked, and keep what they are known to keep of each sale; of one of one's own nobody knows.
pub(super) fn selling() -> Desired {
    let mut project = with(&json!({}), &access());
    for (app, commission) in [("ios", "standard"), ("android", "standard"), ("web", "2.9")] {
        let app = project.apps.get_mut(app).unwrap();
        let kept = ("commission".to_owned(), Given::Set(json!(commission)));
        app.settings.extend([kept]);
    }
    project
}

fn access() -> Value {
    json!({ "api_issuer": "issuer", "api_key_id": "key", "api_key": *API_KEY })
}

fn with(settings: &Value, access: &Value) -> Desired {
    let premium = json!({ "entitlements": ["premium"] });
    let ios = json!({ "store": "app_store", "bundle_id": "com.example", "environments": ["local_testing"], "local_roots": [AUTHORITY.root()] });
    serde_json::from_value(json!({
        "project": both(json!({ "key": "acme" }), settings),
        "entitlements": { "premium": {}, "hd": {} },
        "products": {
            "pass": { "entitlements": ["premium"], "duration": "P30D" },
            "monthly": premium, "yearly": premium, "unmapped": {}, "hd": { "entitlements": ["hd"] }, "prod_hd": { "entitlements": ["hd"] },
            "com.example.monthly": premium, "com.example.yearly": premium, "com.example.light": premium, "gold": premium, "silver": premium, "prod_gold": premium, "shop_gold": premium,
        },
        "apps": {
            "ios": both(ios, access),
            "android": { "store": "play_store", "package": "com.example", "push_service_account": PUSH_ACCOUNT, "service_account": *PLAY, "acknowledge": true },
            "web": { "store": "stripe", "api_key": "sk_test_simulated", "signing_secrets": [SIGNING_SECRET] },
            "shop": { "store": "external", "store_name": "my_shop" },
        },
        "integrations": { "a": webhook("https://a.example/"), "b": webhook("https://b.example/") },
    }))
    .unwrap()
}

fn both(object: Value, more: &Value) -> Value {
    let fields = [&object, more].map(|value| value.as_object().unwrap().clone());
    Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>())
}

/// What makes the source of an app.
pub(super) type Make = fn(&ledger::App, &Secrets) -> Result<Arc<dyn Source>, String>;

/// The source of an app.
pub(super) fn source(app: &ledger::App, secrets: &Secrets) -> Result<Arc<dyn Source>, String> {
    let push = PushAccess::Oidc {
        audience: None,
        email: PUSH_ACCOUNT.into(),
        keys_url: "https://play.test/certs".into(),
    };
    source_with(app, secrets, push)
}

/// The same; whoever pushes for Google is believed.
pub(super) fn trusting(app: &ledger::App, secrets: &Secrets) -> Result<Arc<dyn Source>, String> {
    source_with(app, secrets, PushAccess::Anyone)
}

fn source_with(
    app: &ledger::App,
    secrets: &Secrets,
    push: PushAccess,
) -> Result<Arc<dyn Source>, String> {
    let secret = |name: &str| Secret::new(secrets[name].as_str().unwrap_or_default());
    Ok(match &app.settings {
        AppSettings::AppStore(settings) => {
            let source = app_store(&settings.bundle_id);
            if !secrets.contains_key("api_key") {
                return Ok(Arc::new(source));
            }
            let hosts = Hosts {
                production: "https://apple.test".into(),
                sandbox: "https://apple.test".into(),
            };
            Arc::new(source.asking(ApiKey::new("issuer", "key", &secret("api_key"))?, hosts))
        }
        AppSettings::PlayStore(settings) => Arc::new(GooglePlay::new(google::App {
            package: settings.package.clone(),
            push,
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

fn app_store(bundle_id: &str) -> AppStore {
    let root = BASE64_STANDARD.decode(AUTHORITY.root()).unwrap();
    AppStore::new(App {
        bundle_id: bundle_id.into(),
        app_apple_id: None,
        environments: vec![AppEnvironment::LocalTesting],
        store: Arc::new(Verifier::apple()),
        local: Some(Arc::new(Verifier::with_roots(vec![root]))),
    })
}
