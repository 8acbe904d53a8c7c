//! Who may use what until when: entitlements, derived from the snapshots of a customer's purchases.

use crate::{
    CancellationReason, ChainKey, Snapshot, Store,
    fact::{OfferCategory, Ownership, TransactionKind},
    snapshot::{Phase, Standing},
    time::Term,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which entitlements each store product unlocks.
pub type Unlocks = BTreeMap<String, Vec<String>>;

/// What a customer may use through one entitlement. Adapty's word: access level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLevel {
    /// The entitlement's key, for example `premium`.
    pub id: String,
    /// Whether the store's last word gives access. Compare `expires_at` for one instant.
    pub is_active: bool,
    /// The product that decides it.
    pub product: String,
    /// Store of that purchase.
    pub store: Store,
    /// Chain of that purchase.
    pub chain: String,
    /// The line of that purchase; empty where it has one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// Its current transaction.
    pub transaction: String,
    /// Start of the chain.
    pub activated_at: Timestamp,
    /// Start of the current period.
    pub renewed_at: Timestamp,
    /// End of access: period end, grace end, or moment of revocation. `None` for ever.
    pub expires_at: Option<Timestamp>,
    /// Whether the store will renew.
    pub will_renew: bool,
    /// Unpaid, but access continues.
    pub is_in_grace_period: bool,
    /// Owned for ever.
    pub is_lifetime: bool,
    /// Ended by a refund.
    pub is_refund: bool,
    /// When the charge that is now failing was due.
    pub billing_issue_detected_at: Option<Timestamp>,
    /// Why it ended.
    pub cancellation_reason: Option<CancellationReason>,
    /// Whether the current period is a free trial.
    pub is_trial: bool,
    /// Category of the offer in force.
    pub offer_category: Option<OfferCategory>,
}

impl AccessLevel {
    fn of(id: &str, chain: &ChainKey, snapshot: &Snapshot) -> Self {
        let issue = match snapshot.standing {
            Standing::Grace { since, .. } | Standing::Retry { since } => Some(since),
            _ => None,
        };
        Self {
            id: id.into(),
            is_active: snapshot.gives_access(),
            product: snapshot.product.clone(),
            store: chain.store,
            chain: chain.id.clone(),
            line: snapshot.line.clone(),
            transaction: snapshot.transaction.clone(),
            activated_at: snapshot.original_purchased_at,
            renewed_at: snapshot.purchased_at,
            expires_at: snapshot.access_until(),
            will_renew: snapshot.will_renew,
            is_in_grace_period: matches!(snapshot.standing, Standing::Grace { .. }),
            is_lifetime: snapshot.expires_at.is_none() && snapshot.gives_access(),
            is_refund: matches!(snapshot.standing, Standing::Revoked { .. })
                && snapshot.ownership == Ownership::Purchased,
            billing_issue_detected_at: issue,
            cancellation_reason: snapshot.ended_because(),
            is_trial: snapshot.phase == Phase::Trial,
            offer_category: snapshot.offer.as_ref().and_then(|offer| offer.category),
        }
    }

    /// Whether there is access at `now`.
    pub fn is_active_at(&self, now: Timestamp) -> bool {
        self.is_active && self.expires_at.is_none_or(|end| now < end)
    }

    /// What must differ for the change to be worth telling.
    fn told(&self) -> impl PartialEq + '_ {
        (
            self.is_active,
            self.expires_at,
            self.will_renew,
            self.is_in_grace_period,
            &self.product,
            // Why it ended, which a store may say after a clock has ended it without a reason.
            self.cancellation_reason,
        )
    }

    /// Which of two purchases that unlock the same entitlement decides it: active, then for ever, then longest.
    fn rank(&self) -> (bool, bool, Option<Timestamp>, Timestamp) {
        (
            self.is_active,
            self.expires_at.is_none(),
            self.expires_at,
            self.renewed_at,
        )
    }
}

/// For how long each product is bought that is bought once for a time.
pub type Terms = BTreeMap<String, Term>;

/// What is said of a product. A product with a plan (`premium:monthly`) of which nothing is said itself is what the product
/// without its plan is.
pub fn of_product<'a, T>(product: &str, said: &'a BTreeMap<String, T>) -> Option<&'a T> {
    let without_plan = || said.get(product.split_once(':')?.0);
    said.get(product).or_else(without_plan)
}

/// What a product unlocks.
pub fn unlocked_by<'a>(product: &str, unlocks: &'a Unlocks) -> impl Iterator<Item = &'a String> {
    of_product(product, unlocks).into_iter().flatten()
}

/// Access by entitlement key: what any line of any purchase unlocks. Purchases of products that unlock nothing contribute nothing, consumables included.
pub fn access<'a>(
    purchases: impl IntoIterator<Item = (&'a ChainKey, &'a Snapshot)>,
    unlocks: &Unlocks,
) -> BTreeMap<String, AccessLevel> {
    let mut levels: BTreeMap<String, AccessLevel> = BTreeMap::new();
    let lines = purchases
        .into_iter()
        .flat_map(|(chain, purchase)| purchase.lines().map(move |line| (chain, line)));
    for (chain, snapshot) in lines {
        if snapshot.kind == TransactionKind::Consumable || snapshot.begins_at.is_some() {
            continue;
        }
        for id in unlocked_by(&snapshot.product, unlocks).chain(&snapshot.entitlements) {
            let level = AccessLevel::of(id, chain, snapshot);
            if levels
                .get(id)
                .is_none_or(|known| known.rank() < level.rank())
            {
                levels.insert(id.clone(), level);
            }
        }
    }
    levels
}

/// The levels whose content differs and must be told, one per entitlement; a level that no purchase grants any more is
/// told once, inactive.
pub fn differences(
    before: &BTreeMap<String, AccessLevel>,
    after: &BTreeMap<String, AccessLevel>,
) -> Vec<AccessLevel> {
    let gone = before
        .iter()
        .filter(|(id, level)| level.is_active && !after.contains_key(*id))
        .map(|(_, level)| AccessLevel {
            is_active: false,
            will_renew: false,
            is_in_grace_period: false,
            ..level.clone()
        });
    let changed = after
        .iter()
        .filter(|(id, level)| {
            before
                .get(*id)
                .is_none_or(|known| known.told() != level.told())
        })
        .map(|(_, level)| level.clone());
    changed.chain(gone).collect()
}
