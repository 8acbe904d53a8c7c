//! The configuration in memory: read whole, compiled once, replaced when it changes. The hot path never asks the database.

use crate::dispatch::lane::{LEASE, Limits};
use configuration::Vault;
use destinations::{Configured, Context, Destination, Spec};
use domain::{AppId, EventKind, IntegrationId, ProjectId, Store, UserId, access::Unlocks};
use jiff::Timestamp;
use ledger::{
    ApiKey, App, AppSettings, Configuration, ExternalSettings, Integration, Project, User,
    Verification,
};
use serde_json::{Map, Value};
use sources::{Source, stated::Stated};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// Secrets of an app, by name.
pub type Secrets = Map<String, Value>;

/// Makes the source of an app from its row and its secrets, or says why its settings cannot be used.
pub type MakeSource = Box<dyn Fn(&App, &Secrets) -> Result<Arc<dyn Source>, String> + Send + Sync>;

/// Key of the app that grants belong to.
pub(crate) const GRANTS: &str = "grants";

/// Key of the app that simulated lives belong to.
const SIMULATOR: &str = "simulator";

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

impl ProjectSetup {
    /// With nothing in it yet.
    fn of(row: &Project) -> Self {
        Self {
            row: row.clone(),
            unlocks: Unlocks::new(),
            integrations: Vec::new(),
            timers: BTreeSet::new(),
        }
    }
}

/// An app, compiled.
pub struct AppSetup {
    /// Its row.
    pub row: App,
    /// The way it hears and asks its store, or why it cannot.
    pub source: Result<Arc<dyn Source>, String>,
}

impl AppSetup {
    /// The app that grants of a project belong to: every project has one, and none is stored.
    fn grants(project: ProjectId) -> Self {
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
        }
    }

    /// The app that simulated lives of a project belong to: every project has one, and none is stored.
    fn simulator(project: ProjectId) -> Self {
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
        }
    }
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
    /// How long an answer is waited for.
    pub(crate) fn timeout(&self) -> Duration {
        let configured = self.configured.as_ref();
        configured.map_or(Duration::from_secs(10), |configured| configured.timeout())
    }

    /// What the endpoint may be asked, by all nodes together.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            concurrency: self.spec.concurrency,
            per_second: match &self.configured {
                Ok(configured) => configured.max_per_second(),
                // Its deliveries are held.
                Err(_) => None,
            },
        }
    }

    /// Until when a delivery taken up at `now` is this node's.
    pub(crate) fn lease_until(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(LEASE)
            .and_then(|until| until.saturating_add(self.timeout()))
            .unwrap_or(now)
    }

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
    /// Where each integration stands in its project.
    places: BTreeMap<IntegrationId, (ProjectId, usize)>,
    apps: BTreeMap<AppId, AppSetup>,
}

/// What configuration is compiled with.
pub(crate) struct Compiler {
    /// Opens secrets.
    pub(crate) vault: Vault,
    /// Where people reach this installation, without a trailing slash.
    pub(crate) public_url: String,
    /// Makes the source of an app.
    pub(crate) make_source: MakeSource,
}

impl Compiler {
    /// Compiles configuration. What cannot be used is said so here, and stands in the result with the reason.
    ///
    /// Apps that did not change since `before` keep their sources, and with them the keys and tokens these remember.
    pub(crate) fn compile(&self, configuration: Configuration, before: Option<&Setup>) -> Setup {
        let mut projects: BTreeMap<_, _> = configuration
            .projects
            .iter()
            .map(|row| (row.id, ProjectSetup::of(row)))
            .collect();
        for product in &configuration.products {
            if let Some(project) = projects.get_mut(&product.project) {
                project
                    .unlocks
                    .insert(product.id.clone(), product.entitlements.clone());
            }
        }
        let mut places = BTreeMap::new();
        for row in &configuration.integrations {
            let Some(project) = projects.get_mut(&row.project) else {
                continue;
            };
            if let Some(integration) = self.integration(row) {
                let timers = integration.configured.iter().flat_map(|is| is.timers());
                project.timers.extend(timers);
                places.insert(row.id, (row.project, project.integrations.len()));
                project.integrations.push(integration);
            }
        }
        let stored = configuration.apps.iter().map(|row| self.app(row, before));
        let built_in = projects
            .keys()
            .flat_map(|project| [AppSetup::grants(*project), AppSetup::simulator(*project)]);
        let apps = stored.chain(built_in);
        let apps = apps.map(|app| (app.row.id, app)).collect();
        Setup {
            configuration,
            projects,
            places,
            apps,
        }
    }

    fn app(&self, row: &App, before: Option<&Setup>) -> AppSetup {
        let kept = before
            .and_then(|before| before.app(row.id))
            .filter(|known| known.row == *row && known.source.is_ok());
        let source = kept.map_or_else(|| self.source(row), |known| known.source.clone());
        AppSetup {
            row: row.clone(),
            source,
        }
    }

    fn source(&self, row: &App) -> Result<Arc<dyn Source>, String> {
        let secrets = secrets(&self.vault, row);
        let made = secrets.and_then(|secrets| (self.make_source)(row, &secrets));
        if let Err(problem) = &made {
            tracing::error!(app.id = %row.id, problem, "the app cannot hear its store");
        }
        made
    }

    /// `None` for a destination that only a newer release knows.
    fn integration(&self, row: &Integration) -> Option<ActiveIntegration> {
        let Some(destination) = destinations::find(&row.destination) else {
            tracing::error!(integration.id = %row.id, destination.key = row.destination, "the destination is unknown to this release; its events are not sent");
            return None;
        };
        let context = Context {
            public_url: self.public_url.clone(),
        };
        let configured = configure(destination, row, &self.vault, &context);
        if let Err(problem) = &configured {
            tracing::error!(integration.id = %row.id, problem, "the settings cannot be used; its deliveries are held");
        }
        Some(ActiveIntegration {
            row: Arc::new(row.clone()),
            spec: destination.spec(),
            configured,
        })
    }
}

impl Setup {
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

    /// The app that grants of a project belong to.
    pub fn grants(&self, project: ProjectId) -> Option<&AppSetup> {
        self.app(AppSetup::grants(project).row.id)
    }

    /// The app that simulated lives of a project belong to.
    pub fn simulator(&self, project: ProjectId) -> Option<&AppSetup> {
        self.app(AppSetup::simulator(project).row.id)
    }

    /// All apps, those of grants and of simulated lives included.
    pub fn apps(&self) -> impl Iterator<Item = &AppSetup> {
        self.apps.values()
    }

    /// Names of the secrets stored for an app.
    pub fn secret_names(&self, vault: &Vault, app: &App) -> Vec<String> {
        secrets(vault, app).map_or_else(|_| Vec::new(), |secrets| secrets.keys().cloned().collect())
    }

    /// One integration.
    pub fn integration(&self, id: IntegrationId) -> Option<&ActiveIntegration> {
        let (project, place) = self.places.get(&id)?;
        self.projects.get(project)?.integrations.get(*place)
    }

    /// All integrations.
    pub fn integrations(&self) -> impl Iterator<Item = &ActiveIntegration> {
        self.projects
            .values()
            .flat_map(|project| &project.integrations)
    }

    /// Somebody who may sign in.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.configuration.users.iter().find(|user| user.id == id)
    }

    /// The key with this digest.
    pub fn api_key(&self, digest: &str) -> Option<&ApiKey> {
        self.configuration
            .api_keys
            .iter()
            .find(|key| key.digest == digest)
    }
}

fn secrets(vault: &Vault, row: &App) -> Result<Secrets, String> {
    if row.sealed_secrets.is_empty() {
        return Ok(Secrets::new());
    }
    let json = vault
        .open_sealed(&row.id.to_string(), &row.sealed_secrets)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| error.to_string())
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
