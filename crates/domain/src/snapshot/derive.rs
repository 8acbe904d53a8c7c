//! From the set of facts to the state they add up to.

use super::{
    Phase, Snapshot,
    standing::{MESSAGE_WAIT, Standing},
};
use crate::{
    CancellationReason, Money,
    charge::History,
    fact::{
        Facts, Note, Ownership, RenewalFact, Status, Transaction, TransactionFact, TransactionKind,
        line_key,
    },
    time::after,
};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;

impl Snapshot {
    /// The state these facts add up to at `now`: a function of the *set* of facts alone. `None` without a transaction.
    pub fn derive(facts: &Facts, now: Timestamp) -> Option<Self> {
        let mut lines: Vec<_> = facts
            .lines()
            .into_iter()
            .filter_map(|line| {
                let history = History::of(facts, line);
                let snapshot = Self::of_line(facts, &history, line, now)?;
                Some((base_rank(&snapshot, &history), snapshot))
            })
            .collect();
        let base = (0..lines.len()).min_by(|a, b| lines[*a].0.cmp(&lines[*b].0))?;
        let (_, base) = lines.remove(base);
        Some(Self {
            further: lines.into_iter().map(|(_, line)| line).collect(),
            ..base
        })
    }

    fn of_line(facts: &Facts, history: &History<'_>, line: &str, now: Timestamp) -> Option<Self> {
        let current = current(history, now)?;
        let fact = &current.fact;
        let renewal = facts
            .renewals
            .get(&line_key(&fact.leg, line))
            .filter(|renewal| renewal.version >= current.first_version);
        let is_subscription = fact.kind == TransactionKind::Subscription;
        let will_renew = will_renew(fact, renewal);
        let unheard = unheard(facts, fact, renewal);
        let told = revoked(facts, fact)
            .or_else(|| taken_back(fact).filter(|_| unheard.is_none()))
            .or_else(|| replaced(facts, fact, now))
            .or_else(|| left(facts, fact, renewal));
        let cut_at = cut_short_at(fact, renewal, now).filter(|_| told.is_none());
        let expires_at = cut_at.or_else(|| match unheard {
            Some(said) => ends_unheard(fact, said).or(fact.expires_at),
            None => runs_until(fact, renewal),
        });
        let standing = told
            .or(cut_at.map(|_| Standing::Lapsed))
            .unwrap_or_else(|| Standing::of(fact, expires_at, renewal, now));
        let ended = matches!(
            standing,
            Standing::Expired { .. } | Standing::Revoked { .. }
        );
        let product = renewal
            .filter(|renewal| !ended && (renewal.product_is_in_effect || unheard.is_some()))
            .and_then(|renewal| renewal.product.as_ref())
            .unwrap_or(&fact.product);
        let off_since = renewal
            .filter(|_| is_subscription && !will_renew && !fact.is_prepaid)
            .map(|renewal| renewal.off_since.unwrap_or(renewal.version));
        let pause_asked_at = pause_asked_at(facts, fact, renewal, will_renew).filter(|_| !ended);
        Some(Self {
            line: line.to_owned(),
            kind: fact.kind,
            transaction: fact.id.clone(),
            product: product.clone(),
            purchased_at: fact.purchased_at,
            original_purchased_at: history.began_at().unwrap_or(fact.original_purchased_at),
            expires_at,
            paid_until: fact.expires_at.filter(|_| expires_at != fact.expires_at),
            begins_at: begins_at(history, current, now),
            unheard_since: fact
                .revocation
                .as_ref()
                .map(|taken| taken.at)
                .filter(|_| unheard.is_some() && !ended),
            phase: phase(fact, expires_at),
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
            is_committed: renewal.is_some_and(|renewal| renewal.term_renews.is_some()),
            country: fact.country.clone(),
            entitlements: fact.entitlements.clone(),
            price_increase: renewal.and_then(|renewal| renewal.price_increase),
            version: renewal.map_or(fact.version, |renewal| renewal.version.max(fact.version)),
            further: Vec::new(),
        })
    }
}

/// Stores charge for a period before it begins, and sign what they say with a clock of their own: a start that lies so little after
/// that is one of now.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// When the line begins that was charged ahead, if nothing of it runs until then: an item that joins a purchase at its renewal.
fn begins_at(history: &History<'_>, current: &Transaction, now: Timestamp) -> Option<Timestamp> {
    let begins = current.fact.purchased_at;
    let is_ahead = now < begins && current.first_version.duration_until(begins) > AHEAD;
    let runs = |other: &Transaction| {
        other.fact.id != current.fact.id && other.fact.expires_at.is_none_or(|end| now < end)
    };
    (is_ahead && !history.iter().any(runs)).then_some(begins)
}

/// An end that comes so little before that of what was paid for is that end.
const END_IS_ABOUT: SignedDuration = SignedDuration::from_mins(1);

/// When the period ends: when the store says that it does, where that is later than what was paid for.
fn runs_until(fact: &TransactionFact, renewal: Option<&RenewalFact>) -> Option<Timestamp> {
    let paid = fact.expires_at?;
    let named = renewal
        .filter(|renewal| renewal.status == Some(Status::Active))
        .and_then(|renewal| renewal.runs_until);
    Some(named.map_or(paid, |named| named.max(paid)))
}

/// When it ended before the end of what was paid for, while the message may still come that says what was given back: messages have no
/// order, and one refund is told as nothing else beside. That of the end alone tells nothing until then, and ends access.
fn cut_short_at(
    fact: &TransactionFact,
    renewal: Option<&RenewalFact>,
    now: Timestamp,
) -> Option<Timestamp> {
    let said = renewal.filter(|said| said.status == Some(Status::Expired))?;
    let ended = said.ended_at.filter(|_| said.early_end_is_refund)?;
    let paid = fact.expires_at.filter(|_| !fact.end_is_provisional)?;
    let is_early = ended.duration_until(paid) > END_IS_ABOUT;
    (is_early && now < after(ended, MESSAGE_WAIT)).then_some(ended)
}

/// What the store says of a purchase that runs although all that is known to have been charged for it was given back: of the period that
/// runs nobody has heard. A share that was taken away runs for nobody.
fn unheard<'a>(
    facts: &Facts,
    fact: &TransactionFact,
    renewal: Option<&'a RenewalFact>,
) -> Option<&'a RenewalFact> {
    let is_given_back = facts.charge(&fact.id).all(|line| line.revocation.is_some());
    let is_bought =
        fact.kind == TransactionKind::Subscription && fact.ownership == Ownership::Purchased;
    let runs = |said: &&RenewalFact| {
        said.version >= fact.version && matches!(said.status, Some(Status::Active | Status::Grace))
    };
    renewal.filter(|said| is_bought && is_given_back && runs(said))
}

/// When a period ends of which nobody has heard: when the store will charge next, or else when one as long as the known one would be over
/// that began just then.
fn ends_unheard(fact: &TransactionFact, said: &RenewalFact) -> Option<Timestamp> {
    let lasts = fact.purchased_at.duration_until(fact.expires_at?);
    let ends = || said.version.checked_add(lasts).ok();
    said.renews_at.or_else(ends)
}

/// When it was asked, since the period began, that the next one does not follow at once.
fn pause_asked_at(
    facts: &Facts,
    fact: &TransactionFact,
    renewal: Option<&RenewalFact>,
    will_renew: bool,
) -> Option<Timestamp> {
    let asked_for = facts.notes.iter().filter_map(|note| match note {
        Note::PauseRequested { at } => Some(*at),
        _ => None,
    });
    let mut asked_for = asked_for.filter(|at| will_renew && *at >= fact.purchased_at);
    let planned = renewal.filter(|renewal| renewal.pause_is_planned);
    let planned = planned.and_then(|_| facts.paused_since(fact.purchased_at));
    asked_for.next().or(planned)
}

/// Whether another period is to follow: nothing is prepaid, and neither this renewal nor that of the whole term is off.
fn will_renew(fact: &TransactionFact, renewal: Option<&RenewalFact>) -> bool {
    let is_off = |intent: Option<bool>| intent == Some(false);
    fact.kind == TransactionKind::Subscription
        && !fact.is_prepaid
        && !renewal.is_some_and(|renewal| is_off(renewal.auto_renew) || is_off(renewal.term_renews))
}

/// The least is the base: a line that has not ended, then one that something was charged for, then the one that began first, then the one that cost most at first, then
/// by name.
type BaseRank = (bool, bool, Timestamp, Reverse<Option<Money>>, String);

fn base_rank(snapshot: &Snapshot, history: &History<'_>) -> BaseRank {
    let first = history.first();
    (
        snapshot.has_ended(),
        history.is_owed_only(),
        first.map_or(snapshot.purchased_at, |first| first.purchased_at),
        Reverse(first.and_then(|first| first.price)),
        snapshot.line.clone(),
    )
}

/// The transaction a line stands on: the latest not superseded; if that one is revoked, another that still runs.
fn current<'a>(history: &History<'a>, now: Timestamp) -> Option<&'a Transaction> {
    let standing: Vec<_> = history
        .iter()
        .filter(|transaction| !history.is_superseded(transaction))
        .collect();
    let latest = standing.last().copied().or_else(|| history.iter().last())?;
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

/// Whether another line has taken the place of the one that `fact` paid for.
fn replaced(facts: &Facts, fact: &TransactionFact, now: Timestamp) -> Option<Standing> {
    let by = facts.replaced_by(fact)?;
    let end = fact.expires_at.unwrap_or(by.purchased_at);
    let reason = if by.purchased_at < end {
        CancellationReason::Upgraded
    } else {
        CancellationReason::NewSubscriptionReplace
    };
    let at = by.purchased_at.min(end);
    (by.purchased_at <= now).then_some(Standing::Expired { at, reason })
}

/// Whether the store no longer names the line as a part of the purchase.
fn left(facts: &Facts, fact: &TransactionFact, renewal: Option<&RenewalFact>) -> Option<Standing> {
    let since = facts.left_at(fact)?;
    let is_told =
        renewal.and_then(|renewal| renewal.ended_at).is_some() || facts.replaced_by(fact).is_some();
    if fact.kind != TransactionKind::Subscription || fact.revocation.is_some() || is_told {
        return None;
    }
    Some(Standing::Expired {
        at: fact.expires_at.map_or(since, |end| end.min(since)),
        reason: CancellationReason::VoluntarilyCancelled,
    })
}

/// Whether the newest copy of the current transaction shows that it was taken back.
fn taken_back(fact: &TransactionFact) -> Option<Standing> {
    let revocation = fact.revocation.as_ref()?;
    Some(Standing::Revoked { at: revocation.at })
}

/// Whether a refund that is a thing of its own took the current period away.
fn revoked(facts: &Facts, fact: &TransactionFact) -> Option<Standing> {
    facts
        .refunds
        .values()
        .filter(|refund| refund.revokes && !refund.is_undone)
        .filter(|refund| refund.transaction == fact.id && facts.is_about(refund, &fact.line))
        .map(|refund| Standing::Revoked { at: refund.at })
        .next()
}

/// What is free is over once the store lets the purchase run on beyond it, whether or not that is paid for yet.
fn phase(fact: &TransactionFact, expires_at: Option<Timestamp>) -> Phase {
    if fact.is_free() && expires_at > fact.expires_at {
        Phase::Regular
    } else if fact.is_free() {
        Phase::Trial
    } else if fact.offer.is_some() {
        Phase::Intro
    } else {
        Phase::Regular
    }
}
