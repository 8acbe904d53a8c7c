//! What is sold, and what it unlocks.

use domain::{ProjectId, time::Term};
use serde::{Deserialize, Serialize};

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
