//! The state one purchase chain is in, derived from the set of facts known about it.
//!
//! Source: spec/stores.md 5.2 and 5.7. Two refinements, both so that a skewed clock of ours cannot contradict the store: a
//! status the store signed for the current period wins over comparing `now` with its end; and renewal information counts
//! when it is not older than the *first* copy seen of the current transaction (a re-signed copy must not silence it).

use crate::{
    CancellationReason, Money,
    charge::Line,
    fact::{
        Facts, Note, Offer, Ownership, PriceIncrease, RenewalFact, Status, Transaction,
        TransactionFact, TransactionKind,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a period may lie behind us unconfirmed before it counts as over. Source: spec/stores.md 5.7.
pub const LAPSE_LIMIT: SignedDuration = SignedDuration::from_hours(72);

/// When an unconfirmed period end is looked at again, counted from the period end. Source: spec/stores.md 5.7.
pub const LAPSE_CHECKS: [SignedDuration; 5] = [
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
    LAPSE_LIMIT,
];

/// How often an unpaid or paused purchase is looked at again. Source: spec/stores.md 5.7.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// No store retries a charge for longer. Source: spec/stores.md 1.11, 2.8.
const RETRY_LIMIT: SignedDuration = SignedDuration::from_hours(24 * 65);

/// How long a replaced leg waits for the one that took its place to become known. Source: spec/stores.md 5.6.
const REPLACEMENT_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// What kind of period is running.
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

/// The state of one purchase chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
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
    /// Its end; `None` for one-time purchases.
    pub expires_at: Option<Timestamp>,
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
    /// ISO 3166-1 alpha-2 country of the store front.
    pub country: Option<String>,
    /// Answer to a price increase, where one is pending or accepted.
    pub price_increase: Option<PriceIncrease>,
    /// Entitlements it unlocks whatever its product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<String>,
    /// The highest version of the facts that made this.
    pub version: Timestamp,
}

impl Snapshot {
    /// The state these facts add up to at `now`: a function of the *set* of facts alone. `None` without a transaction.
    pub fn derive(facts: &Facts, now: Timestamp) -> Option<Self> {
        let line = Line::of(facts);
        let current = current(&line, now)?;
        let fact = &current.fact;
        let renewal = facts
            .renewals
            .get(&fact.leg)
            .filter(|renewal| renewal.version >= current.first_version);
        let is_subscription = fact.kind == TransactionKind::Subscription;
        let will_renew = is_subscription
            && !fact.is_prepaid
            && renewal
                .and_then(|renewal| renewal.auto_renew)
                .unwrap_or(true);
        let standing = revoked(facts, fact).unwrap_or_else(|| standing(fact, renewal, now));
        let ended = matches!(
            standing,
            Standing::Expired { .. } | Standing::Revoked { .. }
        );
        let product = renewal
            .filter(|renewal| renewal.product_is_in_effect && !ended)
            .and_then(|renewal| renewal.product.as_ref())
            .unwrap_or(&fact.product);
        let off_since = renewal
            .filter(|_| is_subscription && !will_renew && !fact.is_prepaid)
            .map(|renewal| renewal.off_since.unwrap_or(renewal.version));
        let pause_asked_at = facts
            .notes
            .iter()
            .filter_map(|note| match note {
                Note::PauseRequested { at } => Some(*at),
                Note::Deferred { .. } | Note::Offered { .. } => None,
            })
            .find(|at| *at >= fact.purchased_at)
            .or_else(|| {
                renewal
                    .filter(|renewal| renewal.pause_is_planned)
                    .map(|renewal| renewal.version)
            })
            .filter(|_| will_renew && !ended);
        Some(Self {
            kind: fact.kind,
            transaction: fact.id.clone(),
            product: product.clone(),
            purchased_at: fact.purchased_at,
            original_purchased_at: line.began_at().unwrap_or(fact.original_purchased_at),
            expires_at: fact.expires_at,
            phase: phase(fact),
            will_renew: will_renew && !ended,
            off_since,
            next_product: renewal
                .and_then(|renewal| renewal.next_product.clone())
                .filter(|next| will_renew && !ended && next != product),
            pause_asked_at,
            standing,
            price: fact.price,
            renewal_price: renewal.and_then(|renewal| renewal.renewal_price),
            offer: fact.offer.clone(),
            ownership: fact.ownership,
            is_prepaid: fact.is_prepaid,
            country: fact.country.clone(),
            entitlements: fact.entitlements.clone(),
            price_increase: renewal.and_then(|renewal| renewal.price_increase),
            version: renewal.map_or(fact.version, |renewal| renewal.version.max(fact.version)),
        })
    }

    /// Whether this state gives access, as far as the store has said. A lapsed period counts until it is confirmed over;
    /// compare with [`Snapshot::access_until`] to ask about one instant.
    pub fn gives_access(&self) -> bool {
        matches!(
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

    /// Whether a charge failed and is being retried.
    pub fn has_billing_issue(&self) -> bool {
        matches!(
            self.standing,
            Standing::Grace { .. } | Standing::Retry { .. }
        )
    }

    /// Whether nothing more will happen without a new purchase.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.standing,
            Standing::Expired { .. } | Standing::Revoked { .. }
        )
    }

    /// Whether only the store can say how this stands at `now`: a period is over unconfirmed, a charge failed, a pause may
    /// have ended.
    pub fn wants_confirmation(&self, now: Timestamp) -> bool {
        match &self.standing {
            Standing::Current => {
                self.kind == TransactionKind::Subscription
                    && self.expires_at.is_some_and(|end| end <= now)
            }
            Standing::Lapsed | Standing::Retry { .. } => true,
            Standing::Grace { until, .. } => *until <= now,
            Standing::Paused { until } => until.is_some_and(|until| until <= now),
            Standing::Expired { .. } | Standing::Revoked { .. } => false,
        }
    }

    /// The next instant after `now` at which the passing of time alone can change this, or at which the store should be
    /// asked. `None` when only a new fact can. Source: spec/stores.md 5.7.
    pub fn next_check(&self, now: Timestamp) -> Option<Timestamp> {
        let end = match &self.standing {
            Standing::Grace { until, .. } if *until > now => return Some(*until),
            Standing::Grace { since, .. } | Standing::Retry { since } => {
                return daily(*since, now);
            }
            Standing::Paused { until } => {
                let resumed = until.and_then(|until| until.checked_add(LAPSE_CHECKS[0]).ok())?;
                return if resumed > now {
                    Some(resumed)
                } else {
                    daily(resumed, now)
                };
            }
            // Nobody confirms the end of what does not renew.
            Standing::Current if self.kind != TransactionKind::Subscription => {
                return self.expires_at;
            }
            Standing::Current | Standing::Lapsed => self.expires_at?,
            Standing::Expired { .. } | Standing::Revoked { .. } => return None,
        };
        LAPSE_CHECKS
            .iter()
            .filter_map(|delay| end.checked_add(*delay).ok())
            .find(|check| *check > now)
    }
}

/// A day from `now`, unless what began at `since` has lasted longer than any store tries.
fn daily(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let gives_up = since.checked_add(RETRY_LIMIT).ok()?;
    now.checked_add(DAY).ok().filter(|_| now < gives_up)
}

/// The transaction a chain stands on: the latest not superseded; if that one is revoked, another that still runs.
fn current<'a>(line: &Line<'a>, now: Timestamp) -> Option<&'a Transaction> {
    let standing: Vec<_> = line
        .iter()
        .filter(|transaction| !line.is_superseded(transaction))
        .collect();
    let latest = standing.last().copied().or_else(|| line.iter().last())?;
    if latest.fact.revocation.is_none() {
        return Some(latest);
    }
    let runs = |fact: &TransactionFact| {
        fact.revocation.is_none() && fact.expires_at.is_none_or(|end| now < end)
    };
    standing
        .iter()
        .rev()
        .copied()
        .find(|transaction| runs(&transaction.fact))
        .or(Some(latest))
}

/// Whether a refund that is a thing of its own took the current period away.
fn revoked(facts: &Facts, fact: &TransactionFact) -> Option<Standing> {
    facts
        .refunds
        .values()
        .filter(|refund| refund.revokes && !refund.is_undone && refund.transaction == fact.id)
        .map(|refund| Standing::Revoked { at: refund.at })
        .next()
}

fn phase(fact: &TransactionFact) -> Phase {
    if fact.is_free() {
        Phase::Trial
    } else if fact.offer.is_some() {
        Phase::Intro
    } else {
        Phase::Regular
    }
}

fn standing(fact: &TransactionFact, renewal: Option<&RenewalFact>, now: Timestamp) -> Standing {
    if let Some(revocation) = &fact.revocation {
        return Standing::Revoked { at: revocation.at };
    }
    let (TransactionKind::Subscription, Some(end)) = (fact.kind, fact.expires_at) else {
        return match fact.expires_at {
            Some(at) if at <= now => Standing::Expired {
                at,
                reason: CancellationReason::VoluntarilyCancelled,
            },
            _ => Standing::Current,
        };
    };
    let status = renewal.and_then(|renewal| renewal.status);
    let intent = renewal.and_then(|renewal| renewal.intent);
    let in_retry = renewal.and_then(|renewal| renewal.in_retry) == Some(true);
    let grace_end = renewal.and_then(|renewal| renewal.grace_ends_at);
    let signed = renewal.map_or(fact.version, |renewal| renewal.version);
    let since = end.min(signed);
    let in_grace = grace_end
        .filter(|until| *until > now)
        .map(|until| Standing::Grace { since, until });
    let ended_at = renewal.and_then(|renewal| renewal.ended_at);
    let expired = |reason: CancellationReason| Standing::Expired {
        at: match ended_at {
            Some(at) => at,
            None if reason == CancellationReason::BillingError => end.max(signed),
            None => end,
        },
        reason,
    };
    match status {
        Some(Status::Revoked) => Standing::Revoked { at: signed },
        Some(Status::Expired) => {
            expired(intent.map_or(CancellationReason::Unknown, CancellationReason::from))
        }
        Some(Status::Replaced) => {
            let at = ended_at.unwrap_or(end);
            if now
                < at.saturating_add(REPLACEMENT_WAIT)
                    .unwrap_or(Timestamp::MAX)
            {
                Standing::Lapsed
            } else {
                expired(CancellationReason::NewSubscriptionReplace)
            }
        }
        Some(Status::Paused) => Standing::Paused {
            until: renewal.and_then(|renewal| renewal.resumes_at),
        },
        Some(Status::Grace) => in_grace.unwrap_or(Standing::Retry { since }),
        Some(Status::Retry) => Standing::Retry { since },
        Some(Status::Active) | None if now < end => Standing::Current,
        Some(Status::Active) | None => match (in_grace, intent) {
            (Some(grace), _) => grace,
            (None, _) if in_retry => Standing::Retry { since },
            (None, Some(intent)) => expired(intent.into()),
            (None, None) if now < end.saturating_add(LAPSE_LIMIT).unwrap_or(Timestamp::MAX) => {
                Standing::Lapsed
            }
            (None, None) if renewal.and_then(|renewal| renewal.auto_renew) == Some(false) => {
                expired(CancellationReason::VoluntarilyCancelled)
            }
            (None, None) => expired(CancellationReason::Unknown),
        },
    }
}
