//! Auto-renew switched off or on, and products that the store will renew into, or has put in effect without a charge.

use super::step::{Change, State, Step};
use crate::{
    CancellationReason, EventKind, Snapshot,
    fact::{Transaction, TransactionKind, TransactionReason, line_key},
    snapshot::Standing,
};
use jiff::Timestamp;

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let snapshot = step.after.snapshot;
    if snapshot.kind != TransactionKind::Subscription || snapshot.is_prepaid {
        return Vec::new();
    }
    let rules = [switched_off, switched_on, changed_uncharged, planned];
    rules.iter().filter_map(|rule| rule(step)).collect()
}

/// Whether renewal was on; a chain seen for the first time was to renew, and so is what is bought after an end, or turns out to have taken over
/// from what seemed to have ended. What a refund took for a while, which is undone now, was to renew as the store last said.
fn was_on(step: &Step<'_>) -> bool {
    let is_on = |before: State<'_>| {
        let was_taken = matches!(before.snapshot.standing, Standing::Revoked { .. });
        let is_back = was_taken && step.is_same_period() && !step.after.snapshot.has_ended();
        let is_anew = before.snapshot.has_ended()
            && (is_bought_anew(step, before) || took_over_unheard(step, before));
        before.snapshot.will_renew || is_anew || (is_back && intends(before, step.line))
    };
    step.before.is_none_or(is_on)
}

/// Whether the period was bought by the customer after the one before.
pub(super) fn is_bought_anew(step: &Step<'_>, before: State<'_>) -> bool {
    let bought = current(step.after, step.line).filter(|bought| {
        bought.fact.reason == Some(TransactionReason::Purchase)
            && before.snapshot.purchased_at < bought.fact.purchased_at
    });
    bought.is_some_and(|bought| bought.fact.id != before.snapshot.transaction)
}

/// Whether another leg has taken over from one that was said to be replaced by nobody knew what, and goes on with its period.
fn took_over_unheard(step: &Step<'_>, before: State<'_>) -> bool {
    let is_replaced =
        before.snapshot.ended_because() == Some(CancellationReason::NewSubscriptionReplace);
    let legs = current(before, step.line).zip(current(step.after, step.line));
    is_replaced && legs.is_some_and(|(old, new)| new.fact.replaces.as_ref() == Some(&old.fact.leg))
}

/// Whether the store last said that a line will renew.
fn intends(state: State<'_>, line: &str) -> bool {
    let said = current(state, line)
        .and_then(|current| state.facts.renewals.get(&line_key(&current.fact.leg, line)));
    said.is_some_and(|said| said.auto_renew == Some(true) && said.term_renews != Some(false))
}

/// Unique per direction, period and cancellation: the store's own time of that, or else of the statement that shows what changed.
fn key(step: &Step<'_>, direction: &str, cancelled_at: Timestamp) -> String {
    let transaction = step.after.snapshot.transaction_key();
    let at = cancelled_at.as_microsecond();
    format!("{direction}:{}:{transaction}:{at}", step.chain)
}

/// `renewal.switched_off`: while it runs, or at its very end, where the store says that the customer cancelled and that
/// access ended with it. What was given back was not cancelled.
pub(super) fn switched_off(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    if !was_on(step) || snapshot.will_renew || snapshot.awaits_refund() {
        return None;
    }
    let stated = cancelled_at(step.after, step.line);
    let is_cancelled = matches!(
        snapshot.standing,
        Standing::Expired {
            reason: CancellationReason::VoluntarilyCancelled,
            ..
        }
    );
    if snapshot.has_ended() && !(is_cancelled && stated.is_some() && step.is_same_period()) {
        return None;
    }
    let since = snapshot.off_since.filter(|_| stated.is_some());
    let since = since.unwrap_or(snapshot.version);
    Some(step.change(
        step.named(
            EventKind::TrialRenewalCancelled,
            EventKind::SubscriptionRenewalCancelled,
        ),
        key(step, "renewal_off", since),
        since,
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
    let was_stated = |before: &State<'_>| cancelled_at(*before, step.line).is_some();
    let taken_back = step
        .before
        .filter(was_stated)
        .and_then(|before| before.snapshot.off_since);
    let dated = taken_back.unwrap_or(snapshot.version);
    let change = step.change(
        step.named(
            EventKind::TrialRenewalReactivated,
            EventKind::SubscriptionRenewalReactivated,
        ),
        key(step, "renewal_on", dated),
        snapshot.version,
        "renewal.switched_on",
    );
    Some(Change { dated, ..change })
}

/// `product.changed_uncharged`: another product took the place of the one that was charged for, before anything is charged
/// for it.
fn changed_uncharged(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let before = step.before_in_same_period()?;
    let was_planned = before.next_product.as_ref() == Some(&snapshot.product);
    let is_known = snapshot.has_ended() || snapshot.runs_unheard() || before.runs_unheard();
    if is_known || was_planned || before.product == snapshot.product {
        return None;
    }
    let (from, to) = (&before.product, &snapshot.product);
    Some(product_changed(step, from, to, "product.changed_uncharged"))
}

/// `product.change_scheduled`, `product.change_withdrawn`: what the store will renew into appears, changes or goes.
fn planned(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    // What runs unheard of may be what was planned.
    if snapshot.has_ended() || snapshot.runs_unheard() {
        return None;
    }
    let planned_before = step.before.and_then(|before| {
        // What stood while renewal was off, or a refund had taken the period, was told when it was heard of.
        let stood = chosen(before, step.line).filter(|_| step.is_same_period());
        before.snapshot.next_product.as_ref().or(stood)
    });
    match (planned_before, chosen(step.after, step.line)) {
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

/// The product that the customer chose for the next period, whether there is to be one or not.
fn chosen<'a>(state: State<'a>, line: &str) -> Option<&'a String> {
    let current = current(state, line)?;
    let said = state
        .facts
        .renewals
        .get(&line_key(&current.fact.leg, line))?;
    let is_of_it = said.version >= current.first_version;
    let next = said.next_product.as_ref().filter(|_| is_of_it)?;
    (*next != state.snapshot.product).then_some(next)
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

/// The transaction that a line stands on.
fn current<'a>(state: State<'a>, line: &str) -> Option<&'a Transaction> {
    state.facts.transaction(&state.snapshot.transaction, line)
}

/// When auto-renew was switched off, where the store itself says so.
fn cancelled_at(state: State<'_>, line: &str) -> Option<Timestamp> {
    let leg = &current(state, line)?.fact.leg;
    state.facts.renewals.get(&line_key(leg, line))?.off_since
}

/// Whether the current transaction is a new leg of the same product, taken up while the one before still ran.
fn took_over_before_the_end(step: &Step<'_>) -> bool {
    let Some((before, current)) = step.before.zip(current(step.after, step.line)) else {
        return false;
    };
    let before: &Snapshot = before.snapshot;
    before.product == step.after.snapshot.product
        && current.fact.replaces.is_some()
        && before
            .expires_at
            .is_some_and(|end| current.fact.purchased_at < end)
}
