//! Configuration as it should be: checked, compared with what is, and turned into changes.
//!
//! The management API and `tidings apply` both go through here, so both accept the same things and say the same about
//! what is wrong. Nothing is removed that is not named for removal.

use crate::{Vault, merged_settings};
use destinations::{Context, FieldKind};
use domain::{AppId, IntegrationId, ProjectId, Store};
use ledger::{
    App, AppEnvironment, AppStoreSettings, Configuration, ConfigurationChange, Entitlement,
    Integration, Product, Project, Verification,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A project as it should be, whole or in part.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Desired {
    /// The project itself.
    pub project: DesiredProject,
    /// By key.
    #[serde(default)]
    pub entitlements: BTreeMap<String, DesiredEntitlement>,
    /// By the store's product id.
    #[serde(default)]
    pub products: BTreeMap<String, DesiredProduct>,
    /// By key.
    #[serde(default)]
    pub apps: BTreeMap<String, DesiredApp>,
    /// By key.
    #[serde(default)]
    pub integrations: BTreeMap<String, DesiredIntegration>,
}

/// A project.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredProject {
    /// Its key: lower-case letters, digits, `-` and `_`.
    pub key: String,
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// Hours after which events of chains seen for the first time are marked historical; 24 when absent.
    pub historical_window_hours: Option<u32>,
}

/// An entitlement.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredEntitlement {
    /// Its name; the key when absent.
    pub name: Option<String>,
}

/// A product.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredProduct {
    /// Its name; the id when absent.
    pub name: Option<String>,
    /// Keys of the entitlements it unlocks.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

/// An app.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredApp {
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// `app_store`.
    pub store: String,
    /// Its bundle id.
    pub bundle_id: String,
    /// Its Apple id, a number; required for `production`.
    pub app_apple_id: Option<i64>,
    /// `production`, `sandbox`, `xcode`, `local_testing`; production and sandbox when absent.
    pub environments: Option<Vec<AppEnvironment>>,
    /// Root certificates, base64 DER, for `xcode` and `local_testing` only.
    #[serde(default)]
    pub local_roots: Vec<String>,
    /// Apple's share, in percent with up to two decimals as text: `"15"`, `"30"`.
    pub commission_percent: Option<String>,
    /// Ask Apple's OCSP responder whether signing certificates were revoked; off when absent.
    #[serde(default)]
    pub check_revocation: bool,
}

/// An integration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredIntegration {
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// Key of the destination: `webhook`, `slack`.
    pub destination: String,
    /// Keep deliveries, send none.
    #[serde(default)]
    pub paused: bool,
    /// Settings of the destination. A secret given as `"***"` stays as it is.
    #[serde(default)]
    pub settings: Value,
}

/// Something that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a path: `integrations.backend.settings.production_url`.
    pub path: Vec<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What happens to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Create,
    /// It differs.
    Update,
    /// It is as it should be.
    Keep,
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// To what: `integration backend`.
    pub subject: String,
    /// The change; `None` when nothing changes.
    pub change: Option<ConfigurationChange>,
}

/// What planning needs to know.
pub struct Means<'a> {
    /// What is.
    pub current: &'a Configuration,
    /// Opens and seals secrets.
    pub vault: &'a Vault,
    /// What destinations need to know.
    pub context: &'a Context,
    /// Makes fresh ids.
    pub fresh: &'a dyn Fn() -> Uuid,
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        })
}

struct Planner<'a> {
    means: &'a Means<'a>,
    project: ProjectId,
    steps: Vec<Step>,
    problems: Vec<Problem>,
}

/// Compares what should be with what is. Either a plan, in an order that can be applied, or every problem.
pub fn plan(desired: &Desired, means: &Means<'_>) -> Result<Vec<Step>, Vec<Problem>> {
    let known = means
        .current
        .projects
        .iter()
        .find(|project| project.key == desired.project.key);
    let project = known.map_or_else(|| ProjectId::new((means.fresh)()), |project| project.id);
    let mut planner = Planner {
        means,
        project,
        steps: Vec::new(),
        problems: Vec::new(),
    };
    planner.project(&desired.project, known);
    for (key, entitlement) in &desired.entitlements {
        planner.entitlement(key, entitlement);
    }
    for (id, product) in &desired.products {
        planner.product(id, product, desired);
    }
    for (key, app) in &desired.apps {
        planner.app(key, app);
    }
    for (key, integration) in &desired.integrations {
        planner.integration(key, integration);
    }
    if planner.problems.is_empty() {
        Ok(planner.steps)
    } else {
        Err(planner.problems)
    }
}

impl Planner<'_> {
    fn problem(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.push(Problem {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            message: message.into(),
        });
    }

    fn check_key(&mut self, path: &[&str], key: &str) {
        if !is_key(key) {
            self.problem(
                path,
                format!("{key:?} is not a key: use 1 to 64 lower-case letters, digits, - and _"),
            );
        }
    }

    fn step<T: PartialEq + Clone>(
        &mut self,
        subject: String,
        known: Option<&T>,
        wanted: T,
        change: impl FnOnce(T) -> ConfigurationChange,
    ) {
        let action = match known {
            None => Action::Create,
            Some(known) if *known == wanted => Action::Keep,
            Some(_) => Action::Update,
        };
        let change = (action != Action::Keep).then(|| change(wanted));
        self.steps.push(Step {
            action,
            subject,
            change,
        });
    }

    fn project(&mut self, desired: &DesiredProject, known: Option<&Project>) {
        self.check_key(&["project", "key"], &desired.key);
        let wanted = Project {
            id: self.project,
            key: desired.key.clone(),
            name: desired
                .name
                .clone()
                .unwrap_or_else(|| known.map_or(&desired.key, |known| &known.name).clone()),
            historical_window_hours: desired
                .historical_window_hours
                .unwrap_or_else(|| known.map_or(24, |known| known.historical_window_hours)),
        };
        self.step(
            format!("project {}", desired.key),
            known,
            wanted,
            ConfigurationChange::PutProject,
        );
    }

    fn entitlement(&mut self, key: &str, desired: &DesiredEntitlement) {
        self.check_key(&["entitlements", key], key);
        let (means, project) = (self.means, self.project);
        let known = means
            .current
            .entitlements
            .iter()
            .find(|known| known.project == project && known.key == key);
        let wanted = Entitlement {
            project,
            key: key.into(),
            name: desired.name.clone().unwrap_or_else(|| key.into()),
        };
        self.step(
            format!("entitlement {key}"),
            known,
            wanted,
            ConfigurationChange::PutEntitlement,
        );
    }

    fn product(&mut self, id: &str, desired: &DesiredProduct, all: &Desired) {
        if id.is_empty() || id.len() > 255 {
            self.problem(&["products", id], "a product id has 1 to 255 characters");
        }
        let (means, project) = (self.means, self.project);
        let exists = |key: &String| {
            all.entitlements.contains_key(key)
                || means
                    .current
                    .entitlements
                    .iter()
                    .any(|known| known.project == project && known.key == *key)
        };
        for missing in desired.entitlements.iter().filter(|key| !exists(key)) {
            self.problem(
                &["products", id, "entitlements"],
                format!("there is no entitlement {missing:?}; add [entitlements.{missing}]"),
            );
        }
        let known = means
            .current
            .products
            .iter()
            .find(|known| known.project == project && known.id == id);
        let wanted = Product {
            project,
            id: id.into(),
            name: desired.name.clone().unwrap_or_else(|| id.into()),
            entitlements: desired.entitlements.clone(),
        };
        self.step(
            format!("product {id}"),
            known,
            wanted,
            ConfigurationChange::PutProduct,
        );
    }

    fn app(&mut self, key: &str, desired: &DesiredApp) {
        self.check_key(&["apps", key], key);
        let (means, project) = (self.means, self.project);
        let Some(store) = Store::from_id(&desired.store) else {
            self.problem(
                &["apps", key, "store"],
                format!(
                    "{:?} is not a store this release knows; it knows \"app_store\"",
                    desired.store
                ),
            );
            return;
        };
        if desired.bundle_id.is_empty() {
            self.problem(
                &["apps", key, "bundle_id"],
                "is empty; it is the bundle id shown in App Store Connect, such as com.example.app",
            );
        }
        let environments = desired
            .environments
            .clone()
            .unwrap_or_else(|| vec![AppEnvironment::Production, AppEnvironment::Sandbox]);
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
        if is_production && desired.app_apple_id.is_none() {
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
        if !desired.local_roots.is_empty() && !is_local {
            self.problem(
                &["apps", key, "local_roots"],
                "roots of your own are trusted for xcode and local_testing only",
            );
        }
        if is_local && desired.local_roots.is_empty() {
            self.problem(
                &["apps", key, "local_roots"],
                "xcode and local_testing need the root certificate that signs them, base64 DER",
            );
        }
        let commission_basis_points = desired.commission_percent.as_deref().and_then(|percent| {
            let parsed = basis_points(percent);
            if parsed.is_none() {
                self.problem(
                    &["apps", key, "commission_percent"],
                    format!("{percent:?} is not a percentage such as \"15\" or \"30\""),
                );
            }
            parsed
        });
        let known = means
            .current
            .apps
            .iter()
            .find(|known| known.project == project && known.key == key);
        let wanted = App {
            id: known.map_or_else(|| AppId::new((means.fresh)()), |known| known.id),
            project,
            key: key.into(),
            name: desired.name.clone().unwrap_or_else(|| key.into()),
            store,
            settings: AppStoreSettings {
                bundle_id: desired.bundle_id.clone(),
                app_apple_id: desired.app_apple_id,
                environments,
                local_roots: desired.local_roots.clone(),
                commission_basis_points,
                check_revocation: desired.check_revocation,
            },
        };
        self.step(
            format!("app {key}"),
            known,
            wanted,
            ConfigurationChange::PutApp,
        );
    }

    fn integration(&mut self, key: &str, desired: &DesiredIntegration) {
        self.check_key(&["integrations", key], key);
        let (means, project) = (self.means, self.project);
        let Some(destination) = destinations::find(&desired.destination) else {
            let known: Vec<_> = destinations::ALL
                .iter()
                .map(|destination| destination.spec().key)
                .collect();
            self.problem(
                &["integrations", key, "destination"],
                format!(
                    "{:?} is not a destination; there are {}",
                    desired.destination,
                    known.join(", ")
                ),
            );
            return;
        };
        let spec = destination.spec();
        let known = means
            .current
            .integrations
            .iter()
            .find(|known| known.project == project && known.key == key);
        let id = known.map_or_else(|| IntegrationId::new((means.fresh)()), |known| known.id);
        let stored = known
            .and_then(|known| {
                means
                    .vault
                    .open_sealed(&id.to_string(), &known.sealed_settings)
                    .ok()
            })
            .and_then(|plain| serde_json::from_slice::<Value>(&plain).ok());
        let given = if desired.settings.is_null() {
            Value::Object(serde_json::Map::new())
        } else {
            desired.settings.clone()
        };
        let mut settings = merged_settings(spec, stored.as_ref(), &given);
        // A destination that signs gets a secret of its own unless one is given.
        let signs = spec
            .fields
            .iter()
            .find(|field| field.kind == FieldKind::Secrets);
        if let (Some(field), Some(object)) = (signs, settings.as_object_mut()) {
            let kept = stored
                .as_ref()
                .and_then(|stored| stored.get(field.name))
                .cloned();
            object.entry(field.name).or_insert_with(|| {
                kept.unwrap_or_else(|| Value::Array(vec![self.signing_secret().into()]))
            });
        }
        let handshakes = match destination.configure(&settings, means.context) {
            Ok(configured) => !configured.handshakes("").is_empty(),
            Err(problems) => {
                for problem in problems {
                    let path: Vec<&str> = ["integrations", key, "settings"]
                        .into_iter()
                        .chain(problem.field.split('.'))
                        .collect();
                    self.problem(&path, problem.problem);
                }
                return;
            }
        };
        let same_settings = stored.as_ref() == Some(&settings);
        let (sealed_settings, verification) = match known {
            Some(known) if same_settings => {
                (known.sealed_settings.clone(), known.verification.clone())
            }
            _ => (
                means
                    .vault
                    .seal(&id.to_string(), settings.to_string().as_bytes()),
                if handshakes {
                    Verification::Pending
                } else {
                    Verification::Passed
                },
            ),
        };
        let wanted = Integration {
            id,
            project,
            key: key.into(),
            name: desired.name.clone().unwrap_or_else(|| key.into()),
            destination: desired.destination.clone(),
            sealed_settings,
            paused: desired.paused,
            verification,
        };
        self.step(
            format!("integration {key}"),
            known,
            wanted,
            ConfigurationChange::PutIntegration,
        );
    }

    fn signing_secret(&self) -> String {
        let bytes = [
            *(self.means.fresh)().as_bytes(),
            *(self.means.fresh)().as_bytes(),
        ]
        .concat();
        destinations::webhook::secret_from(&bytes)
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
