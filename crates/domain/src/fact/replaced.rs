//! Lines that took the place of others: in a purchase whose lines are named by their products another product is another line.
//!
//! No store says which one it took the place of. Where of two charges the later one pays for one line that the earlier one did not, and no
//! longer for one that it did, the one took the place of the other. Source: Apple, "Advanced Commerce API", *Change Subscription*: an item is
//! changed into another one at once, or at the next renewal.

use super::{
    known::{Facts, Transaction},
    transaction::{TransactionFact, TransactionKind, line_key},
};

/// Whether the line that a charge paid for is named by its product.
fn is_named_by_product(fact: &TransactionFact) -> bool {
    fact.kind == TransactionKind::Subscription
        && !fact.is_extra
        && !fact.line.is_empty()
        && fact.line == fact.product
}

impl Facts {
    /// The transactions of a line, with those of the lines that it took the place of.
    pub(crate) fn with_replaced<'a>(&'a self, own: Vec<&'a Transaction>) -> Vec<&'a Transaction> {
        let mut all = own;
        let mut next = 0;
        while let Some(known) = all.get(next) {
            next += 1;
            let Some(old) = self.replaced(&known.fact) else {
                continue;
            };
            let earlier = self.transactions.values().filter(|other| {
                let fact = &other.fact;
                fact.line == old.line && !fact.is_extra && fact.purchased_at <= old.purchased_at
            });
            for other in earlier {
                if !all.iter().any(|known| known.fact.key() == other.fact.key()) {
                    all.push(other);
                }
            }
        }
        all
    }

    /// The charge for another line whose place the line of `fact` took with it.
    pub(crate) fn replaced(&self, fact: &TransactionFact) -> Option<&TransactionFact> {
        let before = self.charge_before(fact)?;
        let mut gone: Vec<_> = self
            .charge(before)
            .filter(|old| self.transaction(&fact.id, &old.line).is_none())
            .collect();
        if gone.len() > 1 {
            gone.retain(|old| !self.is_leaving(old));
        }
        let mut new = self
            .charge(&fact.id)
            .filter(|line| self.transaction(before, &line.line).is_none());
        let is_only_one = new.next().is_some_and(|new| new.line == fact.line);
        match gone[..] {
            [old] if is_only_one && new.next().is_none() && is_named_by_product(old) => Some(old),
            _ => None,
        }
    }

    /// The charge with which another line took the place of that of `fact`.
    pub(crate) fn replaced_by(&self, fact: &TransactionFact) -> Option<&TransactionFact> {
        if !is_named_by_product(fact) {
            return None;
        }
        let all = self.transactions.values().map(|known| &known.fact);
        let mut later = all.filter(|other| other.purchased_at > fact.purchased_at);
        later.find(|other| {
            let replaced = self.replaced(other);
            replaced.is_some_and(|old| (&old.id, &old.line) == (&fact.id, &fact.line))
        })
    }

    /// The id of the charge of the purchase just before that of `fact`, where its lines are named by their products.
    fn charge_before(&self, fact: &TransactionFact) -> Option<&str> {
        if !is_named_by_product(fact) {
            return None;
        }
        let all = self.transactions.values().map(|known| &known.fact);
        let earlier = all
            .filter(|other| is_named_by_product(other) && other.purchased_at < fact.purchased_at);
        let last = earlier.max_by_key(|other| (other.purchased_at, &other.id))?;
        Some(&last.id)
    }

    /// Whether the store said that the line runs to its end, and no further.
    fn is_leaving(&self, fact: &TransactionFact) -> bool {
        let said = self.renewals.get(&line_key(&fact.leg, &fact.line));
        said.is_some_and(|said| said.auto_renew == Some(false))
    }
}
