//! Charges that were not known before, with the changes of product they bring. In order of purchase; what a charge is,
//! `charge::History` says.

use super::step::{Change, State, Step};
use crate::{
    CancellationReason, EventKind,
    charge::{Charge, EXTRA, History, Switch, Switched},
    fact::TransactionFact,
};

pub(super) fn told(step: &Step<'_>) -> Vec<Change> {
    let transactions = step.history.iter();
    let all = step.after.facts.transactions.values();
    let extras = all.filter(|known| known.fact.line == step.line);
    transactions
        .flat_map(|transaction| of(step, &transaction.fact))
        .chain(extras.filter_map(|transaction| extra(step, &transaction.fact)))
        .collect()
}

/// Whether a charge was not known before: not at all, or as one that was still owed.
fn is_new(step: &Step<'_>, fact: &TransactionFact) -> bool {
    let known = step
        .before
        .and_then(|before| before.facts.transaction(&fact.id, step.line));
    known.is_none_or(|known| known.fact.is_owed && !fact.is_owed)
}

/// Whether something newer was known. What was bought once a renewal had been charged ahead is newer than that.
fn is_late(step: &Step<'_>, fact: &TransactionFact) -> bool {
    step.before.is_some_and(|before| {
        fact.purchased_at < before.snapshot.purchased_at
            && !step
                .history
                .is_before(&before.snapshot.transaction, &fact.id)
    })
}

/// [`EXTRA`]: money that bought no period.
fn extra(step: &Step<'_>, fact: &TransactionFact) -> Option<Change> {
    if !fact.is_extra || !is_new(step, fact) || was_told_with_the_whole(step, fact) {
        return None;
    }
    let Charge { kind, rule } = EXTRA;
    let key = format!("charged:{}", step.named_transaction(&fact.id));
    Some(Change {
        transaction: fact.id.clone(),
        product: fact.product.clone(),
        late: is_late(step, fact),
        ..step.change(kind, key, fact.purchased_at, rule)
    })
}

/// Whether a payment is among those that were told before as one charge, when nobody told them apart: all that was known to have been paid then
/// is more than what was paid before it.
fn was_told_with_the_whole(step: &Step<'_>, fact: &TransactionFact) -> bool {
    let Some(whole) = &fact.part_of else {
        return false;
    };
    let paid = |state: State<'_>, counts: &dyn Fn(&TransactionFact) -> bool| {
        let all = state.facts.transactions.values();
        let of_it = all.map(|known| &known.fact).filter(|part| {
            part.line == step.line && (part.id == *whole || part.part_of.as_ref() == Some(whole))
        });
        let prices = of_it
            .filter(|part| counts(part))
            .filter_map(|part| part.price);
        prices
            .map(|price| price.micros)
            .fold(0, i64::saturating_add)
    };
    let is_before = |part: &TransactionFact| {
        part.id == *whole || (part.purchased_at, &part.id) < (fact.purchased_at, &fact.id)
    };
    step.before
        .is_some_and(|before| paid(before, &|_| true) > paid(step.after, &is_before))
}

/// One transaction: the change of product, the end of what it took over from, the charge.
fn of(step: &Step<'_>, fact: &TransactionFact) -> Vec<Change> {
    let is_new = is_new(step, fact);
    let late = is_new && is_late(step, fact);
    // A pair is told again when what is known of the earlier one changed how the later one took over. What was taken over from at once is
    // closed once, whichever of its periods that turns out to have been.
    let pair = |history: &History<'_>| {
        let Switched { how, old, .. } = history.switch(&fact.id)?;
        let name = match how {
            Switch::Immediate => old.product.clone(),
            Switch::AtRenewal | Switch::AfterLapse => old.id.clone(),
        };
        Some((how, name, old.is_paid()))
    };
    let was_told = step
        .history_before
        .as_ref()
        .is_some_and(|before| pair(before) == pair(&step.history));
    let mut told = Vec::new();
    if is_new || !was_told {
        told.extend(product_changed(step, fact));
        told.extend(closed(step, fact));
    }
    if is_new {
        told.extend(charged(step, fact));
    }
    for change in &mut told {
        change.late = late;
    }
    told
}

/// `product.changed_at_once`, `product.changed_after_lapse`: unless it is in effect already. A change at the renewal was
/// told when it was chosen.
fn product_changed(step: &Step<'_>, fact: &TransactionFact) -> Option<Change> {
    let Switched { how, old, new } = step.history.switch(&fact.id)?;
    let rule = match how {
        Switch::Immediate => "product.changed_at_once",
        Switch::AfterLapse => "product.changed_after_lapse",
        Switch::AtRenewal => return None,
    };
    if is_in_effect(step, old, new) {
        return None;
    }
    let key = format!(
        "product:{}:{}:{}:{}",
        step.name(),
        old.product,
        new.product,
        new.id
    );
    Some(Change {
        transaction: new.id.clone(),
        product: new.product.clone(),
        previous_product: Some(old.product.clone()),
        took_over_from: Some(old.id.clone()),
        ..step.change(EventKind::ProductChanged, key, new.purchased_at, rule)
    })
}

/// Whether the product of `new` was known to have taken the place of that of `old`: without a charge, or with a later one.
fn is_in_effect(step: &Step<'_>, old: &TransactionFact, new: &TransactionFact) -> bool {
    let stands_in_its_place = step.before.is_some_and(|before| {
        before.snapshot.transaction == old.id && before.snapshot.product == new.product
    });
    let history = step.history_before.as_ref();
    // What came before the first one that was known is the past.
    let was_first = history
        .and_then(History::first)
        .is_some_and(|first| first.id == new.id);
    stands_in_its_place
        || was_first
        || history
            .and_then(|history| history.after(&old.id))
            .is_some_and(|next| next.fact.product == new.product)
}

/// `refund.upgraded`, `expired.replaced`: how the period ended that another product took over from. A free one just ends.
fn closed(step: &Step<'_>, fact: &TransactionFact) -> Option<Change> {
    let Switched { how, old, new } = step.history.switch(&fact.id)?;
    let (reason, change) = match how {
        _ if !old.is_paid() => return None,
        Switch::Immediate => (
            CancellationReason::Upgraded,
            step.change(
                EventKind::SubscriptionRefunded,
                format!("upgraded:{}", old.key()),
                new.purchased_at,
                "refund.upgraded",
            ),
        ),
        Switch::AtRenewal => (
            CancellationReason::NewSubscriptionReplace,
            step.change(
                EventKind::SubscriptionExpired,
                format!("expired:{}:{}", step.chain, old.key()),
                old.expires_at.unwrap_or(new.purchased_at),
                "expired.replaced",
            ),
        ),
        Switch::AfterLapse => return None,
    };
    Some(Change {
        line: old.line.clone(),
        transaction: old.id.clone(),
        product: old.product.clone(),
        reason: Some(reason),
        // Whatever took over, and whether it was known already that something did.
        dated: old.purchased_at,
        ..change
    })
}

/// `charge.*`: what a charge is.
fn charged(step: &Step<'_>, fact: &TransactionFact) -> Option<Change> {
    let Charge { kind, rule } = step.history.charge(&fact.id, step.chain)?;
    let key = format!("charged:{}", fact.key());
    // What is paid for ahead is topped up, by a purchase that takes over from the one before.
    let before = fact.is_prepaid.then(|| step.history.before(&fact.id));
    Some(Change {
        transaction: fact.id.clone(),
        product: fact.product.clone(),
        took_over_from: before.flatten().map(|before| before.fact.id.clone()),
        ..step.change(kind, key, fact.purchased_at, rule)
    })
}

/// The same of the one that the chain stands on, with the product in effect.
pub(super) fn current(step: &Step<'_>) -> Option<Change> {
    let snapshot = step.after.snapshot;
    let Charge { kind, rule } = step.history.charge(&snapshot.transaction, step.chain)?;
    let key = format!("charged:{}", snapshot.transaction_key());
    Some(step.change(kind, key, snapshot.purchased_at, rule))
}
