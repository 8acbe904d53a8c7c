//! What each transaction of a line was: the beginning, a conversion, a renewal, a switch of product.
//!
//! Judged from the set of its transactions alone, in order of purchase. docs/lifecycle.md says it for people.

use crate::{
    EventKind,
    fact::{Facts, Note, Transaction, TransactionFact, TransactionKind, TransactionReason},
};
use jiff::{SignedDuration, Timestamp};

/// The transactions of one line of a purchase that bought something, in order of purchase. What only took money is beside them.
///
/// A line that took the place of another goes on with what that had bought.
pub struct History<'a> {
    line: &'a str,
    transactions: Vec<&'a Transaction>,
    /// Refunds that took back what transactions had bought.
    taken_back: Vec<Taken<'a>>,
    /// The line joined a purchase that was there before.
    joins: bool,
    /// Of the purchase, charges of other lines are known that were made before its first.
    has_known_past: bool,
}

/// A refund that took back what a transaction had bought, and when that was undone, where it is known.
struct Taken<'a> {
    transaction: &'a str,
    at: Timestamp,
    until: Option<Timestamp>,
}

/// How one transaction took over from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Another product, in the middle of a paid period: the rest of it is given back.
    Immediate,
    /// Another product, chosen earlier, at the renewal.
    AtRenewal,
    /// Another product, bought after the old one had ended.
    AfterLapse,
}

/// One transaction that took over from another.
#[derive(Debug, Clone, Copy)]
pub struct Switched<'a> {
    /// How.
    pub how: Switch,
    /// From this one.
    pub old: &'a TransactionFact,
    /// It.
    pub new: &'a TransactionFact,
}

/// The event that a charge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Of which kind.
    pub kind: EventKind,
    /// Name of the rule that says so.
    pub rule: &'static str,
}

impl Charge {
    const fn new(kind: EventKind, rule: &'static str) -> Self {
        Self { kind, rule }
    }
}

/// What is counted about the uninterrupted run of paid periods that a transaction belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// Paid periods up to and including this one.
    pub paid_periods: u32,
    /// Whether the run has lasted a year (Apple's reduced commission).
    pub over_a_year: bool,
}

impl<'a> History<'a> {
    /// Orders the transactions of one line by purchase, then end, then id; a renewal that was charged ahead comes before what was bought in
    /// the period that ran until then.
    pub fn of(facts: &'a Facts, line: &'a str) -> Self {
        let own = facts.transactions.values();
        let own = own.filter(|known| known.fact.line == line && !known.fact.is_extra);
        let mut all = facts.with_replaced(own.collect());
        all.sort_by(|a, b| {
            (a.fact.purchased_at, a.fact.expires_at, &a.fact.id).cmp(&(
                b.fact.purchased_at,
                b.fact.expires_at,
                &b.fact.id,
            ))
        });
        renewals_where_they_were_charged(&mut all);
        let own = facts.refunds.values();
        let own = own.filter(|refund| refund.revokes && !refund.is_undone);
        let own = own.filter(|refund| facts.is_about(refund, line));
        let own = own.map(|refund| Taken {
            transaction: refund.transaction.as_str(),
            at: refund.at,
            until: None,
        });
        let shown = all.iter().flat_map(|known| shown(facts, known));
        Self {
            line,
            taken_back: own.chain(shown).collect(),
            joins: all.first().is_some_and(|first| joins(facts, &first.fact)),
            has_known_past: all
                .first()
                .is_some_and(|first| has_known_past(facts, &first.fact)),
            transactions: all,
        }
    }

    /// Those of the line itself, in order of purchase.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a Transaction> {
        let own = |known: &&Transaction| known.fact.line == self.line;
        self.transactions.iter().copied().filter(own)
    }

    /// The first charge of the line, or of that which it took the place of.
    pub fn first(&self) -> Option<&'a TransactionFact> {
        self.transactions.first().map(|first| &first.fact)
    }

    /// Whether a transaction comes before another, where both are known.
    pub fn is_before(&self, id: &str, other: &str) -> bool {
        let both = self.position(id).zip(self.position(other));
        both.is_some_and(|(one, other)| one < other)
    }

    /// Whether it has run, and nobody was charged for it yet.
    pub fn is_owed_only(&self) -> bool {
        !self.transactions.is_empty() && self.iter().all(|known| known.fact.is_owed)
    }

    /// When the purchase began, as far as its transactions tell.
    pub fn began_at(&self) -> Option<Timestamp> {
        self.transactions
            .iter()
            .map(|transaction| transaction.fact.original_purchased_at)
            .min()
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.transactions
            .iter()
            .position(|transaction| transaction.fact.id == id)
    }

    /// The transaction bought just before `id`.
    pub fn before(&self, id: &str) -> Option<&'a Transaction> {
        self.position(id)?
            .checked_sub(1)
            .map(|at| self.transactions[at])
    }

    /// The transaction bought just after `id`.
    pub fn after(&self, id: &str) -> Option<&'a Transaction> {
        self.transactions.get(self.position(id)? + 1).copied()
    }

    /// Whether it was upgraded away, or a later one of the chain began before its end.
    pub fn is_superseded(&self, transaction: &Transaction) -> bool {
        let end = transaction.fact.expires_at;
        let later = self
            .position(&transaction.fact.id)
            .map_or(&[][..], |at| &self.transactions[at + 1..]);
        let leg = &transaction.fact.leg;
        let is_replaced = || {
            !leg.is_empty()
                && self
                    .iter()
                    .any(|other| other.fact.replaces.as_ref() == Some(leg))
        };
        transaction.fact.upgraded
            || is_replaced()
            || later
                .iter()
                .any(|next| end.is_some_and(|end| next.fact.purchased_at < end))
    }

    /// How `id` took over from the transaction before it, if the product changed.
    pub fn switch(&self, id: &str) -> Option<Switched<'a>> {
        let (old, new) = (
            &self.before(id)?.fact,
            &self.transactions[self.position(id)?].fact,
        );
        if old.product == new.product || new.kind != TransactionKind::Subscription {
            return None;
        }
        let takes_over = !old.leg.is_empty() && new.replaces.as_ref() == Some(&old.leg);
        // A refund ended it before its time: nothing is left of it that could be taken over from.
        let mut taken_back = self.taken_back.iter();
        let was_over = taken_back.any(|taken| {
            let is_back = taken.until.is_some_and(|until| until <= new.purchased_at);
            taken.transaction == old.id && taken.at <= new.purchased_at && !is_back
        });
        let renews = new.reason == Some(TransactionReason::Renewal);
        let how = match old.expires_at {
            // A leg that took over to charge for another product at the renewal took nothing of the period before.
            _ if takes_over && !renews => Switch::Immediate,
            _ if was_over => Switch::AfterLapse,
            _ if renews => Switch::AtRenewal,
            Some(end) if new.purchased_at < end => Switch::Immediate,
            // Where nobody says whether it renews, it does so at the end, and was bought after it.
            Some(end) if new.reason.is_none() && new.purchased_at == end => Switch::AtRenewal,
            _ => Switch::AfterLapse,
        };
        Some(Switched { how, old, new })
    }

    /// Whether money was charged on the chain before `id`; `None` when its beginning is not known.
    fn paid_before(&self, id: &str, chain: &str) -> Option<bool> {
        let earlier = &self.transactions[..self.position(id)?];
        if earlier.iter().any(|transaction| transaction.fact.is_paid()) {
            return Some(true);
        }
        earlier
            .first()
            .filter(|first| first.fact.is_origin(chain) || self.joins)
            .map(|_| false)
    }

    /// The event that the charge `id` is, if it is one, with the name of the rule that says so.
    pub fn charge(&self, id: &str, chain: &str) -> Option<Charge> {
        let fact = &self.transactions[self.position(id)?].fact;
        if fact.kind != TransactionKind::Subscription {
            return Some(Charge::new(
                EventKind::NonSubscriptionPurchase,
                "charge.one_time",
            ));
        }
        if fact.is_owed {
            return None;
        }
        let earlier = &self.transactions[..self.position(id)?];
        let only_owed = !earlier.is_empty() && earlier.iter().all(|other| other.fact.is_owed);
        let started_by_customer =
            fact.is_origin(chain) || only_owed || self.begins_with(fact, chain);
        let paid_before = self.paid_before(id, chain);
        let switch = self.switch(id).map(|switched| switched.how);
        let (kind, rule) = match (fact.is_free(), paid_before) {
            (true, _) if started_by_customer => (EventKind::TrialStarted, "charge.first_is_free"),
            (true, Some(false)) if switch == Some(Switch::Immediate) => return None,
            (true, _) => (EventKind::SubscriptionRenewed, "charge.free_renewal"),
            (false, _) if started_by_customer => {
                (EventKind::SubscriptionStarted, "charge.first_is_paid")
            }
            (false, Some(false)) => (EventKind::TrialConverted, "charge.first_paid_after_trial"),
            (false, _) => match switch {
                Some(Switch::Immediate) => (
                    EventKind::SubscriptionStarted,
                    "charge.product_changed_at_once",
                ),
                Some(Switch::AtRenewal) => (
                    EventKind::SubscriptionStarted,
                    "charge.product_changed_at_renewal",
                ),
                Some(Switch::AfterLapse) => (
                    EventKind::SubscriptionRenewed,
                    "charge.resubscribed_with_another_product",
                ),
                None => (EventKind::SubscriptionRenewed, "charge.renewed"),
            },
        };
        Some(Charge { kind, rule })
    }

    /// Whether the line begins with a charge that does not say so by itself: nothing is known of the line before it, and it joined what
    /// was there, or the customer bought it and it does not say that something came before.
    fn begins_with(&self, fact: &TransactionFact, chain: &str) -> bool {
        let is_bought = fact.reason == Some(TransactionReason::Purchase)
            && (self.has_known_past || !fact.continues(chain));
        self.before(&fact.id).is_none() && (self.joins || is_bought)
    }

    /// The run of paid periods ending with `id`.
    pub fn run(&self, id: &str) -> Run {
        let Some(last) = self.position(id) else {
            return Run::default();
        };
        let mut start = last;
        let mut paid_periods = u32::from(self.transactions[last].fact.is_paid());
        while let Some(before) = start.checked_sub(1) {
            let (old, new) = (
                &self.transactions[before].fact,
                &self.transactions[start].fact,
            );
            let uninterrupted = new.reason == Some(TransactionReason::Renewal)
                || old.expires_at.is_some_and(|end| new.purchased_at <= end);
            if !uninterrupted || !old.is_paid() {
                break;
            }
            paid_periods += 1;
            start = before;
        }
        let lasted = self.transactions[start]
            .fact
            .purchased_at
            .duration_until(self.transactions[last].fact.purchased_at);
        Run {
            paid_periods,
            over_a_year: lasted >= SignedDuration::from_hours(365 * 24),
        }
    }

    /// Whole days of the first free period of the line.
    pub fn trial_days(&self) -> Option<i64> {
        let trial = &self
            .transactions
            .iter()
            .find(|transaction| transaction.fact.is_free())?
            .fact;
        let hours = trial
            .purchased_at
            .duration_until(trial.expires_at?)
            .as_hours();
        Some((hours + 12) / 24)
    }
}

/// The refunds that copies of a transaction show, or have shown: what was bought while one had taken it was bought after that, also when the
/// refund is undone later.
fn shown<'a>(facts: &'a Facts, known: &'a Transaction) -> impl Iterator<Item = Taken<'a>> {
    let fact = &known.fact;
    let stands = fact.revocation.as_ref().map(|revocation| revocation.at);
    let undone_after = move |refunded: Timestamp| {
        let said = facts.notes.iter().filter_map(|note| match note {
            Note::RefundUndone { at, transaction } if *transaction == fact.id => Some(*at),
            _ => None,
        });
        said.filter(|at| *at >= refunded).min()
    };
    known.refunds.keys().map(move |at| Taken {
        transaction: &fact.id,
        at: *at,
        until: undone_after(*at).filter(|_| stands != Some(*at)),
    })
}

/// Puts renewals that were charged ahead before what was bought in the period that ran until then: they were charged when it took over from
/// them. `all` are in order of purchase.
fn renewals_where_they_were_charged(all: &mut [&Transaction]) {
    for index in 0..all.len() {
        let renewal = &all[index].fact;
        if renewal.reason != Some(TransactionReason::Renewal) {
            continue;
        }
        let begins = Some(renewal.purchased_at);
        let runs_until_then = |known: &&Transaction| known.fact.expires_at == begins;
        let took_over = |known: &&Transaction| {
            let fact = &known.fact;
            fact.reason == Some(TransactionReason::Purchase) && fact.expires_at > begins
        };
        let Some(old) = all[..index].iter().rposition(runs_until_then) else {
            continue;
        };
        if all[old + 1..index].iter().all(took_over) {
            all[old + 1..=index].rotate_right(1);
        }
    }
}

/// Whether a line begins with `first`, although the store renewed the purchase then: the period before it is known, and was of other
/// lines alone.
fn joins(facts: &Facts, first: &TransactionFact) -> bool {
    let mut all = facts.transactions.values().map(|known| &known.fact);
    let is_just_before = |other: &TransactionFact| {
        other.kind == TransactionKind::Subscription
            && other.leg == first.leg
            && other.line != first.line
            && other.expires_at == Some(first.purchased_at)
    };
    first.kind == TransactionKind::Subscription && all.any(is_just_before)
}

/// Whether charges of other lines are known that were made before `first`.
fn has_known_past(facts: &Facts, first: &TransactionFact) -> bool {
    let mut all = facts.transactions.values().map(|known| &known.fact);
    all.any(|other| other.line != first.line && other.purchased_at < first.purchased_at)
}

/// What money is that bought no period, with the name of the rule that says so: no store has a word for it, and it counts.
pub(crate) const EXTRA: Charge = Charge::new(EventKind::SubscriptionRenewed, "charge.extra");
