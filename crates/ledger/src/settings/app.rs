//! Apps: how each store is heard and asked.

use domain::{AppId, ProjectId, Store};
use serde::{Deserialize, Serialize};

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

/// Which App Store environments an app accepts.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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

/// Where Stripe keeps the app's name for a customer.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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

/// A store of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalSettings {
    /// What it is called in payloads: `paddle`, `amazon`, `my_shop`.
    pub store_name: String,
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
