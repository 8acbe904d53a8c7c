//! Refunds and their reversals that were not known before, with what each gave back: first those seen inside transactions, in
//! order of purchase, then those that are things of their own, in order of time.

use super::step::{Change, Step};
use crate::{
    CancellationReason, EventKind, Money,
    event::Request,
    fact::{Note, RefundFact, Reversal, Transaction, TransactionKind},
    refund::{self, GivenBack, Part},
    time::after,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let mut back = Back::of(step);
    let mut told = Vec::new();
    for transaction in step.history.iter() {
        told.extend(inside(step, transaction, &mut back));
    }
    let facts = step.after.facts;
    let own = facts.refunds.iter();
    let mut own: Vec<_> = own
        .filter(|(_, refund)| facts.is_about(refund, step.line))
        .map(|(id, refund)| (id.as_str(), refund))
        .collect();
    own.sort_by_key(|(id, refund)| (refund.at, *id));
    for (id, refund) in own {
        told.extend(stated(step, id, refund, &mut back));
    }
    told.extend(notices(step));
    told
}

/// What was given back of each charge, as far as it was told; goes on with what is told now.
struct Back<'a> {
    step: &'a Step<'a>,
    charges: BTreeMap<&'a str, GivenBack<'a>>,
}

impl<'a> Back<'a> {
    const fn of(step: &'a Step<'a>) -> Self {
        Self {
            step,
            charges: BTreeMap::new(),
        }
    }

    fn charge(&mut self, id: &'a str) -> &mut GivenBack<'a> {
        let step = self.step;
        self.charges.entry(id).or_insert_with(|| {
            let known = step.after.facts.transaction(id, step.line);
            let price = known.and_then(|known| known.fact.price);
            step.before
                .map_or_else(
                    || GivenBack::nothing(None),
                    |before| GivenBack::of(before.facts, id, step.line),
                )
                .priced(price)
        })
    }

    /// What a refund gave back that was undone before it was heard of.
    fn passing(
        &mut self,
        charge: &'a str,
        (part, at): (Part<'a>, Timestamp),
        amount: Option<Money>,
    ) -> Option<Money> {
        let own = &self.step.after.facts.refunds;
        let were_before = |other| match other {
            Part::Shown(shown) => shown < at,
            Part::Own(id) => own.get(id).is_some_and(|refund| refund.at < at),
        };
        self.charge(charge).passing(part, amount, were_before)
    }
}

const fn refunded(kind: TransactionKind) -> EventKind {
    match kind {
        TransactionKind::Subscription => EventKind::SubscriptionRefunded,
        TransactionKind::NonConsumable
        | TransactionKind::Consumable
        | TransactionKind::NonRenewing => EventKind::NonSubscriptionPurchaseRefunded,
    }
}

/// `refund.revocation_date`, `refund.reversed`: what copies of one transaction show, and what newer ones no longer show. What
/// was told before is undone first: what replaces a refund gives back anew.
fn inside<'a>(
    step: &'a Step<'a>,
    transaction: &'a Transaction,
    back: &mut Back<'a>,
) -> Vec<Change> {
    let fact = &transaction.fact;
    let known = step
        .before
        .and_then(|before| before.facts.transaction(&fact.id, step.line));
    let was_known = |at: Timestamp| known.is_some_and(|known| known.refunds.contains_key(&at));
    let was_undone = |reversal: &Reversal| {
        let mut undone = known.into_iter().flat_map(Transaction::reversals);
        undone.any(|known| known.refunded_at == reversal.refunded_at)
    };
    let about = |change: Change| Change {
        transaction: fact.id.clone(),
        product: fact.product.clone(),
        ..change
    };
    let undone = |(reversal, amount): (&Reversal, Option<Money>)| {
        let (kind, rule) = (EventKind::RefundReversed, "refund.reversed");
        let refunded_at = reversal.refunded_at;
        let millis = refunded_at.as_millisecond();
        let key = format!("refund_reversed:{}:{millis}", fact.key());
        Change {
            refunded: amount,
            dated: refunded_at,
            ..about(step.change(kind, key, reversal.undone_at, rule))
        }
    };
    let (of_known, of_new): (Vec<_>, Vec<_>) = transaction
        .reversals()
        .filter(|reversal| !was_undone(reversal))
        .partition(|reversal| was_known(reversal.refunded_at));
    let mut told = Vec::new();
    for reversal in &of_known {
        let amount = back
            .charge(&fact.id)
            .undo(Part::Shown(reversal.refunded_at));
        told.push(undone((reversal, amount)));
    }
    let mut passed = BTreeMap::new();
    for at in transaction.refunds.keys().filter(|at| !was_known(**at)) {
        let key = format!("refunded:{}:{}", fact.key(), at.as_millisecond());
        let (part, amount) = (Part::Shown(*at), refund::shown(transaction, *at));
        let is_over = of_new.iter().any(|reversal| reversal.refunded_at == *at);
        let amount = if is_over {
            let amount = back.passing(&fact.id, (part, *at), amount);
            passed.insert(*at, amount);
            amount
        } else {
            back.charge(&fact.id).count(part, amount)
        };
        told.push(Change {
            reason: Some(CancellationReason::Refund),
            refunded: amount,
            ..about(step.change(refunded(fact.kind), key, *at, "refund.revocation_date"))
        });
    }
    for reversal in &of_new {
        let amount = passed.get(&reversal.refunded_at).copied().flatten();
        told.push(undone((reversal, amount)));
    }
    told
}

/// `refund.stated`, `refund.undone`: one refund that is a thing of its own.
fn stated<'a>(
    step: &'a Step<'a>,
    id: &'a str,
    refund: &'a RefundFact,
    back: &mut Back<'a>,
) -> Vec<Change> {
    let known = step.before.and_then(|before| before.facts.refunds.get(id));
    let after = step.after;
    let transaction = after.facts.transaction(&refund.transaction, step.line);
    let fact = transaction.map(|transaction| &transaction.fact);
    let kind = fact.map_or(after.snapshot.kind, |fact| fact.kind);
    let product = fact.map_or(&after.snapshot.product, |fact| &fact.product);
    let about = |change: Change| Change {
        transaction: refund.transaction.clone(),
        product: product.clone(),
        refund: Some(id.to_owned()),
        pieces: refund::pieces(after.facts, refund, fact),
        ..change
    };
    let name = step.named_transaction(&refund.transaction);
    let mut told = Vec::new();
    let mut passed = None;
    if known.is_none() {
        let key = format!("refunded:{name}:{id}");
        let amount = refund::stated(after.facts, refund, step.line);
        let part = Part::Own(id);
        let amount = if refund.is_undone {
            *passed.insert(back.passing(&refund.transaction, (part, refund.at), amount))
        } else {
            back.charge(&refund.transaction).count(part, amount)
        };
        told.push(Change {
            reason: Some(CancellationReason::Refund),
            refunded: amount,
            ..about(step.change(refunded(kind), key, refund.at, "refund.stated"))
        });
    }
    if refund.is_undone && !known.is_some_and(|known| known.is_undone) {
        let key = format!("refund_reversed:{name}:{id}");
        let kind = EventKind::RefundReversed;
        told.push(Change {
            refunded: passed
                .unwrap_or_else(|| back.charge(&refund.transaction).undo(Part::Own(id))),
            dated: refund.at,
            ..about(step.change(kind, key, refund.version, "refund.undone"))
        });
    }
    told
}

/// How long a store waits for an answer that does not say until when.
const AWAITED: SignedDuration = SignedDuration::from_hours(24);

/// `refund.undone_alone`, `refund.requested`, `refund.declined`: what a store only says. It is news whatever else is known of the
/// chain, and none of it moves money or access.
pub(super) fn notices(step: &Step<'_>) -> Vec<Change> {
    let notes = &step.after.facts.notes;
    let was_known = |note: &Note| {
        step.before
            .is_some_and(|before| before.facts.notes.contains(note))
    };
    let new = notes.iter().filter(|note| !was_known(note));
    new.filter_map(|note| notice(step, note)).collect()
}

fn notice(step: &Step<'_>, note: &Note) -> Option<Change> {
    if !step.is_about(note) {
        return None;
    }
    match note {
        Note::RefundUndone { at, transaction } => {
            let known = step.after.facts.transaction(transaction, step.line);
            // A refund that was heard of is undone with what it had given back.
            if known.is_some_and(|known| !known.refunds.is_empty()) {
                return None;
            }
            let price = known.and_then(|known| known.fact.price);
            let (kind, rule) = (EventKind::RefundReversed, "refund.undone_alone");
            Some(Change {
                refunded: price.map(|price| Money { micros: 0, ..price }),
                ..said(step, (kind, rule), "refund_reversed", transaction, *at)
            })
        }
        Note::RefundRequested {
            at,
            transaction,
            reason,
            respond_by,
            token,
        } => {
            let (kind, rule) = (EventKind::RefundRequested, "refund.requested");
            let is_known = step
                .after
                .facts
                .transaction(transaction, step.line)
                .is_some();
            (!is_repeated(step, transaction, *at)).then(|| Change {
                request: Some(Request {
                    reason: reason.clone(),
                    respond_by: *respond_by,
                    token: token.clone(),
                    transaction: (!is_known).then(|| transaction.clone()),
                }),
                ..said(step, (kind, rule), "refund_requested", transaction, *at)
            })
        }
        Note::RefundDeclined { at, transaction } => {
            let (kind, rule) = (EventKind::RefundDeclined, "refund.declined");
            let said = said(step, (kind, rule), "refund_declined", transaction, *at);
            Some(said)
        }
        Note::PauseRequested { .. }
        | Note::Paused { .. }
        | Note::Deferred { .. }
        | Note::TrialWillEnd { .. }
        | Note::Offered { .. } => None,
    }
}

/// Whether the same was asked for before and could still be answered then: stores repeat an open request. One that comes when nobody
/// waits for an answer to the last any more waits for another.
fn is_repeated(step: &Step<'_>, transaction: &str, at: Timestamp) -> bool {
    let asked = step.after.facts.notes.iter().filter_map(|note| match note {
        Note::RefundRequested {
            at,
            transaction: of,
            respond_by,
            ..
        } if of == transaction => Some((*at, respond_by.unwrap_or(after(*at, AWAITED)))),
        _ => None,
    });
    let earlier: BTreeMap<_, _> = asked.filter(|(asked, _)| *asked < at).collect();
    let told = earlier.into_iter().fold(None, |open, (asked, until)| {
        let is_open = open.is_some_and(|open| asked < open);
        if is_open { open } else { Some(until) }
    });
    told.is_some_and(|until| at < until)
}

/// What is said of a transaction, which may be one that nothing else is known of.
fn said(
    step: &Step<'_>,
    (kind, rule): (EventKind, &'static str),
    what: &str,
    transaction: &str,
    at: Timestamp,
) -> Change {
    let known = step.after.facts.transaction(transaction, step.line);
    let product = known.map(|known| known.fact.product.clone());
    let name = step.named_transaction(transaction);
    let key = format!("{what}:{name}:{}", at.as_millisecond());
    let change = step.change(kind, key, at, rule);
    Change {
        transaction: transaction.to_owned(),
        product: product.unwrap_or_else(|| change.product.clone()),
        ..change
    }
}
