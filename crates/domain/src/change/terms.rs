//! The terms of the running period: a later end, price increases, and a trial that is about to end.

use super::{
    renewal::is_bought_anew,
    step::{Change, Step},
};
use crate::{
    EventKind, Store,
    fact::{Note, PriceIncrease, TransactionKind},
    snapshot::Phase,
};
use jiff::SignedDuration;

/// An end that moves by no more than this is Google charging late, not a deferral: it keeps a subscription going for at
/// least a day after a failed charge, and moves its end meanwhile. Source: Play Billing, *Subscription lifecycle*, read in
/// November 2026.
const LATE_CHARGE: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let rules = [end_moved, price_increase, trial_will_end];
    rules.iter().filter_map(|rule| rule(step)).collect()
}

/// `period.extended`; on Google Play `period.deferred`, where the developer moved the end or it moved far. That the developer moved it says
/// a message with the end that it brought: an end that moves later moves by itself. What was bought once for a
/// time has the end that its product says, and no store moves it.
fn end_moved(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    if snapshot.kind != TransactionKind::Subscription {
        return None;
    }
    let (old, new) = step
        .before_in_same_period()?
        .paid_until()
        .zip(snapshot.paid_until())
        .filter(|(old, new)| old < new)?;
    let is_deferred = || {
        let mut new = step
            .after
            .facts
            .notes
            .iter()
            .filter(|note| !was_known(step, note));
        new.any(|note| matches!(note, Note::Deferred { at } if *at >= snapshot.purchased_at))
    };
    let (kind, rule) = match step.store {
        Store::PlayStore if is_deferred() || old.duration_until(new) > LATE_CHARGE => {
            (EventKind::SubscriptionDeferred, "period.deferred")
        }
        Store::PlayStore => return None,
        Store::AppStore | Store::Stripe | Store::External | Store::Promotional => {
            (EventKind::SubscriptionExtended, "period.extended")
        }
    };
    let key = format!("extended:{}:{}", step.name(), new.as_millisecond());
    Some(Change {
        dated: new,
        ..step.change(kind, key, snapshot.version, rule)
    })
}

fn was_known(step: &Step<'_>, note: &Note) -> bool {
    step.before
        .is_some_and(|before| before.facts.notes.contains(note))
}

/// `price_increase.pending`, `price_increase.accepted`.
fn price_increase(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    // What is news from its beginning, or was bought since, is so with the increase that was announced by then.
    let known = match (step.before, step.before_in_same_period()) {
        (_, Some(before)) => before.price_increase,
        (None, None) => None,
        (Some(before), None) if is_bought_anew(step, before) => None,
        (Some(_), None) => return None,
    };
    let increase = snapshot
        .price_increase
        .filter(|increase| known != Some(*increase))?;
    let (kind, rule) = match increase {
        PriceIncrease::Pending => (EventKind::PriceIncreasePending, "price_increase.pending"),
        PriceIncrease::Accepted => (EventKind::PriceIncreaseAccepted, "price_increase.accepted"),
    };
    let key = format!(
        "{}:{}:{}",
        kind.id(),
        step.name(),
        snapshot.version.as_microsecond()
    );
    Some(step.change(kind, key, snapshot.version, rule))
}

/// `trial.will_end`: once per end, and only while the trial runs. It is the store's word, which no clock of ours replaces: where the
/// message got lost, nothing is told.
pub(super) fn trial_will_end(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let ends = snapshot.expires_at?;
    if snapshot.phase != Phase::Trial || !snapshot.gives_access() {
        return None;
    }
    let notes = step.after.facts.notes.iter();
    let said = notes
        .filter(|note| !was_known(step, note))
        .filter_map(|note| match note {
            Note::TrialWillEnd { at } => Some(*at),
            _ => None,
        });
    let at = said
        .filter(|at| (snapshot.purchased_at..ends).contains(at))
        .min()?;
    let key = format!("trial_will_end:{}:{}", step.name(), ends.as_millisecond());
    Some(Change {
        dated: ends,
        ..step.change(EventKind::TrialWillEnd, key, at, "trial.will_end")
    })
}
