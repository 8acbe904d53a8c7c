//! An app, compiled: the way it hears and asks its store.

use configuration::{Vault, app_secrets};
use destinations::AppFacts;
use domain::{AppId, ProjectId, Store};
use ledger::{App, AppSettings, ExternalSettings};
use serde_json::{Map, Value};
use sources::{Source, stated::Stated};
use std::sync::Arc;
use uuid::Uuid;

/// Secrets of an app, by name.
pub type Secrets = Map<String, Value>;

/// Makes the source of an app from its row and its secrets, or says why its settings cannot be used.
pub type MakeSource = Box<dyn Fn(&App, &Secrets) -> Result<Arc<dyn Source>, String> + Send + Sync>;

/// Key of the app that grants belong to.
const GRANTS: &str = "grants";

/// Key of the app that simulated lives belong to.
const SIMULATOR: &str = "simulator";

/// An app, compiled.
pub struct AppSetup {
    /// Its row.
    pub row: App,
    /// The way it hears and asks its store, or why it cannot.
    pub source: Result<Arc<dyn Source>, String>,
    /// What destinations may have to say of it.
    pub facts: AppFacts,
}

impl AppSetup {
    /// The app that grants of a project belong to: every project has one, and none is stored.
    pub(super) fn grants(project: ProjectId) -> Self {
        Self {
            row: App {
                id: AppId::new(Uuid::new_v5(&project.uuid(), GRANTS.as_bytes())),
                project,
                key: GRANTS.into(),
                name: "Grants".into(),
                settings: AppSettings::Promotional,
                sealed_secrets: Vec::new(),
                commission: None,
            },
            source: Ok(Arc::new(Stated::new(Store::Promotional))),
            facts: AppFacts::default(),
        }
    }

    /// The app that simulated lives of a project belong to: every project has one, and none is stored.
    pub(super) fn simulator(project: ProjectId) -> Self {
        let settings = ExternalSettings {
            store_name: "Simulator".into(),
        };
        Self {
            row: App {
                id: AppId::new(Uuid::new_v5(&project.uuid(), SIMULATOR.as_bytes())),
                project,
                key: SIMULATOR.into(),
                name: "Simulator".into(),
                settings: AppSettings::External(settings),
                sealed_secrets: Vec::new(),
                commission: None,
            },
            source: Ok(Arc::new(Stated::new(Store::External))),
            facts: AppFacts::default(),
        }
    }

    /// One that is stored. It keeps its source if it did not change since `before`.
    pub(super) fn of(row: &App, before: Option<&Self>, vault: &Vault, make: &MakeSource) -> Self {
        let kept = before.filter(|known| known.row == *row && known.source.is_ok());
        let source = kept.map_or_else(|| source(row, vault, make), |known| known.source.clone());
        Self {
            row: row.clone(),
            source,
            facts: facts(&row.settings),
        }
    }
}

fn facts(settings: &AppSettings) -> AppFacts {
    match settings {
        AppSettings::AppStore(app) => AppFacts {
            bundle: Some(app.bundle_id.clone()),
            store_id: app.app_apple_id.map(|id| id.to_string()),
        },
        AppSettings::PlayStore(app) => AppFacts {
            bundle: Some(app.package.clone()),
            store_id: None,
        },
        AppSettings::Stripe(_) | AppSettings::External(_) | AppSettings::Promotional => {
            AppFacts::default()
        }
    }
}

fn source(row: &App, vault: &Vault, make: &MakeSource) -> Result<Arc<dyn Source>, String> {
    let made = app_secrets(vault, row).and_then(|secrets| make(row, &secrets));
    if let Err(problem) = &made {
        tracing::error!(app.id = %row.id, problem, "the app cannot hear its store");
    }
    made
}
