//! Documents: a project as it should be, whole or in part.
//!
//! Every field but keys is a [`Given`]: what a document does not name stays as it is.

use crate::{Given, given::Settings};
use ledger::TransferBehaviour;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A project as it should be, whole or in part.
#[derive(Debug, Clone, Default, Deserialize)]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredProject {
    /// Its key: lower-case letters, digits, `-` and `_`.
    pub key: String,
    /// Its name. Default: the key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub name: Given<String>,
    /// Hours after which events of chains seen for the first time are marked historical. Default: 24.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u32>))]
    pub historical_window_hours: Given<u32>,
    /// What happens to a purchase that another customer sends in: `transfer`, `transfer_if_inactive`, `keep` or `share`.
    /// Default: `transfer`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<TransferBehaviour>))]
    pub transfer_behaviour: Given<TransferBehaviour>,
    /// The same in the sandbox. Default: as in production.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<TransferBehaviour>))]
    pub sandbox_transfer_behaviour: Given<TransferBehaviour>,
}

/// An entitlement.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredEntitlement {
    /// Its name. Default: the key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub name: Given<String>,
}

/// A product.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredProduct {
    /// Its name. Default: the id.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub name: Given<String>,
    /// Keys of the entitlements it unlocks. Default: none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Vec<String>>))]
    pub entitlements: Given<Vec<String>>,
    /// For how long it is bought, where it is bought once for a time that no store knows (a non-renewing subscription, a
    /// rental): `P30D`, `P1M`, `PT48H` (ISO 8601). Default: for ever.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub duration: Given<String>,
}

/// An app. Which settings it has depends on its store; docs/stores.md lists them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct DesiredApp {
    /// Its name. Default: the key.
    #[serde(default)]
    pub name: Given<String>,
    /// `app_store`, `play_store`, `stripe` or `external`. A new app has to say it, and none can change it.
    #[serde(default)]
    pub store: Given<String>,
    /// The settings of its store, as [`app_spec`](crate::app_spec) lists them. A secret given as `"***"` stays as it is.
    #[serde(flatten)]
    pub settings: Settings,
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for DesiredApp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::app()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for DesiredApp {
    fn name() -> std::borrow::Cow<'static, str> {
        "DesiredApp".into()
    }
}

/// An integration.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredIntegration {
    /// Its name. Default: the key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub name: Given<String>,
    /// Key of the destination: `webhook`, `slack`. A new integration has to say it; where it changes, the settings begin anew.
    /// It cannot change while deliveries wait.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(schema_with = crate::schema::destination))]
    pub destination: Given<String>,
    /// Keep deliveries, send none. Default: no.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<bool>))]
    pub paused: Given<bool>,
    /// Settings of the destination, as `GET /api/v1/destinations` lists them, each kept, set or at its default by itself. A secret given as `"***"` stays as it is.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub settings: Given<Settings>,
}
