//! Refunds and their reversals that were not known before: first those seen inside transactions, in order of purchase, then
//! those that are things of their own.

use super::step::{Change, Step};
use crate::{
    CancellationReason, EventKind, Facts,
    fact::{RefundFact, Transaction, TransactionFact, TransactionKind},
};

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let inside = step
        .history
        .iter()
        .flat_map(|transaction| inside(step, transaction));
    let facts = step.after.facts;
    let own = facts.refunds.iter();
    let own = own
        .filter(|(_, refund)| facts.is_about(refund, step.line))
        .flat_map(|(id, refund)| stated(step, id, refund));
    inside.chain(own).collect()
}

const fn refunded(kind: TransactionKind) -> EventKind {
    match kind {
        TransactionKind::Subscription => EventKind::SubscriptionRefunded,
        TransactionKind::NonConsumable
        | TransactionKind::Consumable
        | TransactionKind::NonRenewing => EventKind::NonSubscriptionPurchaseRefunded,
    }
}

/// `refund.revocation_date`, `refund.reversed`: what copies of one transaction show, and what newer ones no longer show.
fn inside(step: &Step<'_>, transaction: &Transaction) -> Vec<Change> {
    let fact = &transaction.fact;
    let known = step
        .before
        .and_then(|before| before.facts.transaction(&fact.id, step.line));
    let about = |change: Change| Change {
        transaction: fact.id.clone(),
        product: fact.product.clone(),
        ..change
    };
    let given_back = transaction
        .refunds
        .keys()
        .filter(|at| known.is_none_or(|known| !known.refunds.contains_key(at)))
        .map(|at| {
            let key = format!("refunded:{}:{}", fact.key(), at.as_millisecond());
            Change {
                reason: Some(CancellationReason::Refund),
                ..about(step.change(refunded(fact.kind), key, *at, "refund.revocation_date"))
            }
        });
    let was_undone =
        |at| known.is_some_and(|known| known.reversals().any(|(known, _)| known == at));
    let undone = transaction
        .reversals()
        .filter(|(at, _)| !was_undone(*at))
        .map(|(at, version)| {
            let key = format!("refund_reversed:{}:{}", fact.key(), at.as_millisecond());
            about(step.change(EventKind::RefundReversed, key, version, "refund.reversed"))
        });
    given_back.chain(undone).collect()
}

/// `refund.stated`, `refund.undone`: one refund that is a thing of its own.
fn stated(step: &Step<'_>, id: &str, refund: &RefundFact) -> Vec<Change> {
    let known = step.before.and_then(|before| before.facts.refunds.get(id));
    let after = step.after;
    let transaction = after.facts.transaction(&refund.transaction, step.line);
    let fact = transaction.map(|transaction| &transaction.fact);
    let kind = fact.map_or(after.snapshot.kind, |fact| fact.kind);
    let product = fact.map_or(&after.snapshot.product, |fact| &fact.product);
    let about = |change: Change| Change {
        transaction: refund.transaction.clone(),
        product: product.clone(),
        refunded: after.facts.given_back(refund, step.line),
        refund: Some(id.to_owned()),
        pieces: pieces(after.facts, refund, fact),
        ..change
    };
    let name = step.named_transaction(&refund.transaction);
    let mut told = Vec::new();
    if known.is_none() {
        let key = format!("refunded:{name}:{id}");
        told.push(Change {
            reason: Some(CancellationReason::Refund),
            ..about(step.change(refunded(kind), key, refund.at, "refund.stated"))
        });
    }
    if refund.is_undone && !known.is_some_and(|known| known.is_undone) {
        let key = format!("refund_reversed:{name}:{id}");
        let kind = EventKind::RefundReversed;
        told.push(about(step.change(
            kind,
            key,
            refund.version,
            "refund.undone",
        )));
    }
    told
}

/// How many pieces one refund gave back: those that were left after the refund before it, less those left after it.
fn pieces(facts: &Facts, refund: &RefundFact, fact: Option<&TransactionFact>) -> Option<u32> {
    let left = refund.pieces_left?;
    let before = facts
        .refunds
        .values()
        .filter(|other| other.transaction == refund.transaction && other.line == refund.line)
        .filter_map(|other| other.pieces_left)
        .filter(|other| *other > left)
        .min()
        .or(fact.map(|fact| fact.quantity))?;
    Some(before.saturating_sub(left)).filter(|pieces| *pieces > 0)
}
