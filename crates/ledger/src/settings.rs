//! Configuration: projects, apps, products, entitlements, integrations and keys. Small, read whole, kept in memory.

use crate::{Invitation, User};
use domain::{ApiKeyId, AppId, IntegrationId, ProjectId, Store, UserId};
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
    /// What happens to a purchase that another customer sends in.
    #[serde(default)]
    pub transfer_behaviour: TransferBehaviour,
    /// The same in the sandbox; like production when absent.
    #[serde(default)]
    pub sandbox_transfer_behaviour: Option<TransferBehaviour>,
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

/// What an App Store app accepts, and how its store is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppStoreSettings {
    /// Its bundle id.
    pub bundle_id: String,
    /// Its Apple id, a number; required for production.
    pub app_apple_id: Option<i64>,
    /// Environments it accepts; production and sandbox when absent.
    #[serde(default = "AppEnvironment::usual")]
    pub environments: Vec<AppEnvironment>,
    /// Root certificates, base64 DER, for Xcode and local testing only.
    #[serde(default)]
    pub local_roots: Vec<String>,
    /// Ask Apple's OCSP responder whether signing certificates were revoked.
    #[serde(default)]
    pub check_revocation: bool,
    /// Issuer id of the App Store Server API key.
    #[serde(default)]
    pub api_issuer: Option<String>,
    /// Id of the key.
    #[serde(default)]
    pub api_key_id: Option<String>,
    /// Where the API is, when it is not Apple's.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl AppEnvironment {
    fn usual() -> Vec<Self> {
        vec![Self::Production, Self::Sandbox]
    }
}

/// How a Google Play app is heard and asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayStoreSettings {
    /// Its package name.
    pub package: String,
    /// E-mail of the service account that the Pub/Sub subscription authenticates with.
    #[serde(default)]
    pub push_service_account: Option<String>,
    /// Audience set on the subscription; the callback URL when absent.
    #[serde(default)]
    pub push_audience: Option<String>,
    /// Where the keys are that sign push tokens, when they are not Google's.
    #[serde(default)]
    pub push_keys_url: Option<String>,
    /// Believe pushes without a token. For development only.
    #[serde(default)]
    pub push_unauthenticated: bool,
    /// Acknowledge new purchases; off where the app does it.
    #[serde(default)]
    pub acknowledge: bool,
    /// Where the API is, when it is not Google's.
    #[serde(default)]
    pub api_url: Option<String>,
}

/// Where Stripe keeps the app's name for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StripeOwner {
    /// Metadata of the subscription.
    SubscriptionMetadata,
    /// Metadata of the checkout session.
    SessionMetadata,
    /// `client_reference_id` of the checkout session.
    ClientReferenceId,
    /// Metadata of the customer.
    CustomerMetadata,
    /// The customer's Stripe id.
    CustomerId,
}

/// How a Stripe account is heard and asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeSettings {
    /// Metadata key that holds the app's name for a customer.
    #[serde(default = "StripeSettings::usual_owner_key")]
    pub owner_key: String,
    /// Where the name is looked for; the first found wins.
    #[serde(default = "StripeSettings::usual_owner_sources")]
    pub owner_sources: Vec<StripeOwner>,
    /// Keep access while Stripe retries a failed charge.
    #[serde(default)]
    pub past_due_access: bool,
    /// Take payments made without Checkout for purchases.
    #[serde(default)]
    pub bare_payments: bool,
    /// How many seconds old a signature may be.
    #[serde(default = "StripeSettings::usual_tolerance")]
    pub tolerance_seconds: u32,
    /// Where the API is, when it is not Stripe's.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl StripeSettings {
    fn usual_owner_key() -> String {
        "app_user_id".into()
    }
    fn usual_owner_sources() -> Vec<StripeOwner> {
        vec![
            StripeOwner::SubscriptionMetadata,
            StripeOwner::SessionMetadata,
            StripeOwner::ClientReferenceId,
            StripeOwner::CustomerMetadata,
        ]
    }
    const fn usual_tolerance() -> u32 {
        300
    }
}

/// A store of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalSettings {
    /// What it is called in payloads: `paddle`, `amazon`, `my_shop`.
    pub store_name: String,
}

/// Settings of an app, by store. None of them is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum AppSettings {
    /// App Store.
    AppStore(AppStoreSettings),
    /// Google Play.
    PlayStore(PlayStoreSettings),
    /// Stripe.
    Stripe(StripeSettings),
    /// Any other store.
    External(ExternalSettings),
    /// Access given by hand; every project has one such app, which is not stored.
    Promotional,
}

impl AppSettings {
    /// The store they are for.
    pub const fn store(&self) -> Store {
        match self {
            Self::AppStore(_) => Store::AppStore,
            Self::PlayStore(_) => Store::PlayStore,
            Self::Stripe(_) => Store::Stripe,
            Self::External(_) => Store::External,
            Self::Promotional => Store::Promotional,
        }
    }
}

/// What a store keeps of each sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commission {
    /// The store's standard terms.
    Standard,
    /// Its programme for small businesses.
    SmallBusiness,
    /// A share of one's own, in hundredths of a percent.
    BasisPoints(u32),
}

impl Commission {
    /// The share in hundredths of a percent; `None` where the store publishes none.
    /// Source: the stores' published terms; a year counts uninterrupted paid service of one subscriber.
    pub const fn basis_points(
        self,
        store: Store,
        is_subscription: bool,
        over_a_year: bool,
    ) -> Option<u32> {
        match (self, store) {
            (Self::BasisPoints(points), _) => Some(points),
            (Self::Standard, Store::AppStore) if is_subscription && over_a_year => Some(1500),
            (Self::Standard, Store::PlayStore) if is_subscription => Some(1500),
            (Self::Standard, Store::AppStore | Store::PlayStore) => Some(3000),
            (Self::SmallBusiness, Store::AppStore | Store::PlayStore) => Some(1500),
            (Self::Standard | Self::SmallBusiness, _) => None,
        }
    }
}

/// What happens to a purchase that belongs to one customer when another sends it in. Source: spec/revenuecat.md 10.4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferBehaviour {
    /// It moves to the other.
    #[default]
    Transfer,
    /// It moves, unless it is an active subscription.
    TransferIfInactive,
    /// It stays, and the other is refused.
    Keep,
    /// The two become one customer.
    Share,
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
    /// Its settings.
    pub settings: AppSettings,
    /// Secrets beside them, a JSON object, encrypted; empty without any.
    #[serde(default)]
    pub sealed_secrets: Vec<u8>,
    /// What its store keeps; unknown without it.
    #[serde(default)]
    pub commission: Option<Commission>,
}

impl App {
    /// Its store.
    pub const fn store(&self) -> Store {
        self.settings.store()
    }
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

/// What a key may do. Each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Only what client SDKs do: send purchases in, read and name a customer, write attributes. Not secret.
    Client,
    /// Read events, deliveries, customers and configuration.
    Read,
    /// Also resend, test, grant, and change configuration.
    Write,
}

/// An API key. Only a digest of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The only project it reaches; `None` reaches all.
    pub project: Option<ProjectId>,
    /// For keys of clients: the app they are part of.
    #[serde(default)]
    pub app: Option<AppId>,
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
    /// Creates or replaces.
    PutUser(User),
    /// Removes somebody and ends every session.
    RemoveUser(UserId),
    /// Creates.
    PutInvitation(Invitation),
    /// Used, or withdrawn.
    RemoveInvitation(Invitation),
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
            Self::PutUser(user) => ("put user", user.email.clone()),
            Self::RemoveUser(id) => ("remove user", id.to_string()),
            Self::PutInvitation(invitation) => ("invite", invitation.email.clone()),
            Self::RemoveInvitation(invitation) => ("end invitation", invitation.email.clone()),
        }
    }

    /// The project it concerns; `None` for what concerns all.
    pub const fn project(&self) -> Option<ProjectId> {
        match self {
            Self::PutProject(project) => Some(project.id),
            Self::PutApp(app) => Some(app.project),
            Self::PutProduct(product) => Some(product.project),
            Self::PutEntitlement(entitlement) => Some(entitlement.project),
            Self::PutIntegration(integration) => Some(integration.project),
            Self::PutApiKey(key) => key.project,
            Self::RemoveProduct(project, _) | Self::RemoveEntitlement(project, _) => Some(*project),
            Self::RemoveIntegration(_)
            | Self::RemoveApiKey(_)
            | Self::PutUser(_)
            | Self::RemoveUser(_)
            | Self::PutInvitation(_)
            | Self::RemoveInvitation(_) => None,
        }
    }
}
