//! What a project is set up to be.
//!
//! **How it works.** A document says how a project should be, whole or in part ([`Desired`]). [`plan`] checks it, compares
//! it with what is and answers the changes to make, or every problem. Settings are shown with their secrets masked and come
//! back with the masks in place: [`masked`] and [`merged`]. The [`Vault`] seals what is secret, and rows are
//! opened here alone: [`app_secrets`], [`integration_settings`].
//!
//! **What it does not do.** No I/O but for the vault's key file; nothing is stored here. Events and deliveries are
//! unknown.
//!
//! **Before changing it.** The management API, `tidings apply` and the pages all go through [`plan`], so all accept the
//! same things and say the same about what is wrong.
#![warn(missing_docs)]

mod app;
mod audience;
mod catalog;
mod desired;
mod given;
mod integration;
mod offering;
mod opened;
mod plan;
mod planner;
mod project;
#[cfg(feature = "schema")]
mod schema;
mod sealed;
mod secrets;
mod settings;
mod stored;
mod stores;
mod url;
mod vault;

pub use audience::{Asker, meant_for};
pub use desired::{
    Desired, DesiredApp, DesiredAudience, DesiredEntitlement, DesiredIntegration, DesiredOffering,
    DesiredPackage, DesiredProduct, DesiredProject,
};
pub use given::{Given, Settings};
pub use offering::PLATFORMS;
pub use opened::{app_secrets, integration_settings};
pub use plan::plan;
pub use planner::{Action, Means, Problem, Step, handed_over, under_backlog};
pub use sealed::Sealed;
pub use secrets::{masked, masked_entry};
pub use settings::{Merged, merged};
pub use stored::Stored;
pub use stores::{APPS, AppSpec, app_spec};
pub use url::url_problem;
pub use vault::{Vault, VaultError};
