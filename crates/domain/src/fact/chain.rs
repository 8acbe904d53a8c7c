//! Whose facts they are: store, environment, chain.

use serde::{Deserialize, Serialize};

/// Where a purchase was made. Ids are unique only within one store and environment.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// Apple App Store.
    AppStore,
    /// Google Play.
    PlayStore,
    /// Stripe.
    Stripe,
    /// Any other store: whoever holds a key of the project vouches for what it says.
    External,
    /// Not a store: access given by hand.
    Promotional,
}

impl Store {
    /// Every store, in order of declaration.
    pub const ALL: [Self; 5] = [
        Self::AppStore,
        Self::PlayStore,
        Self::Stripe,
        Self::External,
        Self::Promotional,
    ];

    /// The id used in SQL, payloads and pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AppStore => "app_store",
            Self::PlayStore => "play_store",
            Self::Stripe => "stripe",
            Self::External => "external",
            Self::Promotional => "promotional",
        }
    }

    /// The name people read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::AppStore => "App Store",
            Self::PlayStore => "Google Play",
            Self::Stripe => "Stripe",
            Self::External => "another store",
            Self::Promotional => "a grant",
        }
    }

    /// Parses [`Store::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|store| store.id() == id)
    }
}

/// Whether real money moved. Sandbox facts never touch a production chain.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real purchases.
    Production,
    /// Test purchases, whatever kind of test.
    Sandbox,
}

impl Environment {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Production, Self::Sandbox];

    /// The id used in SQL, the API and pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }
    /// Parses [`Environment::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.id() == id)
    }
}

/// Identifies a purchase chain within an app: all transactions of one subscription, or one one-time purchase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainKey {
    /// Store of the chain.
    pub store: Store,
    /// Environment of the chain.
    pub environment: Environment,
    /// The store's id of the chain: Apple's `originalTransactionId`, the first of Google's linked purchase tokens,
    /// Stripe's subscription id.
    pub id: String,
}
