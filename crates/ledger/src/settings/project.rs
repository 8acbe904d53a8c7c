//! Projects.

use domain::ProjectId;
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
    /// Key of the offering that everybody is shown to whom none is shown in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_offering: Option<String>,
}

/// What happens to a purchase that belongs to one customer when another sends it in. Named as RevenueCat names its restore behaviours, so
/// that a project can be moved as it is.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
