//! One step of a line of a purchase, from a state before to a state after: what every family of rules looks at, and what a rule makes.

use crate::{
    CancellationReason, ChainKey, EventKind, Facts, Money, Snapshot, Store,
    charge::History,
    event::Request,
    fact::{Note, line_key},
    snapshot::Phase,
};
use jiff::Timestamp;

/// One thing that happened, before it gets an id, a customer and a sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub kind: EventKind,
    /// Unique per customer and chain; the same fact told twice has the same key.
    pub key: String,
    /// Business time; may lie in the future for a renewal charged early.
    pub occurred_at: Timestamp,
    /// A time that the store states, whenever it was heard: ids are dated by it. `occurred_at`, unless that is only when the store showed it.
    pub dated: Timestamp,
    /// The line of the purchase it is about; empty where there is one only.
    pub line: String,
    /// The store transaction it is about.
    pub transaction: String,
    /// The product it is about.
    pub product: String,
    /// The product before, for a change of product.
    pub previous_product: Option<String>,
    /// The transaction that what it is about took over from, where that is another.
    pub took_over_from: Option<String>,
    /// Why, for endings and refunds.
    pub reason: Option<CancellationReason>,
    /// Whether a change of product waits for the next renewal.
    pub scheduled: bool,
    /// Name of the rule that produced it.
    pub rule: &'static str,
    /// Learned after something newer on the same chain.
    pub late: bool,
    /// Older than the window when the chain was first seen.
    pub historical: bool,
    /// How much was given back, or taken again; `None` for all of what was charged.
    pub refunded: Option<Money>,
    /// What the store asks of somebody.
    pub request: Option<Request>,
    /// How many of the transaction's quantity it is about; `None` for all.
    pub pieces: Option<u32>,
    /// The refund that it tells, where refunds are things of their own.
    pub refund: Option<String>,
    /// It is about a further line, and the base line tells the same.
    pub joins_base: bool,
}

impl Change {
    /// A change of which only the essentials are known.
    pub fn new(
        kind: EventKind,
        key: String,
        occurred_at: Timestamp,
        snapshot: &Snapshot,
        rule: &'static str,
    ) -> Self {
        Self {
            kind,
            key,
            occurred_at,
            dated: occurred_at,
            line: snapshot.line.clone(),
            transaction: snapshot.transaction.clone(),
            product: snapshot.product.clone(),
            previous_product: None,
            took_over_from: None,
            reason: None,
            scheduled: false,
            rule,
            late: false,
            historical: false,
            refunded: None,
            request: None,
            pieces: None,
            refund: None,
            joins_base: false,
        }
    }
}

/// Everything known about one chain at one instant.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// Their snapshot: of the whole purchase, or, to the rules, of the line they look at.
    pub snapshot: &'a Snapshot,
}

/// What the rules look at. Nothing in it changes while they do.
pub(super) struct Step<'a> {
    pub(super) chain: &'a str,
    /// The line looked at.
    pub(super) line: &'a str,
    pub(super) store: Store,
    pub(super) before: Option<State<'a>>,
    pub(super) after: State<'a>,
    /// The line's transactions before.
    pub(super) history_before: Option<History<'a>>,
    /// The line's transactions after.
    pub(super) history: History<'a>,
}

impl<'a> Step<'a> {
    /// That of the line which `after` is the snapshot of. `before` is what was known of the whole purchase.
    pub(super) fn between(
        chain: &'a ChainKey,
        before: Option<State<'a>>,
        after: State<'a>,
    ) -> Self {
        let line = after.snapshot.line.as_str();
        let before = before.and_then(|before| {
            let snapshot = before.snapshot.line(line)?;
            Some(State { snapshot, ..before })
        });
        Self {
            chain: &chain.id,
            line,
            store: chain.store,
            before,
            after,
            history_before: before.map(|before| History::of(before.facts, line)),
            history: History::of(after.facts, line),
        }
    }

    /// Whether something was charged for the line looked at, or for none.
    pub(super) fn is_sold(&self) -> bool {
        let facts = self.after.facts;
        let mut all = facts.transactions.values().map(|known| &known.fact);
        !self.history.is_owed_only() || !all.any(|fact| fact.line != self.line && !fact.is_owed)
    }

    /// The chain, of the line looked at, as keys name it.
    pub(super) fn name(&self) -> String {
        line_key(self.chain, self.line)
    }

    /// A transaction of the line looked at, as keys name it.
    pub(super) fn named_transaction(&self, id: &str) -> String {
        line_key(id, self.line)
    }

    /// Whether the line looked at is one that a note is about: a line of the transaction that it names, or the first where nobody
    /// knows that.
    pub(super) fn is_about(&self, note: &Note) -> bool {
        let facts = self.after.facts;
        note.transaction().is_none_or(|id| {
            facts.transaction(id, self.line).is_some()
                || (facts.charge(id).next().is_none()
                    && facts
                        .lines()
                        .first()
                        .is_none_or(|first| *first == self.line))
        })
    }

    /// A change of the chain as it stands after the step.
    pub(super) fn change(
        &self,
        kind: EventKind,
        key: String,
        occurred_at: Timestamp,
        rule: &'static str,
    ) -> Change {
        Change::new(kind, key, occurred_at, self.after.snapshot, rule)
    }

    /// The same of what the store shows without saying since when: its key has no time that depends on when it was heard, and its id is dated
    /// by the period.
    pub(super) fn shown(
        &self,
        kind: EventKind,
        key: String,
        occurred_at: Timestamp,
        rule: &'static str,
    ) -> Change {
        Change {
            dated: self.after.snapshot.purchased_at,
            ..self.change(kind, key, occurred_at, rule)
        }
    }

    /// Picks the trial's name for an event while the current period is free.
    pub(super) fn named(&self, trial: EventKind, paid: EventKind) -> EventKind {
        if self.after.snapshot.phase == Phase::Trial {
            trial
        } else {
            paid
        }
    }

    /// Whether the chain stands on the same transaction as before.
    pub(super) fn is_same_period(&self) -> bool {
        self.before_in_same_period().is_some()
    }

    /// The snapshot before, where the chain stood on the same transaction.
    pub(super) fn before_in_same_period(&self) -> Option<&'a Snapshot> {
        self.before
            .map(|before| before.snapshot)
            .filter(|before| before.transaction == self.after.snapshot.transaction)
    }
}
