//! A line seen for the first time, which most purchases have one of: whether it is news, and otherwise the one event that says how it came to stand where it
//! does. It is made by the rule that would have told it.

use super::{
    charges, refunds, renewal, standing,
    step::{Change, State, Step},
};
use crate::{
    fact::{TransactionFact, TransactionKind},
    snapshot::Standing,
};
use jiff::{SignedDuration, Timestamp};

/// One that began within the window is news, not an import: all of its events are told, also when its first messages
/// were overtaken by later ones, or got lost while we were away.
pub(super) fn is_news(step: &Step<'_>, heard_at: Timestamp, window: SignedDuration) -> bool {
    let all: Vec<_> = step.history.iter().map(|known| &known.fact).collect();
    let begins = all.iter().any(|fact| fact.is_origin(step.chain));
    (begins || all.len() == 1)
        && all
            .iter()
            .all(|fact| fact.purchased_at.duration_until(heard_at) <= window)
}

/// A line of a purchase that is known is news when it began after the store had last spoken of the purchase, or took the place of a line that
/// was known.
pub(super) fn is_added(step: &Step<'_>, purchase: Option<State<'_>>) -> bool {
    purchase.is_some_and(|before| {
        let heard = before.snapshot.last_said();
        let is_newer = step
            .history
            .iter()
            .all(|known| known.fact.purchased_at >= heard);
        let first = step.history.first();
        let is_of_another = |fact: &&TransactionFact| fact.line != step.line;
        let replaced = first.filter(is_of_another);
        is_newer || replaced.is_some_and(|old| before.snapshot.line(&old.line).is_some())
    })
}

/// The one event, if there is one; everything else counts as told.
pub(super) fn told(step: &Step<'_>, heard_at: Timestamp, window: SignedDuration) -> Option<Change> {
    let mut change = latest(step)?;
    change.historical = change.occurred_at.duration_until(heard_at) > window;
    Some(change)
}

fn latest(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let is_cancelled = snapshot.kind == TransactionKind::Subscription
        && !snapshot.will_renew
        && !snapshot.is_prepaid;
    let given_back = || refunds::told(step).into_iter();
    match &snapshot.standing {
        _ if snapshot.runs_unheard() => given_back().rfind(|change| change.kind.is_refund()),
        Standing::Revoked { .. } => given_back().rfind(|change| change.kind.is_refund()),
        Standing::Expired { .. } if snapshot.kind == TransactionKind::Subscription => {
            standing::ended(step)
        }
        Standing::Grace { .. } => standing::grace_began(step),
        Standing::Retry { .. } => standing::charge_failed(step),
        Standing::Paused { .. } => standing::paused(step),
        Standing::Current | Standing::Lapsed if is_cancelled => renewal::switched_off(step),
        // What was bought once is what is told of it, also when its time is over.
        Standing::Current | Standing::Lapsed | Standing::Expired { .. } => charges::current(step),
    }
}
