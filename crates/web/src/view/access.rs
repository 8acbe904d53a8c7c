//! What a customer may use, as it is shown.

use domain::{AccessLevel, CancellationReason, Store, fact::OfferCategory};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What a customer may use through one entitlement. Adapty's word: access level.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessLevel)]
pub struct AccessLevelView {
    /// The entitlement's key, for example `premium`.
    id: String,
    /// Whether the store's last word gives access. Compare `expires_at` for one instant.
    is_active: bool,
    /// The product that decides it.
    product: String,
    /// Store of that purchase.
    store: Store,
    /// Chain of that purchase.
    chain: String,
    /// The line of that purchase; empty where it has one only.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    line: String,
    /// Its current transaction.
    transaction: String,
    /// Start of the chain.
    activated_at: Timestamp,
    /// Start of the current period.
    renewed_at: Timestamp,
    /// End of access: period end, grace end, or moment of revocation. `None` for ever.
    expires_at: Option<Timestamp>,
    /// Whether the store will renew.
    will_renew: bool,
    /// Unpaid, but access continues.
    is_in_grace_period: bool,
    /// Owned for ever.
    is_lifetime: bool,
    /// Ended by a refund.
    is_refund: bool,
    /// When the charge that is now failing was due.
    billing_issue_detected_at: Option<Timestamp>,
    /// Why it ended.
    cancellation_reason: Option<CancellationReason>,
    /// Whether the current period is a free trial.
    is_trial: bool,
    /// Category of the offer in force.
    offer_category: Option<OfferCategory>,
}

impl From<AccessLevel> for AccessLevelView {
    fn from(level: AccessLevel) -> Self {
        Self {
            id: level.id,
            is_active: level.is_active,
            product: level.product,
            store: level.store,
            chain: level.chain,
            line: level.line,
            transaction: level.transaction,
            activated_at: level.activated_at,
            renewed_at: level.renewed_at,
            expires_at: level.expires_at,
            will_renew: level.will_renew,
            is_in_grace_period: level.is_in_grace_period,
            is_lifetime: level.is_lifetime,
            is_refund: level.is_refund,
            billing_issue_detected_at: level.billing_issue_detected_at,
            cancellation_reason: level.cancellation_reason,
            is_trial: level.is_trial,
            offer_category: level.offer_category,
        }
    }
}
