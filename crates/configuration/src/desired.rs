//! Documents: a project as it should be, whole or in part.

use ledger::TransferBehaviour;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A project as it should be, whole or in part.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Desired {
    /// The project itself.
    pub project: DesiredProject,
    /// By key.
    #[serde(default)]
    pub entitlements: BTreeMap<String, DesiredEntitlement>,
    /// By the store's product id.
    #[serde(default)]
    pub products: BTreeMap<String, DesiredProduct>,
    /// By key.
    #[serde(default)]
    pub apps: BTreeMap<String, DesiredApp>,
    /// By key.
    #[serde(default)]
    pub integrations: BTreeMap<String, DesiredIntegration>,
}

/// A project.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredProject {
    /// Its key: lower-case letters, digits, `-` and `_`.
    pub key: String,
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// Hours after which events of chains seen for the first time are marked historical; 24 when absent.
    pub historical_window_hours: Option<u32>,
    /// What happens to a purchase that another customer sends in: `transfer` (when absent), `transfer_if_inactive`, `keep`
    /// or `share`.
    pub transfer_behaviour: Option<TransferBehaviour>,
    /// The same in the sandbox; like production when absent.
    pub sandbox_transfer_behaviour: Option<TransferBehaviour>,
}

/// An entitlement.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredEntitlement {
    /// Its name; the key when absent.
    pub name: Option<String>,
}

/// A product.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredProduct {
    /// Its name; the id when absent.
    pub name: Option<String>,
    /// Keys of the entitlements it unlocks.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

/// An app. Which settings it has depends on its store; docs/stores.md lists them.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct DesiredApp {
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// `app_store`, `play_store`, `stripe` or `external`.
    pub store: String,
    /// The settings of its store, as [`app_spec`](crate::app_spec) lists them. A secret given as `"***"` stays as it is.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// An integration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredIntegration {
    /// Its name; the key when absent.
    pub name: Option<String>,
    /// Key of the destination: `webhook`, `slack`.
    pub destination: String,
    /// Keep deliveries, send none.
    #[serde(default)]
    pub paused: bool,
    /// Settings of the destination. A secret given as `"***"` stays as it is.
    #[serde(default)]
    pub settings: Map<String, Value>,
}
