//! Apps as they should be.

use crate::{desired::DesiredApp, planner::Planner};
use domain::{AppId, Store};
use ledger::{App, AppEnvironment, AppSettings, AppStoreSettings, Commission, ConfigurationChange};
use serde_json::{Map, Value};

/// Stores an app can be of.
const STORES: &str = "\"app_store\", \"play_store\", \"stripe\" and \"external\"";

impl Planner<'_> {
    pub(crate) fn app(&mut self, key: &str, desired: &DesiredApp) {
        self.check_key(&["apps", key], key);
        let (means, project) = (self.means, self.project);
        let store = Store::from_id(&desired.store).filter(|store| *store != Store::Promotional);
        let Some(store) = store else {
            self.problem(
                &["apps", key, "store"],
                format!(
                    "{:?} is not a store this release knows; it knows {STORES}",
                    desired.store
                ),
            );
            return;
        };
        let known = means
            .current
            .apps
            .iter()
            .find(|known| known.project == project && known.key == key);
        let id = known.map_or_else(|| AppId::new((means.fresh)()), |known| known.id);
        let mut given = desired.settings.clone();
        let mut secrets = Map::new();
        for name in AppSettings::secret_names(store) {
            if let Some(secret) = given.remove(*name).filter(|secret| !secret.is_null()) {
                secrets.insert((*name).into(), secret);
            }
        }
        given.insert("store".into(), desired.store.clone().into());
        let settings = match serde_json::from_value::<AppSettings>(Value::Object(given)) {
            Ok(settings) => settings,
            Err(error) => {
                let text = error.to_string();
                // The message names the field in backticks; the path should, too.
                let field = text
                    .split('`')
                    .nth(1)
                    .filter(|_| text.contains("field"))
                    .unwrap_or("settings")
                    .to_owned();
                self.problem(&["apps", key, &field], text);
                return;
            }
        };
        if let AppSettings::AppStore(settings) = &settings {
            self.app_store(key, settings);
        }
        if known.is_some_and(|known| known.store() != store) {
            self.problem(
                &["apps", key, "store"],
                "cannot change: its purchases are of the other store; add another app instead",
            );
        }
        let sealed_secrets = self.secrets(key, id, known, secrets);
        self.check_api(key, &settings, &sealed_secrets);
        let commission = desired.commission.as_deref().and_then(|text| {
            let commission = commission(text);
            if commission.is_none() {
                self.problem(
                    &["apps", key, "commission"],
                    format!("{text:?} is none of \"standard\", \"small_business\" and a percentage such as \"15\""),
                );
            }
            commission
        });
        let wanted = App {
            id,
            project,
            key: key.into(),
            name: desired.name.clone().unwrap_or_else(|| key.into()),
            settings,
            sealed_secrets,
            commission,
        };
        self.step(
            format!("app {key}"),
            known,
            wanted,
            ConfigurationChange::PutApp,
        );
    }

    fn app_store(&mut self, key: &str, settings: &AppStoreSettings) {
        if settings.bundle_id.is_empty() {
            self.problem(
                &["apps", key, "bundle_id"],
                "is empty; it is the bundle id shown in App Store Connect, such as com.example.app",
            );
        }
        let environments = &settings.environments;
        let is_local = environments.iter().any(|environment| {
            matches!(
                environment,
                AppEnvironment::Xcode | AppEnvironment::LocalTesting
            )
        });
        let is_production = environments.contains(&AppEnvironment::Production);
        if environments.is_empty() {
            self.problem(
                &["apps", key, "environments"],
                "is empty; the app would receive nothing",
            );
        }
        if is_production && settings.app_apple_id.is_none() {
            self.problem(
                &["apps", key, "app_apple_id"],
                "is required for production: the number in the app's App Store URL, after /id",
            );
        }
        if is_production && is_local {
            self.problem(
                &["apps", key, "environments"],
                "an app that accepts production cannot accept xcode or local_testing, which are signed by anyone's own root",
            );
        }
        if !settings.local_roots.is_empty() && !is_local {
            self.problem(
                &["apps", key, "local_roots"],
                "roots of your own are trusted for xcode and local_testing only",
            );
        }
        if is_local && settings.local_roots.is_empty() {
            self.problem(
                &["apps", key, "local_roots"],
                "xcode and local_testing need the root certificate that signs them, base64 DER",
            );
        }
    }

    /// The secrets as they are to be stored; what is stored stays when nothing differs.
    fn secrets(
        &mut self,
        key: &str,
        id: AppId,
        known: Option<&App>,
        given: Map<String, Value>,
    ) -> Vec<u8> {
        let sealed = known.map_or(&[][..], |known| &known.sealed_secrets);
        let opened = if sealed.is_empty() {
            Ok(Map::new())
        } else {
            self.means
                .vault
                .open_sealed(&id.to_string(), sealed)
                .map_err(|error| error.to_string())
                .and_then(|json| serde_json::from_slice(&json).map_err(|error| error.to_string()))
        };
        let stored: Map<String, Value> = match opened {
            Ok(stored) => stored,
            // Secrets given anew replace what a lost key file has made unreadable; "***" cannot.
            Err(problem) => {
                if Value::Object(given.clone()).to_string().contains("\"***\"") {
                    let problem = format!(
                        "\"***\" cannot stay as it is, because what is stored cannot be read: {problem}; was the key file replaced?"
                    );
                    self.problem(&["apps", key], problem);
                    return sealed.to_vec();
                }
                Map::new()
            }
        };
        let mut wanted = given;
        for (name, value) in &mut wanted {
            match value {
                Value::String(text) if text == "***" => {
                    *value = stored.get(name).cloned().unwrap_or(Value::Null);
                    if value.is_null() {
                        self.problem(
                            &["apps", key, name],
                            "is \"***\", but nothing is stored yet",
                        );
                    }
                }
                Value::String(_) => {}
                Value::Array(values) => {
                    let known = stored.get(name).and_then(Value::as_array);
                    for (index, value) in values.iter_mut().enumerate() {
                        if value.as_str() == Some("***") {
                            *value = known
                                .and_then(|known| known.get(index))
                                .cloned()
                                .unwrap_or(Value::Null);
                        }
                        if !value.is_string() {
                            self.problem(&["apps", key, name], "expected a list of texts");
                        }
                    }
                }
                _ => self.problem(&["apps", key, name], "expected a text"),
            }
        }
        if wanted == stored {
            return sealed.to_vec();
        }
        if wanted.is_empty() {
            return Vec::new();
        }
        self.means.vault.seal(
            &id.to_string(),
            Value::Object(wanted).to_string().as_bytes(),
        )
    }

    /// An API key of the App Store is three things, of which none is any good alone.
    fn check_api(&mut self, key: &str, settings: &AppSettings, secrets: &[u8]) {
        let AppSettings::AppStore(settings) = settings else {
            return;
        };
        let parts = [
            ("api_issuer", settings.api_issuer.is_some()),
            ("api_key_id", settings.api_key_id.is_some()),
            ("api_key", !secrets.is_empty()),
        ];
        if parts.iter().any(|(_, given)| *given) {
            for (name, _) in parts.iter().filter(|(_, given)| !given) {
                self.problem(
                    &["apps", key, name],
                    "is missing: asking the App Store takes api_issuer, api_key_id and api_key, all from App Store Connect, Users and Access, Integrations, In-App Purchase",
                );
            }
        }
    }
}

fn commission(text: &str) -> Option<Commission> {
    match text {
        "standard" => Some(Commission::Standard),
        "small_business" => Some(Commission::SmallBusiness),
        percent => basis_points(percent).map(Commission::BasisPoints),
    }
}

/// `"15"` or `"8.33"` percent in hundredths of a percent.
fn basis_points(percent: &str) -> Option<u32> {
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
    if fraction.len() > 2
        || whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let hundredths: u32 = format!("{fraction:0<2}").parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(100)?
        .checked_add(hundredths)
        .filter(|points| *points <= 10_000)
}
