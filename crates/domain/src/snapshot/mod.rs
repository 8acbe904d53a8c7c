//! The state one purchase chain is in, derived from the set of facts known about it.
//!
//! A purchase is a list of lines, each with a state of its own. What is read of the purchase as a whole is that of its *base*:
//! of the lines that have not ended the one that has been there longest, then the dearest, then the first by name.
//!
//! The table of standings is that of `docs/lifecycle.md`. Two refinements, both so that a skewed clock of ours cannot
//! contradict the store: a status the store signed for the current period wins over comparing `now` with its end; and
//! renewal information counts when it is not older than the *first* copy seen of the current transaction (a re-signed copy
//! must not silence it).

mod check;
mod derive;
mod standing;

pub use standing::{LAPSE_CHECKS, LAPSE_LIMIT, Standing};

use crate::{
    CancellationReason, Money,
    fact::{Offer, Ownership, PriceIncrease, TransactionKind, line_key},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of period is running.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Free.
    Trial,
    /// At a reduced price.
    Intro,
    /// At the full price.
    Regular,
}

/// The state of one purchase chain: of its base line, and of its further ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The line it is about; empty where the purchase has one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// What was bought.
    pub kind: TransactionKind,
    /// The current transaction.
    pub transaction: String,
    /// Its product, or the one that took its place without a charge.
    pub product: String,
    /// Its start.
    pub purchased_at: Timestamp,
    /// Start of the chain.
    pub original_purchased_at: Timestamp,
    /// Its end, or the later one until which the store lets it run on; `None` for one-time purchases.
    pub expires_at: Option<Timestamp>,
    /// Its own end, where the store lets it run on beyond that although nothing was charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Timestamp>,
    /// Its start, while that is ahead and nothing of the line runs until then: it was charged before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<Timestamp>,
    /// Since when all that is known to have been charged for it is given back, while the store says that it runs: of the period that runs
    /// nobody has heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unheard_since: Option<Timestamp>,
    /// What kind of period it is.
    pub phase: Phase,
    /// Whether the store will renew.
    pub will_renew: bool,
    /// When renewal was switched off, while it is.
    #[serde(default)]
    pub off_since: Option<Timestamp>,
    /// The product it will renew into, where that differs.
    pub next_product: Option<String>,
    /// When a pause at the end of the period was asked for, while it may still come.
    #[serde(default)]
    pub pause_asked_at: Option<Timestamp>,
    /// Where it stands.
    pub standing: Standing,
    /// What was charged for the current period.
    pub price: Option<Money>,
    /// What the next period will cost.
    pub renewal_price: Option<Money>,
    /// Offer applied to the current period.
    pub offer: Option<Offer>,
    /// Who paid.
    pub ownership: Ownership,
    /// Paid for ahead and never renewed by the store.
    #[serde(default)]
    pub is_prepaid: bool,
    /// Charged in parts for a term that the customer is committed to. Whether it renews is whether another term follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_committed: bool,
    /// ISO 3166-1 alpha-2 country of the store front.
    pub country: Option<String>,
    /// Answer to a price increase, where one is pending or accepted.
    pub price_increase: Option<PriceIncrease>,
    /// Entitlements it unlocks whatever its product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<String>,
    /// The highest version of the facts that made this.
    pub version: Timestamp,
    /// The further lines of the purchase, in order of their names. A further line has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Self>,
}

impl Snapshot {
    /// Every line of the purchase, the base first.
    pub fn lines(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.further)
    }

    /// The line of this name.
    pub fn line(&self, name: &str) -> Option<&Self> {
        self.lines().find(|line| line.line == name)
    }

    /// What the current transaction is known by among the facts of the chain.
    pub fn transaction_key(&self) -> String {
        line_key(&self.transaction, &self.line)
    }

    /// The highest version of the facts that made any of the lines.
    pub fn last_said(&self) -> Timestamp {
        let versions = self.lines().map(|line| line.version);
        versions.fold(self.version, Timestamp::max)
    }

    /// Whether this state gives access, as far as the store has said. A lapsed period counts until it is confirmed over;
    /// compare with [`Snapshot::access_until`] to ask about one instant.
    pub fn gives_access(&self) -> bool {
        let has_begun = self.begins_at.is_none();
        has_begun
            && !self.awaits_refund()
            && matches!(
                self.standing,
                Standing::Current | Standing::Grace { .. } | Standing::Lapsed
            )
    }

    /// End of access: grace end, moment of revocation, or period end. `None` means for ever.
    pub fn access_until(&self) -> Option<Timestamp> {
        match self.standing {
            Standing::Grace { until, .. } => Some(until),
            Standing::Revoked { at } => Some(at),
            _ => self.expires_at,
        }
    }

    /// Whether it runs by a charge of which nobody has heard.
    pub const fn runs_unheard(&self) -> bool {
        self.unheard_since.is_some()
    }

    /// End of what was paid for.
    pub fn paid_until(&self) -> Option<Timestamp> {
        self.paid_until.or(self.expires_at)
    }

    /// Whether it ended before the end of what was paid for, and nobody has said yet what was given back.
    pub(crate) fn awaits_refund(&self) -> bool {
        self.standing == Standing::Lapsed && self.paid_until > self.expires_at
    }

    /// Whether a charge failed and is being retried.
    pub fn has_billing_issue(&self) -> bool {
        matches!(
            self.standing,
            Standing::Grace { .. } | Standing::Retry { .. }
        )
    }

    /// Why it ended, where it has.
    pub const fn ended_because(&self) -> Option<CancellationReason> {
        match &self.standing {
            Standing::Expired { reason, .. } => Some(*reason),
            Standing::Revoked { .. } => Some(CancellationReason::Refund),
            _ => None,
        }
    }

    /// Whether nothing more will happen without a new purchase.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.standing,
            Standing::Expired { .. } | Standing::Revoked { .. }
        )
    }
}
