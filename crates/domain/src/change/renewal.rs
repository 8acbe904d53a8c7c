//! Auto-renew switched off or on, and products that the store will renew into, or has put in effect without a charge.

use super::step::{Change, Step};
use crate::{
    CancellationReason, EventKind, Snapshot,
    fact::{Transaction, TransactionKind, line_key},
    snapshot::Standing,
};

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let snapshot = step.after.snapshot;
    if snapshot.kind != TransactionKind::Subscription || snapshot.is_prepaid {
        return Vec::new();
    }
    let rules = [switched_off, switched_on, changed_uncharged, planned];
    rules.iter().filter_map(|rule| rule(step)).collect()
}

/// Whether renewal was on; a chain seen for the first time was to renew.
fn was_on(step: &Step<'_>) -> bool {
    step.before.is_none_or(|before| before.snapshot.will_renew)
}

/// Unique per direction, period and statement.
fn key(step: &Step<'_>, direction: &str) -> String {
    let snapshot = step.after.snapshot;
    format!(
        "{direction}:{}:{}:{}",
        step.chain,
        snapshot.transaction_key(),
        snapshot.version.as_microsecond()
    )
}

/// `renewal.switched_off`: while it runs, or at its very end, where the store says that the customer cancelled and that
/// access ended with it.
pub(super) fn switched_off(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    if !was_on(step) || snapshot.will_renew {
        return None;
    }
    let is_stated = cancel_is_stated(step);
    let is_cancelled = matches!(
        snapshot.standing,
        Standing::Expired {
            reason: CancellationReason::VoluntarilyCancelled,
            ..
        }
    );
    if snapshot.has_ended() && !(is_cancelled && is_stated && step.is_same_period()) {
        return None;
    }
    let since = snapshot.off_since.filter(|_| is_stated);
    Some(step.change(
        step.named(
            EventKind::TrialRenewalCancelled,
            EventKind::SubscriptionRenewalCancelled,
        ),
        key(step, "renewal_off"),
        since.unwrap_or(snapshot.version),
        "renewal.switched_off",
    ))
}

/// `renewal.switched_on`: in the same period, or by a new leg of the same product while the one before still ran.
fn switched_on(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let had_ended = step
        .before
        .is_some_and(|before| before.snapshot.has_ended());
    let goes_on = step.is_same_period() || took_over_before_the_end(step);
    if was_on(step) || !snapshot.will_renew || had_ended || !goes_on {
        return None;
    }
    Some(step.change(
        step.named(
            EventKind::TrialRenewalReactivated,
            EventKind::SubscriptionRenewalReactivated,
        ),
        key(step, "renewal_on"),
        snapshot.version,
        "renewal.switched_on",
    ))
}

/// `product.changed_uncharged`: another product took the place of the one that was charged for, before anything is charged
/// for it.
fn changed_uncharged(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let before = step.before_in_same_period()?;
    let was_planned = before.next_product.as_ref() == Some(&snapshot.product);
    if snapshot.has_ended() || was_planned || before.product == snapshot.product {
        return None;
    }
    let (from, to) = (&before.product, &snapshot.product);
    Some(product_changed(step, from, to, "product.changed_uncharged"))
}

/// `product.change_scheduled`, `product.change_withdrawn`: what the store will renew into appears, changes or goes.
fn planned(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    if snapshot.has_ended() {
        return None;
    }
    let planned_before = step
        .before
        .and_then(|before| before.snapshot.next_product.as_ref());
    match (planned_before, &snapshot.next_product) {
        (known, Some(next)) if known != Some(next) => Some(Change {
            scheduled: true,
            ..product_changed(step, &snapshot.product, next, "product.change_scheduled")
        }),
        // In effect before it is charged for: it is not withdrawn.
        (Some(planned), None) if *planned == snapshot.product => None,
        (Some(planned), None) if step.is_same_period() && snapshot.will_renew => {
            let to = &snapshot.product;
            Some(product_changed(
                step,
                planned,
                to,
                "product.change_withdrawn",
            ))
        }
        _ => None,
    }
}

/// A change of product that no charge shows, as of the statement that does.
fn product_changed(step: &Step<'_>, from: &str, to: &str, rule: &'static str) -> Change {
    let version = step.after.snapshot.version;
    let key = format!(
        "product:{}:{from}:{to}:{}",
        step.name(),
        version.as_microsecond()
    );
    Change {
        product: to.to_owned(),
        previous_product: Some(from.to_owned()),
        ..step.change(EventKind::ProductChanged, key, version, rule)
    }
}

/// The transaction that the chain stands on.
fn current<'a>(step: &Step<'a>) -> Option<&'a Transaction> {
    let after = step.after;
    let id = &after.snapshot.transaction;
    after.facts.transaction(id, step.line)
}

/// Whether the store itself says when auto-renew was switched off.
fn cancel_is_stated(step: &Step<'_>) -> bool {
    current(step)
        .and_then(|current| {
            step.after
                .facts
                .renewals
                .get(&line_key(&current.fact.leg, step.line))
        })
        .is_some_and(|renewal| renewal.off_since.is_some())
}

/// Whether the current transaction is a new leg of the same product, taken up while the one before still ran.
fn took_over_before_the_end(step: &Step<'_>) -> bool {
    let Some((before, current)) = step.before.zip(current(step)) else {
        return false;
    };
    let before: &Snapshot = before.snapshot;
    before.product == step.after.snapshot.product
        && current.fact.replaces.is_some()
        && before
            .expires_at
            .is_some_and(|end| current.fact.purchased_at < end)
}
