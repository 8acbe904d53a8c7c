//! Apps as they should be.

use crate::{
    desired::DesiredApp,
    planner::Planner,
    settings::{merged, unknown},
    stored::Stored,
    stores::{AppSpec, app_spec},
};
use destinations::Invalid;
use domain::{AppId, Store};
use ledger::{App, AppEnvironment, AppSettings, AppStoreSettings, Commission, ConfigurationChange};
use serde_json::{Map, Value};

/// Stores an app can be of.
const STORES: &str = "\"app_store\", \"play_store\", \"stripe\" and \"external\"";

impl Planner<'_> {
    pub(crate) fn app(&mut self, key: &str, desired: &DesiredApp) {
        self.check_key(&["apps", key], key);
        let (means, project) = (self.means, self.project);
        let known = means
            .current
            .apps
            .iter()
            .find(|known| known.project == project && known.key == key);
        let known_name = known.map(|known| &known.name);
        let name = self.name(&["apps", key], &desired.name, known_name, key);
        let Some(spec) = self.spec(key, desired, known) else {
            return;
        };
        let id = known.map_or_else(|| AppId::new((means.fresh)()), |known| known.id);
        let stored = known.map_or_else(Stored::default, |known| Stored::of_app(means.vault, known));
        let Some(mut settings) = self.merged(key, spec, &stored, desired) else {
            return;
        };
        let commission = settings.remove("commission");
        let secrets = taken_secrets(spec, &mut settings);
        let Some(settings) = self.settings_of_app(key, spec, settings) else {
            return;
        };
        if let AppSettings::AppStore(settings) = &settings {
            self.app_store(key, settings);
        }
        let commission = self.commission(key, commission);
        let sealed_secrets = if secrets == taken_secrets(spec, &mut stored.settings.clone()) {
            // What is stored stays as it is, so that nothing differs where nothing changed.
            known.map_or_else(Vec::new, |known| known.sealed_secrets.clone())
        } else if secrets.is_empty() {
            Vec::new()
        } else {
            let secrets = Value::Object(secrets).to_string();
            means.vault.seal(&id.to_string(), secrets.as_bytes())
        };
        self.check_api(key, &settings, &sealed_secrets);
        let wanted = App {
            id,
            project,
            key: key.into(),
            name,
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

    /// The store that it is of. `None` where it says none that it can be of.
    fn spec(
        &mut self,
        key: &str,
        desired: &DesiredApp,
        known: Option<&App>,
    ) -> Option<&'static AppSpec> {
        let path = ["apps", key, "store"];
        let store = known.map(|known| known.store().id().to_owned());
        let Some(store) = desired.store.over(store.as_ref()) else {
            self.problem(&path, format!("is missing; it is one of {STORES}"));
            return None;
        };
        let spec = Store::from_id(&store).and_then(app_spec);
        if spec.is_none() {
            self.problem(
                &path,
                format!("{store:?} is not a store this release knows; it knows {STORES}"),
            );
        }
        let spec = spec?;
        if known.is_some_and(|known| known.store() != spec.store) {
            self.problem(
                &path,
                "cannot change: its purchases are of the other store; add another app instead",
            );
            return None;
        }
        Some(spec)
    }

    /// What the document says of its settings, over those that are stored. `None` where anything of it is wrong.
    fn merged(
        &mut self,
        key: &str,
        spec: &AppSpec,
        stored: &Stored,
        desired: &DesiredApp,
    ) -> Option<Map<String, Value>> {
        let mut merged = merged(spec.fields, spec.travels, stored, &desired.settings);
        let unknown = unknown(spec.fields, &["name", "store"], &desired.settings);
        merged.problems.extend(unknown);
        if merged.problems.is_empty() {
            return Some(merged.settings);
        }
        for Invalid { field, problem } in merged.problems {
            self.problem(&["apps", key, &field], problem);
        }
        None
    }

    /// Its settings as they are stored. `None` where they are none.
    fn settings_of_app(
        &mut self,
        key: &str,
        spec: &AppSpec,
        mut settings: Map<String, Value>,
    ) -> Option<AppSettings> {
        settings.insert("store".into(), spec.store.id().into());
        match serde_json::from_value(Value::Object(settings)) {
            Ok(settings) => Some(settings),
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
                None
            }
        }
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

    fn commission(&mut self, key: &str, given: Option<Value>) -> Option<Commission> {
        let given = given.filter(|given| !given.is_null())?;
        let read = given.as_str().and_then(commission);
        if read.is_none() {
            self.problem(
                &["apps", key, "commission"],
                format!("{given} is none of \"standard\", \"small_business\" and a percentage such as \"15\""),
            );
        }
        read
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

/// Takes the secrets that hold something out of the settings of an app.
fn taken_secrets(spec: &AppSpec, settings: &mut Map<String, Value>) -> Map<String, Value> {
    let names = spec.fields.iter().filter(|field| field.kind.is_secret());
    let taken =
        names.filter_map(|field| Some((field.name.to_owned(), settings.remove(field.name)?)));
    taken
        .filter(|(_, value)| !value.is_null() && *value != Value::Array(Vec::new()))
        .collect()
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
