//! What is sold, and what it unlocks.

use domain::{ProjectId, Store, time::Term};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
    /// For how long it is bought, where it is bought once for a time that no store knows: `P30D`, `P1M` (ISO 8601).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Term>,
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

/// What is shown to be sold together: packages, each of a product in every store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offering {
    /// Its project.
    pub project: ProjectId,
    /// What clients ask for it by, unique in the project.
    pub key: String,
    /// What clients show of it, or people here.
    pub name: String,
    /// In the order in which clients show them.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// Whatever clients are to know beside it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Who is shown it instead of the project's current one; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

/// One choice of an offering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// What clients know it by, unique in the offering: `$rc_monthly`, a word of the team's own.
    pub id: String,
    /// What it is in each store: the store's product id, with `:` and the base plan in Google Play.
    pub products: BTreeMap<Store, String>,
}

/// Who is shown an offering. All that is said has to hold; of a client that does not say what is asked, it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// Countries of the store, by two letters; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// What clients run on, in small letters: `ios`, `android`; anything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// The oldest release of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<String>,
    /// The newest release of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<String>,
    /// Of several offerings for the same client, that of the lowest number is shown, and of the same number that of the first key.
    #[serde(default)]
    pub rank: u32,
}
