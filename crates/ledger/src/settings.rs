//! What is set up: read whole, kept in memory, changed against a revision. And what is remembered beside it: exchange rates, and how far
//! something periodic has come.

mod app;
mod catalog;
mod integration;
mod key;
mod project;

pub use app::*;
pub use catalog::*;
pub use integration::*;
pub use key::*;
pub use project::*;

use crate::{About, Deed, Invitation, Requeue, Result, User, UserPart};
use async_trait::async_trait;
use domain::{ApiKeyId, AppId, IntegrationId, ProjectId, UserId, rates::Rate};
use jiff::Timestamp;

/// Configuration, exchange rates and marks.
#[async_trait]
pub trait Settings: Send + Sync + 'static {
    /// All configuration, with its revision.
    async fn configuration(&self) -> Result<Configuration>;
    /// The revision of the configuration; cheap.
    async fn configuration_revision(&self) -> Result<u64>;
    /// Applies changes together, if the configuration is still at `revision`; `false` when it moved.
    async fn configure(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        self.configure_and_requeue(revision, changes, Vec::new(), by, now)
            .await
    }
    /// The same, and tries deliveries again that failed as long as it was not so: both, or neither.
    async fn configure_and_requeue(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        again: Vec<Requeue>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool>;
    /// Every exchange rate known.
    async fn rates(&self) -> Result<Vec<Rate>>;
    /// Adds exchange rates, replacing those of the same day and currency.
    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()>;
    /// How far something periodic has come for an app.
    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>>;
    /// Remembers how far it has come.
    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()>;
    /// Which key took the place of a lost one, by its fingerprint; `None` where none did.
    async fn replaced_key(&self) -> Result<Option<u64>>;
    /// Remembers that the key with this fingerprint, at most `i64::MAX`, takes the place of a lost one, with an entry in the log of what was done.
    async fn replace_key(&self, fingerprint: u64, by: &str, now: Timestamp) -> Result<()>;
}

/// All configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Raised by every change.
    pub revision: u64,
    /// By key.
    pub projects: Vec<Project>,
    /// By key.
    pub apps: Vec<App>,
    /// By id.
    pub products: Vec<Product>,
    /// By key.
    pub entitlements: Vec<Entitlement>,
    /// By key.
    pub offerings: Vec<Offering>,
    /// By key.
    pub integrations: Vec<Integration>,
    /// By creation.
    pub api_keys: Vec<ApiKey>,
    /// By e-mail address.
    pub users: Vec<User>,
    /// Links that were not used yet.
    pub invitations: Vec<Invitation>,
}

/// One change of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationChange {
    /// Creates or replaces.
    PutProject(Project),
    /// Creates or replaces.
    PutApp(App),
    /// Creates or replaces.
    PutProduct(Product),
    /// Creates or replaces.
    PutEntitlement(Entitlement),
    /// Creates or replaces.
    PutOffering(Offering),
    /// Creates or replaces.
    PutIntegration(Integration),
    /// Creates.
    PutApiKey(ApiKey),
    /// Removes a product from the project; what was bought stays.
    RemoveProduct(ProjectId, String),
    /// Removes an entitlement.
    RemoveEntitlement(ProjectId, String),
    /// Removes an offering.
    RemoveOffering(ProjectId, String),
    /// Removes an integration; its unsent deliveries fail as disabled.
    RemoveIntegration(IntegrationId),
    /// Revokes a key.
    RemoveApiKey(ApiKeyId),
    /// Creates or replaces.
    PutUser(User),
    /// Changes a part of the one with this id and address, and nothing else. A new password ends every session.
    ChangeUser(UserId, String, UserPart),
    /// Removes somebody and ends every session.
    RemoveUser(UserId),
    /// Creates.
    PutInvitation(Invitation),
    /// Used, or withdrawn.
    RemoveInvitation(Invitation),
}

/// The entry in the log of [`Settings::replace_key`].
pub const fn key_replaced(by: &str, now: Timestamp) -> Deed<'_> {
    Deed {
        at: now,
        who: by,
        what: "replace the key of secrets",
        subject: "",
        project: None,
        about: About::Installation,
    }
}

/// What the audit log calls a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What was done.
    pub what: &'static str,
    /// To what, or whom.
    pub subject: String,
}

impl ConfigurationChange {
    /// What it is called in the audit log; never a secret.
    pub fn named(&self) -> Named {
        let (what, subject) = match self {
            Self::PutProject(project) => ("put project", project.key.clone()),
            Self::PutApp(app) => ("put app", app.key.clone()),
            Self::PutProduct(product) => ("put product", product.id.clone()),
            Self::PutEntitlement(entitlement) => ("put entitlement", entitlement.key.clone()),
            Self::PutOffering(offering) => ("put offering", offering.key.clone()),
            Self::PutIntegration(integration) => ("put integration", integration.key.clone()),
            Self::PutApiKey(key) => ("put api key", key.id.to_string()),
            Self::RemoveProduct(_, id) => ("remove product", id.clone()),
            Self::RemoveEntitlement(_, key) => ("remove entitlement", key.clone()),
            Self::RemoveOffering(_, key) => ("remove offering", key.clone()),
            Self::RemoveIntegration(id) => ("remove integration", id.to_string()),
            Self::RemoveApiKey(id) => ("remove api key", id.to_string()),
            Self::PutUser(user) => ("put user", user.email.clone()),
            Self::ChangeUser(_, email, UserPart::Role(_)) => ("change role", email.clone()),
            Self::ChangeUser(_, email, UserPart::Password(_)) => ("change password", email.clone()),
            Self::ChangeUser(_, email, UserPart::Rehashed(_)) => ("rehash password", email.clone()),
            Self::RemoveUser(id) => ("remove user", id.to_string()),
            Self::PutInvitation(invitation) => ("invite", invitation.email.clone()),
            Self::RemoveInvitation(invitation) => ("end invitation", invitation.email.clone()),
        };
        Named { what, subject }
    }

    /// The project it concerns, as far as it says; what is known by its id alone does not. `None` also for what concerns all.
    pub const fn project(&self) -> Option<ProjectId> {
        match self {
            Self::PutProject(project) => Some(project.id),
            Self::PutApp(app) => Some(app.project),
            Self::PutProduct(product) => Some(product.project),
            Self::PutEntitlement(entitlement) => Some(entitlement.project),
            Self::PutOffering(offering) => Some(offering.project),
            Self::PutIntegration(integration) => Some(integration.project),
            Self::PutApiKey(key) => key.project,
            Self::PutUser(user) => user.project,
            Self::PutInvitation(invitation) | Self::RemoveInvitation(invitation) => {
                invitation.project
            }
            Self::RemoveProduct(project, _)
            | Self::RemoveEntitlement(project, _)
            | Self::RemoveOffering(project, _) => Some(*project),
            Self::RemoveIntegration(_)
            | Self::RemoveApiKey(_)
            | Self::RemoveUser(_)
            | Self::ChangeUser(..) => None,
        }
    }
}
