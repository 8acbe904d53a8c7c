//! Configuration as it should be: checked, compared with what is, and turned into changes.
//!
//! The management API and `tidings apply` both go through here, so both accept the same things and say the same about
//! what is wrong. Nothing is removed that is not named for removal.

use crate::{Vault, merged_settings};
use destinations::{Context, FieldKind};
use domain::{IntegrationId, ProjectId};
use ledger::{
    Configuration, ConfigurationChange, Entitlement, Integration, Product, Project,
    TransferBehaviour, Verification,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
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
    /// What happens to a purchase that another customer sends in: `transfer` (when absent), `transfer_if_inactive`, `keep`
    /// or `share`.
    pub transfer_behaviour: Option<TransferBehaviour>,
    /// The same in the sandbox; like production when absent.
    pub sandbox_transfer_behaviour: Option<TransferBehaviour>,
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

/// An app. Which settings it has depends on its store; docs/stores.md lists them.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct DesiredApp {
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// `app_store`, `play_store`, `stripe` or `external`.
    pub store: String,
    /// What the store keeps: `standard`, `small_business`, or percent with up to two decimals as text, `"15"`.
    pub commission: Option<String>,
    /// The settings of its store. A secret given as `"***"` stays as it is.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
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

pub(crate) struct Planner<'a> {
    pub(crate) means: &'a Means<'a>,
    pub(crate) project: ProjectId,
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
    pub(crate) fn problem(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.push(Problem {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            message: message.into(),
        });
    }

    pub(crate) fn check_key(&mut self, path: &[&str], key: &str) {
        if !is_key(key) {
            self.problem(
                path,
                format!("{key:?} is not a key: use 1 to 64 lower-case letters, digits, - and _"),
            );
        }
    }

    pub(crate) fn step<T: PartialEq + Clone>(
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
            transfer_behaviour: desired.transfer_behaviour.unwrap_or_else(|| {
                known.map_or_else(Default::default, |known| known.transfer_behaviour)
            }),
            sandbox_transfer_behaviour: desired
                .sandbox_transfer_behaviour
                .or_else(|| known?.sandbox_transfer_behaviour),
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
            Value::Object(Map::new())
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
