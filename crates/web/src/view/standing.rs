//! Where a purchase stands, as it is shown.

use domain::{CancellationReason, snapshot::Standing};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Where the chain stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Standing)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StandingView {
    /// Paid for, or owned.
    Current,
    /// Unpaid, with access until `until`.
    Grace {
        /// When the charge was due.
        since: Timestamp,
        /// End of the grace period.
        until: Timestamp,
    },
    /// Unpaid, without access; the store retries.
    Retry {
        /// When the charge was due.
        since: Timestamp,
    },
    /// The period is over by our clock, but the store has not said so. Never an event.
    Lapsed,
    /// Over.
    Expired {
        /// Period end, or the moment the store gave up.
        at: Timestamp,
        /// Why.
        reason: CancellationReason,
    },
    /// Paused by the customer, without access.
    Paused {
        /// When it resumes by itself, where the store says.
        until: Option<Timestamp>,
    },
    /// The current period was refunded or is no longer shared.
    Revoked {
        /// When.
        at: Timestamp,
    },
}

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Current => Self::Current,
            Standing::Grace { since, until } => Self::Grace { since, until },
            Standing::Retry { since } => Self::Retry { since },
            Standing::Lapsed => Self::Lapsed,
            Standing::Expired { at, reason } => Self::Expired { at, reason },
            Standing::Paused { until } => Self::Paused { until },
            Standing::Revoked { at } => Self::Revoked { at },
        }
    }
}
