//! Where the chain stands: paused, unpaid, over. Each is told once per period.

use super::step::{Change, Step};
use crate::{EventKind, Snapshot, Store, fact::TransactionKind, snapshot::Standing};

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let rules = [paused, charge_failed, grace_began, ended];
    rules.iter().filter_map(|rule| rule(step)).collect()
}

fn key(step: &Step<'_>, what: &str) -> String {
    let transaction = step.after.snapshot.transaction_key();
    format!("{what}:{}:{transaction}", step.chain)
}

/// `pause.asked_for`, or else `pause.began`.
pub(super) fn paused(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let is_paused = |snapshot: &Snapshot| matches!(snapshot.standing, Standing::Paused { .. });
    let is_told = |snapshot: &Snapshot| is_paused(snapshot) || snapshot.pause_asked_at.is_some();
    if !is_told(snapshot) || step.before_in_same_period().is_some_and(is_told) {
        return None;
    }
    let (at, rule) = match snapshot.pause_asked_at {
        Some(at) => (at, "pause.asked_for"),
        None => (snapshot.version, "pause.began"),
    };
    let key = key(step, "paused");
    let key = match step.store {
        // Asked again, or taken back: Google does not say which, so there is one in a period.
        Store::PlayStore => key,
        // One that is over may be followed by another in the same period.
        Store::AppStore | Store::Stripe | Store::External | Store::Promotional => {
            format!("{key}:{}", at.as_microsecond())
        }
    };
    Some(step.change(EventKind::SubscriptionPaused, key, at, rule))
}

/// `billing.charge_failed`: once per episode.
pub(super) fn charge_failed(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let before = step.before_in_same_period();
    let begins = snapshot.has_billing_issue() && !before.is_some_and(Snapshot::has_billing_issue);
    begins.then(|| {
        step.change(
            EventKind::BillingIssueDetected,
            key(step, "billing_issue"),
            snapshot.version,
            "billing.charge_failed",
        )
    })
}

/// `billing.grace_began`.
pub(super) fn grace_began(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let in_grace = |snapshot: &Snapshot| matches!(snapshot.standing, Standing::Grace { .. });
    let begins = in_grace(snapshot) && !step.before_in_same_period().is_some_and(in_grace);
    begins.then(|| {
        step.change(
            EventKind::EnteredGracePeriod,
            key(step, "grace"),
            snapshot.version,
            "billing.grace_began",
        )
    })
}

/// `expired.confirmed`: unless a refund closed the period already. What was bought once for a time ends with its access, and
/// tells nothing else.
pub(super) fn ended(step: &Step<'_>) -> Option<Change> {
    if step.after.snapshot.kind != TransactionKind::Subscription {
        return None;
    }
    let Standing::Expired { at, reason } = step.after.snapshot.standing else {
        return None;
    };
    if step
        .before_in_same_period()
        .is_some_and(Snapshot::has_ended)
    {
        return None;
    }
    let kind = step.named(EventKind::TrialExpired, EventKind::SubscriptionExpired);
    Some(Change {
        reason: Some(reason),
        ..step.change(kind, key(step, "expired"), at, "expired.confirmed")
    })
}
