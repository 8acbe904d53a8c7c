//! Documents: a project as it should be, whole or in part.
//!
//! Every field but keys is a [`Given`]: what a document does not name stays as it is.

use crate::{Given, given::Settings};
use domain::Store;
use ledger::Audience;
use ledger::TransferBehaviour;
use serde::Deserialize;
use serde_json::{Map, Value};
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
    pub offerings: BTreeMap<String, DesiredOffering>,
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
    /// Key of the offering that clients show to whomever none is shown in particular. Default: none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub current_offering: Given<String>,
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

/// An offering: what clients show to be sold together.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredOffering {
    /// What clients may show of it. Default: the key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub name: Given<String>,
    /// Its packages, in the order in which clients show them. Default: none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Vec<DesiredPackage>>))]
    pub packages: Given<Vec<DesiredPackage>>,
    /// Whatever clients are to know beside it, an object. Default: nothing.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub metadata: Given<Map<String, Value>>,
    /// Who is shown it instead of the project's current one. Default: nobody.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<DesiredAudience>))]
    pub audience: Given<DesiredAudience>,
}

/// A package: one choice of an offering, with its product in each store that has one.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredPackage {
    /// What clients know it by: `$rc_monthly`, `$rc_annual`, a word of your own.
    pub id: String,
    /// Its product in the App Store.
    #[serde(default)]
    pub app_store: Option<String>,
    /// Its product in Google Play, with `:` and the base plan of a subscription.
    #[serde(default)]
    pub play_store: Option<String>,
    /// Its product in Stripe.
    #[serde(default)]
    pub stripe: Option<String>,
    /// Its product in any other store.
    #[serde(default)]
    pub external: Option<String>,
}

impl DesiredPackage {
    /// Its product in each store.
    pub(crate) fn products(&self) -> BTreeMap<Store, String> {
        let told = [
            (Store::AppStore, &self.app_store),
            (Store::PlayStore, &self.play_store),
            (Store::Stripe, &self.stripe),
            (Store::External, &self.external),
        ];
        let told = told
            .into_iter()
            .filter_map(|(store, id)| Some((store, id.clone()?)));
        told.collect()
    }
}

/// Who is shown an offering. All that is said has to hold; of a client that does not say what is asked, it does not.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredAudience {
    /// Countries of the store, by two letters. Default: any.
    #[serde(default)]
    pub countries: Vec<String>,
    /// What clients run on: `ios`, `macos`, `android`, `web` ... Default: anything.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// The oldest release of the app: `2.1`.
    #[serde(default)]
    pub from_version: Option<String>,
    /// The newest release of the app.
    #[serde(default)]
    pub to_version: Option<String>,
    /// Of several offerings for the same client, that of the lowest number is shown, and of the same number that of the first key. Default: 0.
    #[serde(default)]
    pub rank: u32,
}

impl From<DesiredAudience> for Audience {
    fn from(wanted: DesiredAudience) -> Self {
        let upper = |text: &String| text.to_ascii_uppercase();
        let lower = |text: &String| text.to_ascii_lowercase();
        Self {
            countries: wanted.countries.iter().map(upper).collect(),
            platforms: wanted.platforms.iter().map(lower).collect(),
            from_version: wanted.from_version,
            to_version: wanted.to_version,
            rank: wanted.rank,
        }
    }
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
