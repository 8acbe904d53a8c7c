//! The configuration in memory: read whole, compiled once, replaced when it changes. The hot path never asks the database.
//!
//! [`Compiler`] makes a [`Setup`] of rows. What cannot be used is no reason to stop: it stands in the result with the
//! reason, its messages wait and its deliveries are held.

mod app;
mod integration;

pub use app::{AppSetup, MakeSource, Secrets};
pub use integration::ActiveIntegration;
pub(crate) use integration::{LONGEST_LINGER, Limits};

use configuration::{Vault, app_secrets};
use destinations::{AppFacts, Timer};
use domain::{
    AppId, Event, IntegrationId, ProjectId, UserId,
    access::{Terms, Unlocks},
};
use ledger::{ApiKey, App, Configuration, Integration, Project, User};
use std::collections::{BTreeMap, BTreeSet};

/// A project, compiled.
pub struct ProjectSetup {
    /// Its row.
    pub row: Project,
    /// Which entitlements its products unlock.
    pub unlocks: Unlocks,
    /// For how long those are bought that are bought once for a time.
    pub terms: Terms,
    /// What its products are called, by the store's id.
    pub names: BTreeMap<String, String>,
    /// Its integrations.
    pub integrations: Vec<ActiveIntegration>,
    /// "Still active" events that any of them wants, and after how many days.
    pub timers: BTreeSet<Timer>,
}

impl ProjectSetup {
    /// With nothing in it yet.
    fn of(row: &Project) -> Self {
        Self {
            row: row.clone(),
            unlocks: Unlocks::new(),
            terms: Terms::new(),
            names: BTreeMap::new(),
            integrations: Vec::new(),
            timers: BTreeSet::new(),
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

    /// What is known of the app that an event comes from.
    pub fn facts(&self, event: &Event) -> &AppFacts {
        self.facts_of(event.project, event.app.as_ref().map(|app| app.id))
    }

    /// The same of an app of a project; where there is none, as for a test, of the first that says anything.
    pub fn facts_of(&self, project: ProjectId, app: Option<AppId>) -> &AppFacts {
        let says =
            |known: &&AppSetup| known.row.project == project && known.facts != *AppFacts::UNKNOWN;
        let found = match app {
            Some(id) => self.app(id),
            None => self.apps.values().find(says),
        };
        found.map_or(AppFacts::UNKNOWN, |app| &app.facts)
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
        let secrets = app_secrets(vault, app).unwrap_or_default();
        secrets.into_iter().map(|(name, _)| name).collect()
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

/// What a test puts in place of an integration.
#[cfg(feature = "test")]
pub(crate) type Dress = Box<dyn Fn(ActiveIntegration) -> ActiveIntegration + Send + Sync>;

/// What configuration is compiled with.
pub(crate) struct Compiler {
    /// Opens secrets.
    pub(crate) vault: Vault,
    /// Where people reach this installation, without a trailing slash.
    pub(crate) public_url: String,
    /// Makes the source of an app.
    pub(crate) make_source: MakeSource,
    /// What a test puts in place of integrations.
    #[cfg(feature = "test")]
    pub(crate) dress: guarded::Guarded<Option<Dress>>,
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
                project
                    .names
                    .insert(product.id.clone(), product.name.clone());
                if let Some(term) = &product.duration {
                    project.terms.insert(product.id.clone(), term.clone());
                }
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
        let stored = configuration.apps.iter().map(|row| {
            let before = before.and_then(|before| before.app(row.id));
            AppSetup::of(row, before, &self.vault, &self.make_source)
        });
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

    fn integration(&self, row: &Integration) -> Option<ActiveIntegration> {
        let integration = ActiveIntegration::of(row, &self.vault, &self.public_url)?;
        #[cfg(feature = "test")]
        let integration = match &*self.dress.lock() {
            Some(dress) => dress(integration),
            None => integration,
        };
        Some(integration)
    }
}
