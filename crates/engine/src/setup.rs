//! The configuration in memory: read whole, compiled once, replaced when it changes. The hot path never asks the database.

use crate::{Parts, Vault};
use destinations::{Configured, Context, Destination, FieldKind, Spec};
use domain::{AppId, EventKind, IntegrationId, ProjectId, access::Unlocks};
use ledger::{ApiKey, App, Configuration, Integration, LedgerError, Project, Verification};
use serde_json::{Map, Value};
use sources::Receiver;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Makes the receiver of an app, or says why its settings cannot be used.
pub type MakeReceiver = Box<dyn Fn(&App) -> Result<Arc<dyn Receiver>, String> + Send + Sync>;

/// A project, compiled.
pub struct ProjectSetup {
    /// Its row.
    pub row: Project,
    /// Which entitlements its products unlock.
    pub unlocks: Unlocks,
    /// Its integrations.
    pub integrations: Vec<ActiveIntegration>,
    /// "Still active" events that any of them wants, and after how many days.
    pub timers: BTreeSet<(EventKind, u32)>,
}

/// An app, compiled.
pub struct AppSetup {
    /// Its row.
    pub row: App,
    /// Its receiver, or why it cannot receive.
    pub receiver: Result<Arc<dyn Receiver>, String>,
}

/// An integration, compiled.
#[derive(Clone)]
pub struct ActiveIntegration {
    /// Its row.
    pub row: Arc<Integration>,
    /// Its destination.
    pub spec: &'static Spec,
    /// The destination with its settings, or why they cannot be used.
    pub configured: Result<Arc<dyn Configured>, String>,
}

impl ActiveIntegration {
    /// Why deliveries are held, if they are.
    pub fn held(&self) -> Option<domain::NotSent> {
        match (&self.configured, &self.row.verification) {
            _ if self.row.paused => Some(domain::NotSent::IntegrationPaused),
            (Err(_), _) => Some(domain::NotSent::MissingCredentials),
            (Ok(_), Verification::Pending | Verification::Failed { .. }) => {
                Some(domain::NotSent::EndpointUnverified)
            }
            (Ok(_), Verification::Passed) => None,
        }
    }
}

/// All configuration, compiled.
pub struct Setup {
    /// The rows.
    pub configuration: Configuration,
    projects: BTreeMap<ProjectId, ProjectSetup>,
    apps: BTreeMap<AppId, AppSetup>,
}

impl Setup {
    pub(crate) async fn read(parts: &Parts) -> Result<Self, LedgerError> {
        let configuration = parts.ledger.configuration().await?;
        let context = Context {
            public_url: parts.public_url.clone(),
        };
        let mut projects: BTreeMap<_, _> = configuration
            .projects
            .iter()
            .map(|row| {
                (
                    row.id,
                    ProjectSetup {
                        row: row.clone(),
                        unlocks: Unlocks::new(),
                        integrations: Vec::new(),
                        timers: BTreeSet::new(),
                    },
                )
            })
            .collect();
        for product in &configuration.products {
            if let Some(project) = projects.get_mut(&product.project) {
                project
                    .unlocks
                    .insert(product.id.clone(), product.entitlements.clone());
            }
        }
        for row in &configuration.integrations {
            let Some(destination) = destinations::find(&row.destination) else {
                tracing::error!(integration.id = %row.id, destination.key = row.destination, "the destination is unknown to this release; its events are not sent");
                continue;
            };
            let configured = configure(destination, row, &parts.vault, &context);
            if let Err(problem) = &configured {
                tracing::error!(integration.id = %row.id, problem, "the settings cannot be used; its deliveries are held");
            }
            if let Some(project) = projects.get_mut(&row.project) {
                project
                    .timers
                    .extend(configured.iter().flat_map(|configured| configured.timers()));
                project.integrations.push(ActiveIntegration {
                    row: Arc::new(row.clone()),
                    spec: destination.spec(),
                    configured,
                });
            }
        }
        let receiver = |row: &App| {
            let made = (parts.make_receiver)(row);
            if let Err(problem) = &made {
                tracing::error!(app.id = %row.id, problem, "the app cannot receive notifications");
            }
            made
        };
        let apps = configuration
            .apps
            .iter()
            .map(|row| {
                (
                    row.id,
                    AppSetup {
                        row: row.clone(),
                        receiver: receiver(row),
                    },
                )
            })
            .collect();
        Ok(Self {
            configuration,
            projects,
            apps,
        })
    }

    /// Raised by every change of configuration.
    pub fn revision(&self) -> u64 {
        self.configuration.revision
    }

    /// One project.
    pub fn project(&self, id: ProjectId) -> Option<&ProjectSetup> {
        self.projects.get(&id)
    }

    /// The project with an id or key.
    pub fn find_project(&self, name: &str) -> Option<&ProjectSetup> {
        self.projects
            .values()
            .find(|project| project.row.key == name || project.row.id.to_string() == name)
    }

    /// All projects.
    pub fn projects(&self) -> impl Iterator<Item = &ProjectSetup> {
        self.projects.values()
    }

    /// One app.
    pub fn app(&self, id: AppId) -> Option<&AppSetup> {
        self.apps.get(&id)
    }

    /// One integration.
    pub fn integration(&self, id: IntegrationId) -> Option<&ActiveIntegration> {
        self.integrations()
            .find(|integration| integration.row.id == id)
    }

    /// All integrations.
    pub fn integrations(&self) -> impl Iterator<Item = &ActiveIntegration> {
        self.projects
            .values()
            .flat_map(|project| &project.integrations)
    }

    /// The key with this digest.
    pub fn api_key(&self, digest: &str) -> Option<&ApiKey> {
        self.configuration
            .api_keys
            .iter()
            .find(|key| key.digest == digest)
    }
}

fn configure(
    destination: &dyn Destination,
    row: &Integration,
    vault: &Vault,
    context: &Context,
) -> Result<Arc<dyn Configured>, String> {
    let settings = vault
        .open_sealed(&row.id.to_string(), &row.sealed_settings)
        .map_err(|error| error.to_string())?;
    let settings: Value = serde_json::from_slice(&settings).map_err(|error| error.to_string())?;
    let configured = destination.configure(&settings, context);
    configured.map(Arc::from).map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })
}

/// Settings as they may be shown: every secret replaced by `"***"`.
pub fn masked_settings(spec: &Spec, settings: &Value) -> Value {
    let mut shown = settings.clone();
    for field in spec
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Secret | FieldKind::Secrets))
    {
        match shown.get_mut(field.name) {
            Some(Value::Array(values)) => values.iter_mut().for_each(|value| *value = "***".into()),
            Some(value) if !value.is_null() && value.as_str() != Some("") => *value = "***".into(),
            _ => {}
        }
    }
    shown
}

/// New settings in which a secret given as `"***"` means the one already stored.
pub fn merged_settings(spec: &Spec, stored: Option<&Value>, given: &Value) -> Value {
    let mut merged = given.clone();
    let Some(object) = merged.as_object_mut() else {
        return merged;
    };
    let stored = stored
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_else(Map::new);
    for field in spec
        .fields
        .iter()
        .filter(|field| matches!(field.kind, FieldKind::Secret | FieldKind::Secrets))
    {
        let known = stored.get(field.name).cloned();
        match (object.get_mut(field.name), known) {
            (Some(Value::Array(values)), Some(Value::Array(known))) => {
                for (value, known) in values
                    .iter_mut()
                    .zip(known)
                    .filter(|(value, _)| value.as_str() == Some("***"))
                {
                    *value = known;
                }
            }
            (Some(value), Some(known)) if value.as_str() == Some("***") => *value = known,
            _ => {}
        }
    }
    merged
}
