//! From the set of facts to the state they add up to.

use super::{Phase, Snapshot, standing::Standing};
use crate::{
    charge::Line,
    fact::{Facts, Note, Transaction, TransactionFact, TransactionKind},
};
use jiff::Timestamp;

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
        let standing = revoked(facts, fact).unwrap_or_else(|| Standing::of(fact, renewal, now));
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
