//! Everything known about one chain: every statement ever made about it, merged.
//!
//! A transaction is kept as its newest copy with what other copies knew better: the exact start and end, price, tax, offer, country and reason, how
//! the chain began, every refund ever shown. A refund is kept likewise: a statement that does not repeat its amount, or that it took
//! access away, takes nothing of it back. Of a renewal the newest statement about its latest period is kept as it is, and so is every note.

use super::{
    observation::{Note, Observation, RefundFact},
    renewal::RenewalFact,
    said::{self, Said},
    transaction::TransactionFact,
};
use crate::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A transaction with every refund ever seen on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The newest copy.
    pub fact: TransactionFact,
    /// Lowest version of any copy seen: renewal facts older than this say nothing about this transaction.
    pub first_version: Timestamp,
    /// Where its end is from, when that is not the newest copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// When fields were said that the newest copy leaves out.
    #[serde(default, skip_serializing_if = "Said::is_by_newest")]
    pub said: Said,
    /// Every refund seen inside a copy, by refund time, with the highest version that showed it.
    pub refunds: BTreeMap<Timestamp, Timestamp>,
    /// The legs that showed it, each with the leg that it took over from, where there were several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub legs: BTreeMap<String, Option<String>>,
    /// Shares of the price that they gave back, by refund time, in thousandths of a percent, where a copy says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<Timestamp, i64>,
    /// What it was counted with in the total of its customer. No store says so: it is noted beside what they say, and no statement changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// An amount in another currency, and what it was worth when it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The amount.
    pub price: Money,
    /// Millionths of a US dollar; nothing where no rate was known.
    pub usd_micros: i64,
}

/// The end of a paid period, and how well it is known: one stated exactly wins over one that is not, then the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct End {
    is_exact: bool,
    version: Timestamp,
    at: Option<Timestamp>,
}

impl Transaction {
    /// Keeps which leg showed a copy.
    fn shown_by(&mut self, copy: &TransactionFact) {
        if self.legs.is_empty() {
            let first = &self.fact;
            if first.leg == copy.leg {
                return;
            }
            self.legs.insert(first.leg.clone(), first.replaces.clone());
        }
        self.legs.insert(copy.leg.clone(), copy.replaces.clone());
    }

    /// One charge has one identity however many legs show it: it stays with the one that no other took over from.
    fn stays_with_the_last_leg(&mut self) {
        let is_last = |leg: &String| {
            let mut others = self.legs.values();
            !others.any(|replaced| replaced.as_ref() == Some(leg))
        };
        if let Some((leg, replaced)) = self.legs.iter().rfind(|(leg, _)| is_last(leg)) {
            (self.fact.leg, self.fact.replaces) = (leg.clone(), replaced.clone());
        }
    }

    /// Refunds that a newer copy no longer shows.
    pub fn reversals(&self) -> impl Iterator<Item = Reversal> {
        let current = self
            .fact
            .revocation
            .as_ref()
            .map(|revocation| revocation.at);
        let version = self.fact.version;
        self.refunds
            .iter()
            .filter(move |(at, shown)| Some(**at) != current && **shown < version)
            .map(move |(at, _)| Reversal {
                refunded_at: *at,
                undone_at: version,
            })
    }
}

/// A refund that was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reversal {
    /// The time of the refund, which is its name.
    pub refunded_at: Timestamp,
    /// The version of the copy that no longer shows it.
    pub undone_at: Timestamp,
}

/// Everything known about one chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// By [`TransactionFact::key`].
    pub transactions: BTreeMap<String, Transaction>,
    /// The newest renewal statement of each line of each leg, by [`RenewalFact::key`].
    #[serde(default)]
    pub renewals: BTreeMap<String, RenewalFact>,
    /// The newest statement about each refund that is a thing of its own.
    #[serde(default)]
    pub refunds: BTreeMap<String, RefundFact>,
    /// Things told once.
    #[serde(default)]
    pub notes: BTreeSet<Note>,
}

impl Facts {
    /// Takes one observation into the facts known about a purchase chain.
    ///
    /// Total: every observation is legal at any time. A late, duplicate or older one changes nothing but the record of
    /// refunds. Per fact key the highest version wins; on equal versions the copy that shows a refund or an upgrade,
    /// then the greater one, so the result does not depend on arrival order.
    #[must_use]
    pub fn absorb(mut self, seen: &Observation) -> Self {
        let seen = &*self.called_as_known(seen);
        for fact in &seen.transactions {
            self.absorb_transaction(fact);
        }
        for renewal in &seen.renewals {
            let key = renewal.key();
            match self.renewals.get_mut(&key) {
                Some(known) => known.absorb(renewal),
                None => {
                    self.renewals.insert(key, renewal.clone());
                }
            }
        }
        for refund in &seen.refunds {
            match self.refunds.get_mut(&refund.id) {
                Some(known) => known.absorb(refund),
                None => {
                    self.refunds.insert(refund.id.clone(), refund.clone());
                }
            }
        }
        self.notes.extend(seen.notes.iter().cloned());
        self
    }

    /// These facts, and those of `known` that they lack or have an older copy of: of messages that are not kept any more. Both are about one
    /// chain.
    #[must_use]
    pub fn or_known(mut self, known: &Self) -> Self {
        let transactions = &mut self.transactions;
        for (key, transaction) in &known.transactions {
            let is_newer = |read: &&mut Transaction| read.fact.version >= transaction.fact.version;
            match transactions.get_mut(key).filter(is_newer) {
                Some(read) => read.counted = transaction.counted,
                None => {
                    transactions.insert(key.clone(), transaction.clone());
                }
            }
        }
        for (key, renewal) in &known.renewals {
            let is_newer = |read: &RenewalFact| read.rank() >= renewal.rank();
            if !self.renewals.get(key).is_some_and(is_newer) {
                self.renewals.insert(key.clone(), renewal.clone());
            }
        }
        for (id, refund) in &known.refunds {
            self.refunds
                .entry(id.clone())
                .or_insert_with(|| refund.clone());
        }
        self.notes.extend(known.notes.iter().cloned());
        self
    }

    /// The offering that led to the purchase: the one told first.
    pub fn offering(&self) -> Option<&str> {
        self.notes.iter().find_map(|note| match note {
            Note::Offered { offering, .. } => Some(offering.as_str()),
            _ => None,
        })
    }

    /// When the last pause began or was asked for in the period that begins at `begins`, where the message that said so is known.
    pub(crate) fn paused_since(&self, begins: Timestamp) -> Option<Timestamp> {
        let said = self.notes.iter().filter_map(|note| match note {
            Note::Paused { at } => Some(*at),
            _ => None,
        });
        said.filter(|at| *at >= begins).max()
    }

    fn absorb_transaction(&mut self, fact: &TransactionFact) {
        let rank =
            |fact: &TransactionFact| (fact.version, fact.revocation.is_some(), fact.upgraded);
        let end = End {
            is_exact: !fact.end_is_provisional,
            version: fact.version,
            at: fact.expires_at,
        };
        let known = self
            .transactions
            .entry(fact.key())
            .or_insert_with(|| Transaction {
                fact: fact.clone(),
                first_version: fact.version,
                end: None,
                said: Said::default(),
                refunds: BTreeMap::new(),
                legs: BTreeMap::new(),
                shares: BTreeMap::new(),
                counted: None,
            });
        known.shown_by(fact);
        // The earliest says when; one that does not know exactly takes nothing from one that does.
        let begins = |fact: &TransactionFact| (fact.start_is_provisional, fact.purchased_at);
        let began =
            |fact: &TransactionFact| (fact.start_is_provisional, fact.original_purchased_at);
        let (start_is_provisional, purchased_at) = begins(&known.fact).min(begins(fact));
        let (_, began_at) = began(&known.fact).min(began(fact));
        let known_end = known.end.unwrap_or(End {
            is_exact: !known.fact.end_is_provisional,
            version: known.fact.version,
            at: known.fact.expires_at,
        });
        // A copy that does not say how the chain began takes nothing from one that does.
        let mut fact = fact.clone();
        known.fact.original_purchased_at = began_at;
        fact.original_purchased_at = began_at;
        known.fact.begins_chain |= fact.begins_chain;
        fact.begins_chain = known.fact.begins_chain;
        let one = known.fact.clone();
        // Of one version the greater copy, by what is not put together from both.
        let own = |fact: &TransactionFact| (rank(fact), said::own(fact));
        if own(&one) < own(&fact) {
            known.fact.clone_from(&fact);
        }
        known.said = known.said.complete(&mut known.fact, &one, &fact);
        known.fact.purchased_at = purchased_at;
        known.fact.start_is_provisional = start_is_provisional;
        known.stays_with_the_last_leg();
        let end = known_end.max(end);
        known.fact.expires_at = end.at;
        known.fact.end_is_provisional = !end.is_exact;
        known.end = (end.version != known.fact.version).then_some(end);
        known.first_version = known.first_version.min(fact.version);
        if let Some(revocation) = &fact.revocation {
            let shown = known.refunds.entry(revocation.at).or_insert(fact.version);
            *shown = (*shown).max(fact.version);
            if let Some(share) = revocation.percentage {
                let known = known.shares.entry(revocation.at).or_insert(share);
                *known = (*known).max(share);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            chain::{ChainKey, Environment, Store},
            transaction::TransactionKind,
        },
        *,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A copy of one transaction, signed at `version`: one that says that the chain began with it, or one that is silent.
    fn copy(version: i64, says: bool) -> Observation {
        let mut seen = Observation::of(ChainKey {
            store: Store::External,
            environment: Environment::Production,
            id: "chain".into(),
        });
        seen.transactions = vec![TransactionFact {
            original_purchased_at: if says { at(1) } else { at(5) },
            begins_chain: says,
            ..TransactionFact::new(
                "first",
                TransactionKind::Subscription,
                "gold",
                at(5),
                at(version),
            )
        }];
        seen
    }

    #[test]
    fn a_copy_silent_on_the_beginning_takes_nothing_back_in_any_order() {
        let (early, late) = (copy(10, true), copy(20, false));
        // Of one moment, too.
        let same = copy(10, false);
        for order in [
            [&early, &late, &same],
            [&early, &same, &late],
            [&late, &early, &same],
            [&late, &same, &early],
            [&same, &early, &late],
            [&same, &late, &early],
        ] {
            let facts = order.into_iter().fold(Facts::default(), Facts::absorb);
            let fact = &facts.transactions["first"].fact;
            let found = (fact.version, fact.begins_chain, fact.original_purchased_at);
            assert_eq!(found, (at(20), true, at(1)), "{order:?}");
        }
    }
}
