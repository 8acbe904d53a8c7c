//! Where a chain stands: the table of `docs/lifecycle.md`, first match wins.

use crate::{
    CancellationReason,
    fact::{RenewalFact, Status, TransactionFact, TransactionKind},
    time::{SKEW, after},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a period may lie behind us unconfirmed before it counts as over.
pub const LAPSE_LIMIT: SignedDuration = SignedDuration::from_hours(72);

/// When an unconfirmed period end is looked at again, counted from the period end.
pub const LAPSE_CHECKS: [SignedDuration; 5] = [
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
    LAPSE_LIMIT,
];

/// How long what ended waits for the message that says what else belongs to it: what took its place, what was given back.
pub(super) const MESSAGE_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// Where the chain stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
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

impl Standing {
    /// Where a chain stands at `now` whose current transaction is `fact`, which nobody took back and which runs until `end`, by the store's
    /// newest word on its renewal.
    pub(super) fn of(
        fact: &TransactionFact,
        end: Option<Timestamp>,
        renewal: Option<&RenewalFact>,
        now: Timestamp,
    ) -> Self {
        match (fact.kind, end) {
            (TransactionKind::Subscription, Some(end)) => Self::of_period(fact, end, renewal, now),
            (_, Some(at)) if at <= now => Self::Expired {
                at,
                reason: CancellationReason::VoluntarilyCancelled,
            },
            _ => Self::Current,
        }
    }

    /// The same of a period of a subscription.
    fn of_period(
        fact: &TransactionFact,
        end: Timestamp,
        renewal: Option<&RenewalFact>,
        now: Timestamp,
    ) -> Self {
        let status = renewal.and_then(|renewal| renewal.status);
        let intent = renewal.and_then(|renewal| renewal.intent);
        let in_retry = renewal.and_then(|renewal| renewal.in_retry) == Some(true);
        let grace_end = renewal.and_then(|renewal| renewal.grace_ends_at);
        let signed = renewal.map_or(fact.version, |renewal| renewal.version);
        let since = end.min(signed);
        let in_grace = grace_end
            .filter(|until| *until > now)
            .map(|until| Self::Grace { since, until });
        let ended_at = renewal.and_then(|renewal| renewal.ended_at);
        let expired = |reason: CancellationReason| Self::Expired {
            at: match ended_at {
                Some(at) => at,
                None if reason == CancellationReason::BillingError => end.max(signed),
                None => end,
            },
            reason,
        };
        let unpaid = || Self::unpaid(since, renewal, now);
        match status {
            Some(Status::Revoked) => Self::Revoked { at: signed },
            Some(Status::Expired) => {
                expired(intent.map_or(CancellationReason::Unknown, CancellationReason::from))
            }
            Some(Status::Replaced) => {
                let at = ended_at.unwrap_or(end);
                if now < after(at, MESSAGE_WAIT) {
                    Self::Lapsed
                } else {
                    expired(CancellationReason::NewSubscriptionReplace)
                }
            }
            Some(Status::Paused) => Self::Paused {
                until: renewal.and_then(|renewal| renewal.resumes_at),
            },
            Some(Status::Grace) => in_grace.unwrap_or_else(unpaid),
            Some(Status::Retry) => unpaid(),
            Some(Status::Active) | None if now < end => Self::Current,
            Some(Status::Active) | None => match (in_grace, intent) {
                (Some(grace), _) => grace,
                (None, _) if in_retry => unpaid(),
                (None, Some(intent)) => expired(intent.into()),
                (None, None) if now < after(end, LAPSE_LIMIT) => Self::Lapsed,
                (None, None) if renewal.and_then(|renewal| renewal.auto_renew) == Some(false) => {
                    expired(CancellationReason::VoluntarilyCancelled)
                }
                (None, None) => expired(CancellationReason::Unknown),
            },
        }
    }

    /// A charge that was due at `since` and failed: it is tried again, as long as the store may still do so or has said since that it does.
    fn unpaid(since: Timestamp, renewal: Option<&RenewalFact>, now: Timestamp) -> Self {
        let is_committed = renewal.is_some_and(|renewal| renewal.term_renews.is_some());
        let at = gives_up_at(since, is_committed);
        let said = renewal.map_or(since, |renewal| renewal.version);
        if after(said, SKEW) < at && at <= now {
            let reason = CancellationReason::BillingError;
            Self::Expired { at, reason }
        } else {
            Self::Retry { since }
        }
    }
}

/// No store retries a charge for longer: Apple tries for 60 days, Google holds for up to 60, and either may be late to say
/// so. Sources: Apple's *Reducing Involuntary Subscriber Churn*, Google's *Subscription lifecycle*, as of November 2026.
const RETRY_LIMIT: SignedDuration = SignedDuration::from_hours(24 * 65);

/// The same of charges that the customer is committed to: Apple tries for 90 days.
const COMMITTED_RETRY_LIMIT: SignedDuration = SignedDuration::from_hours(24 * 95);

/// When a store must have given up a charge that was due at `since`.
pub(super) fn gives_up_at(since: Timestamp, is_committed: bool) -> Timestamp {
    let limit = if is_committed {
        COMMITTED_RETRY_LIMIT
    } else {
        RETRY_LIMIT
    };
    after(since, limit)
}
