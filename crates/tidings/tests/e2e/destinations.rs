//! Every destination that is told over HTTP, by the real binary through its real transport, where vendors answer as their documents say.
//!
//! [`ALL`](destinations::ALL) is gone through: whoever adds one gives it settings, or names what it goes over instead. What is waited for is looked
//! for so many times and no more, and what is missing then is named.

mod azurite;
mod clickhouse;
mod counterpart;
mod gcs;
mod modes;
mod moto;
mod settings;
mod told;

use crate::server::{Api, Server, Site, client, now};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::Vendors;
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

/// Who is bought something for: every vendor knows them.
const ANN: &str = "ann-17";

/// How often it is looked whether all is as it should be, at most.
const PASSES: usize = 160;
/// Between one look and the next.
const PASS: Duration = Duration::from_millis(250);

/// A server that tells vendors of a shop.
struct Shop {
    vendors: Vendors,
    site: Site,
    // Killed when the shop closes.
    _server: Server,
    api: Api,
}

impl Shop {
    /// One with these integrations, each called as its destination.
    async fn telling(keys: &[&str]) -> Self {
        let vendors = Vendors::start(settings::KEY, now()).await.unwrap();
        let site = Site::new(&[]);
        let file = site.directory.join("project.toml");
        let mut project = std::fs::read_to_string(&file).unwrap();
        project.push_str("[apps.shop]\nstore = \"external\"\nstore_name = \"my_shop\"\n");
        write!(project, "[products.gold]\nentitlements = [\"premium\"]\n").unwrap();
        std::fs::write(file, project).unwrap();
        site.run(&["apply", "project.toml"]);
        let server = site.serve();
        let api = Api::new(&site, &server, &[]);
        let key = site.run(&["keys", "client", "--project", "acme", "--app", "shop"]);
        know(&server.url, &key).await;
        let shop = Self {
            vendors,
            site,
            _server: server,
            api,
        };
        for key in keys {
            shop.save(key, json!({})).await;
        }
        shop
    }

    /// Saves an integration, with more settings.
    async fn save(&self, key: &str, more: Value) {
        let mut settings = settings::of(key, &self.vendors).unwrap();
        let more = more.as_object().unwrap().clone();
        settings.as_object_mut().unwrap().extend(more);
        self.put(key, settings).await;
    }

    /// Saves one with these settings.
    async fn put(&self, key: &str, settings: Value) {
        let path = format!("/projects/acme/integrations/{key}");
        let integration = json!({ "destination": key, "settings": settings });
        let (status, said) = self.api.send("PUT", &path, Some(integration)).await;
        assert!(matches!(status, 200 | 201), "{key}: {status} {said}");
    }

    /// States that Ann bought something: one event.
    async fn buy(&self, transaction: &str) {
        let at = now();
        let until = at + SignedDuration::from_hours(24 * 30);
        let statement = json!({
            "app_user_id": ANN, "kind": "subscription", "product_id": "gold",
            "transaction_id": transaction, "original_transaction_id": transaction,
            "updated_at": at, "purchased_at": at, "expires_at": until,
            "price": { "amount": "9.99", "currency": "USD" }, "country": "US",
        });
        let path = "/projects/acme/purchases";
        let (status, said) = self.api.send("POST", path, Some(statement)).await;
        assert_eq!(status, 200, "{said}");
    }

    /// How the purchase of a transaction stands with each integration, by its key.
    async fn states(&self, transaction: &str) -> BTreeMap<String, Value> {
        let events = self.api.events().await.into_iter();
        let mut of_it = events.filter(|event| {
            event["kind"] == "subscription_started" && event["transaction"]["id"] == transaction
        });
        let Some(event) = of_it.next() else {
            return BTreeMap::new();
        };
        let states = event["integrations"].as_array().unwrap().iter();
        states
            .map(|state| (state["key"].as_str().unwrap().to_owned(), state.clone()))
            .collect()
    }

    /// Waits until a purchase stands so with all of these; else, says with whom it does not, and how it stands there.
    async fn until(
        &self,
        transaction: &str,
        keys: &[&str],
        wanted: &str,
    ) -> BTreeMap<String, Value> {
        let mut states = BTreeMap::new();
        for _ in 0..PASSES {
            states = self.states(transaction).await;
            let is_so = |key: &&&str| states.get(**key).is_some_and(|of| of["state"] == wanted);
            if keys.iter().filter(is_so).count() == keys.len() {
                return states;
            }
            tokio::time::sleep(PASS).await;
        }
        let missing = keys.iter().filter_map(|key| {
            let state = states.get(*key);
            let word = state.map_or("nothing", |of| of["state"].as_str().unwrap());
            let text = state.map_or("", |of| of["text"].as_str().unwrap());
            (word != wanted).then(|| {
                let seen = self.vendors.last(key);
                format!("{key} is {word}, not {wanted}: {text}\n  it saw {seen:?}")
            })
        });
        let missing: Vec<_> = missing.collect();
        let log = self.site.log();
        let errors = log.lines().filter(|line| line.contains(" ERROR "));
        let errors: Vec<_> = errors.collect();
        panic!(
            "of {transaction}, after {PASSES} looks:\n{}\n{}",
            missing.join("\n"),
            errors.join("\n")
        );
    }

    /// The attempts at a delivery, first to last.
    async fn attempts(&self, state: &Value) -> Vec<Value> {
        let id = state["delivery"].as_str().unwrap();
        let path = format!("/projects/acme/deliveries/{id}");
        let mut detail = self.api.get(&path).await;
        let Value::Array(attempts) = detail["attempts"].take() else {
            panic!("{path} tells no attempts")
        };
        attempts
    }
}

/// What the vendors know Ann by, as an SDK says it.
async fn know(url: &str, key: &str) {
    let known = [
        ("$adjustId", "5e3c1d9b0a7f4e2288aa11bb22cc33dd"),
        ("$airbridgeDeviceId", "3e2f0b7c-51f0-4d39-9b1c-7f3d4f2b8a10"),
        ("$appleAdsAdGroupId", "542317095"),
        ("$appleAdsCampaignId", "542370539"),
        ("$appleAdsKeywordId", "87675432"),
        ("$appsflyerId", "1609123456789-1234567"),
        ("$attConsentStatus", "authorized"),
        ("$deviceVersion", "iOS 18.5"),
        ("$email", "ann@example.com"),
        ("$fbAnonId", "XZ12345678-9ABC-4DEF-8123-456789ABCDEF"),
        ("$firebaseAppInstanceId", "62c0a1b2c3d4e5f60718293a4b5c6d7e"),
        ("$idfa", "6D92078A-8246-4BA4-AE5B-76104861E7DC"),
        ("$idfv", "9B1C7C0E-0F2A-4E56-9D0C-2C0B7A3D5E11"),
        ("$intercomContactId", "63a07ddf05a32042dffac965"),
        ("$ip", "203.0.113.24"),
        ("$kochavaDeviceId", "KI20261120T0930a1b2c3d4"),
        ("$mparticleId", "8246135790246813579"),
        ("$onesignalUserId", "3f1c2a54-6f0e-4e0b-9b8e-0d1e2f3a4b5c"),
        ("$telemetryDeckAppId", "AAAA-BBBBBBBB-CCCC-DDDD"),
        ("$telemetryDeckUserId", "c8b3f0e1a5d94c7e"),
        ("$tenjinId", "29eeb1610fe74997b6d53f02e9711f8c"),
    ];
    let attributes: serde_json::Map<_, _> = known
        .into_iter()
        .map(|(name, value)| {
            let written = json!({ "value": value, "updated_at_ms": 1_764_000_000_000_u64 });
            (name.to_owned(), written)
        })
        .collect();
    let answer = client()
        .post(format!("{url}/v1/subscribers/{ANN}/attributes"))
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(json!({ "attributes": attributes }).to_string())
        .send()
        .await
        .unwrap();
    let (status, said) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{status} {said}");
}
