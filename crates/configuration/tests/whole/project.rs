//! A configuration that documents are applied to.

use configuration::{Action, Desired, Means, Problem, Stored, Vault};
use ledger::{App, Configuration, ConfigurationChange, Integration};
use serde_json::{Map, Value, json};
use std::cell::Cell;
use uuid::Uuid;

pub(crate) struct Project {
    pub(crate) current: Configuration,
    pub(crate) vault: Vault,
    ids: Cell<u128>,
}

impl Project {
    /// One with what a document says.
    pub(crate) fn new(document: Value) -> Self {
        let mut project = Self {
            current: Configuration::default(),
            vault: Vault::with_key([1; 32]),
            ids: Cell::new(0),
        };
        project.apply(document).unwrap();
        project
    }

    /// Applies a document; answers what was done to its last thing.
    pub(crate) fn apply(&mut self, mut document: Value) -> Result<Action, Vec<Problem>> {
        if document.get("project").is_none() {
            document["project"] = json!({ "key": "acme" });
        }
        let desired: Desired = serde_json::from_value(document).unwrap();
        let fresh = || {
            self.ids.set(self.ids.get() + 1);
            Uuid::from_u128(self.ids.get())
        };
        let means = Means {
            current: &self.current,
            vault: &self.vault,
            public_url: "",
            fresh: &fresh,
        };
        let steps = configuration::plan(&desired, &means)?;
        let last = steps.last().unwrap().action;
        for change in steps.into_iter().filter_map(|step| step.change) {
            self.put(change);
        }
        Ok(last)
    }

    /// Every problem of a document that cannot be applied, as `path: message`.
    pub(crate) fn problems(&mut self, document: Value) -> Vec<String> {
        let problems = self.apply(document).unwrap_err();
        problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path.join("."), problem.message))
            .collect()
    }

    fn put(&mut self, change: ConfigurationChange) {
        let current = &mut self.current;
        match change {
            ConfigurationChange::PutProject(row) => {
                current.projects.retain(|known| known.id != row.id);
                current.projects.push(row);
            }
            ConfigurationChange::PutApp(row) => {
                current.apps.retain(|known| known.id != row.id);
                current.apps.push(row);
            }
            ConfigurationChange::PutProduct(row) => {
                current.products.retain(|known| known.id != row.id);
                current.products.push(row);
            }
            ConfigurationChange::PutEntitlement(row) => {
                current.entitlements.retain(|known| known.key != row.key);
                current.entitlements.push(row);
            }
            ConfigurationChange::PutOffering(row) => {
                current.offerings.retain(|known| known.key != row.key);
                current.offerings.push(row);
            }
            ConfigurationChange::PutIntegration(row) => {
                current.integrations.retain(|known| known.id != row.id);
                current.integrations.push(row);
            }
            other => panic!("a document makes no such change: {other:?}"),
        }
    }

    pub(crate) fn app(&self, key: &str) -> &App {
        self.current.apps.iter().find(|row| row.key == key).unwrap()
    }

    pub(crate) fn integration(&self, key: &str) -> &Integration {
        let rows = &self.current.integrations;
        rows.iter().find(|row| row.key == key).unwrap()
    }

    /// Everything an app is set up with, secrets included.
    pub(crate) fn app_settings(&self, key: &str) -> Map<String, Value> {
        Stored::of_app(&self.vault, self.app(key)).settings
    }

    /// Everything an integration is set up with, secrets included.
    pub(crate) fn integration_settings(&self, key: &str) -> Map<String, Value> {
        Stored::of_integration(&self.vault, self.integration(key)).settings
    }
}
