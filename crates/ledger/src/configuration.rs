//! Configuration: projects, apps, products, entitlements, integrations and keys. Small, read whole, kept in memory.

use domain::{ApiKeyId, AppId, IntegrationId, ProjectId, Store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its key in configuration files, unique.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Events of chains first seen later than this many hours after they happened are marked historical.
    pub historical_window_hours: u32,
}

/// Which App Store environments an app accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppEnvironment {
    /// Real purchases.
    Production,
    /// Sandbox and `TestFlight`.
    Sandbox,
    /// Signed by Xcode.
    Xcode,
    /// Signed by a local test, such as the simulator.
    LocalTesting,
}

/// What an App Store app accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppStoreSettings {
    /// Its bundle id.
    pub bundle_id: String,
    /// Its Apple id; required for production.
    pub app_apple_id: Option<i64>,
    /// Environments it accepts.
    pub environments: Vec<AppEnvironment>,
    /// Root certificates, base64 DER, for Xcode and local testing only.
    #[serde(default)]
    pub local_roots: Vec<String>,
    /// Apple's commission in hundredths of a percent; unknown without it.
    #[serde(default)]
    pub commission_basis_points: Option<u32>,
    /// Ask Apple's OCSP responder whether signing certificates were revoked.
    #[serde(default)]
    pub check_revocation: bool,
}

/// An app of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its id; part of the callback URL.
    pub id: AppId,
    /// Its project.
    pub project: ProjectId,
    /// Its key, unique in the project.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its store.
    pub store: Store,
    /// What it accepts.
    pub settings: AppStoreSettings,
}

/// A product sold in the apps of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its project.
    pub project: ProjectId,
    /// The store's product id, unique in the project.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Keys of the entitlements it unlocks.
    pub entitlements: Vec<String>,
}

/// Something products unlock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Its project.
    pub project: ProjectId,
    /// Its key, unique in the project.
    pub key: String,
    /// Its name.
    pub name: String,
}

/// Whether an endpoint has shown that it is the integration's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Verification {
    /// The destination needs none, or it passed.
    Passed,
    /// Not tried yet.
    Pending,
    /// Tried, and what was wrong with the answer.
    Failed {
        /// What was wrong.
        problem: String,
        /// When.
        at: Timestamp,
    },
}

/// A destination configured in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Its project.
    pub project: ProjectId,
    /// Its key, unique in the project.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Key of the destination.
    pub destination: String,
    /// Settings, encrypted.
    pub sealed_settings: Vec<u8>,
    /// Paused by hand: deliveries are kept, none is sent.
    pub paused: bool,
    /// Whether its endpoint passed verification.
    pub verification: Verification,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read events, deliveries, customers and configuration.
    Read,
    /// Also resend, test and change configuration.
    Write,
}

/// An API key. Only a digest of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The only project it reaches; `None` reaches all.
    pub project: Option<ProjectId>,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal.
    pub digest: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
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
    pub integrations: Vec<Integration>,
    /// By creation.
    pub api_keys: Vec<ApiKey>,
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
    PutIntegration(Integration),
    /// Creates.
    PutApiKey(ApiKey),
    /// Removes a product from the project; what was bought stays.
    RemoveProduct(ProjectId, String),
    /// Removes an entitlement.
    RemoveEntitlement(ProjectId, String),
    /// Removes an integration; its unsent deliveries fail as disabled.
    RemoveIntegration(IntegrationId),
    /// Revokes a key.
    RemoveApiKey(ApiKeyId),
}

impl ConfigurationChange {
    /// What changes, for the audit log: kind and name, never a secret.
    pub fn subject(&self) -> (&'static str, String) {
        match self {
            Self::PutProject(project) => ("put project", project.key.clone()),
            Self::PutApp(app) => ("put app", app.key.clone()),
            Self::PutProduct(product) => ("put product", product.id.clone()),
            Self::PutEntitlement(entitlement) => ("put entitlement", entitlement.key.clone()),
            Self::PutIntegration(integration) => ("put integration", integration.key.clone()),
            Self::PutApiKey(key) => ("put api key", key.id.to_string()),
            Self::RemoveProduct(_, id) => ("remove product", id.clone()),
            Self::RemoveEntitlement(_, key) => ("remove entitlement", key.clone()),
            Self::RemoveIntegration(id) => ("remove integration", id.to_string()),
            Self::RemoveApiKey(id) => ("remove api key", id.to_string()),
        }
    }
}
