//! Where the chain stands: paused, unpaid, over. Each is told once per period.

use super::step::{Change, State, Step};
use crate::{
    CancellationReason, EventKind, Snapshot, Store, fact::TransactionKind, snapshot::Standing,
};
use jiff::Timestamp;

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let rules = [paused, charge_failed, grace_began, ended];
    rules.iter().filter_map(|rule| rule(step)).collect()
}

fn key(step: &Step<'_>, what: &str) -> String {
    let transaction = step.after.snapshot.transaction_key();
    format!("{what}:{}:{transaction}", step.chain)
}

/// `pause.asked_for`, or else `pause.began`. One that is over may be followed by another in the same period: which one it is, the message says
/// that it began with.
pub(super) fn paused(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let is_paused = |snapshot: &Snapshot| matches!(snapshot.standing, Standing::Paused { .. });
    let is_told = |snapshot: &Snapshot| is_paused(snapshot) || snapshot.pause_asked_at.is_some();
    let said = said_paused_at(step.after);
    let before = step.before.filter(|_| step.is_same_period());
    let is_known = before
        .filter(|before| is_told(before.snapshot))
        .is_some_and(|before| {
            let known = said_paused_at(before);
            known.is_none() || known == said
        });
    if !is_told(snapshot) || is_known {
        return None;
    }
    let rule = match snapshot.pause_asked_at {
        Some(_) => "pause.asked_for",
        None => "pause.began",
    };
    let (kind, key) = (EventKind::SubscriptionPaused, key(step, "paused"));
    Some(match step.store {
        // Asked again, or taken back: Google does not say which, so there is one in a period.
        Store::PlayStore => {
            let at = snapshot.pause_asked_at.unwrap_or(snapshot.version);
            step.shown(kind, key, at, rule)
        }
        Store::AppStore | Store::Stripe | Store::External | Store::Promotional => {
            let at = said.unwrap_or(snapshot.version);
            step.change(kind, format!("{key}:{}", at.as_microsecond()), at, rule)
        }
    })
}

/// When the last pause in the period began or was asked for, where the message that said so is known.
fn said_paused_at(state: State<'_>) -> Option<Timestamp> {
    state.facts.paused_since(state.snapshot.purchased_at)
}

/// `billing.charge_failed`: once per episode.
pub(super) fn charge_failed(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let before = step.before_in_same_period();
    let begins = snapshot.has_billing_issue() && !before.is_some_and(Snapshot::has_billing_issue);
    begins.then(|| {
        step.shown(
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
        step.shown(
            EventKind::EnteredGracePeriod,
            key(step, "grace"),
            snapshot.version,
            "billing.grace_began",
        )
    })
}

/// `expired.confirmed`: unless a refund closed the period. Where that is undone and the period is over, it has ended all the same. What was
/// bought once for a time ends with its access, and tells nothing else.
pub(super) fn ended(step: &Step<'_>) -> Option<Change> {
    if step.after.snapshot.kind != TransactionKind::Subscription {
        return None;
    }
    let Standing::Expired { at, reason } = step.after.snapshot.standing else {
        return None;
    };
    // What took its place tells how it ended.
    let snapshot = step.after.snapshot;
    let last = step
        .after
        .facts
        .transaction(&snapshot.transaction, step.line);
    if last.is_some_and(|last| step.after.facts.replaced_by(&last.fact).is_some()) {
        return None;
    }
    let had_expired = |before: &Snapshot| matches!(before.standing, Standing::Expired { .. });
    if step.before_in_same_period().is_some_and(had_expired) {
        return None;
    }
    let kind = step.named(EventKind::TrialExpired, EventKind::SubscriptionExpired);
    // What took over and is not heard of yet may go on with the same period, which has an end of its own then.
    let what = match reason {
        CancellationReason::NewSubscriptionReplace => "replaced",
        _ => "expired",
    };
    Some(Change {
        reason: Some(reason),
        ..step.shown(kind, key(step, what), at, "expired.confirmed")
    })
}
