//! The lines of a purchase: the products that were bought in one, each with periods, a renewal and an end of its own.
//!
//! A line has a name within its purchase, which the source gives it and which it keeps; the only one has none. The lines of one
//! charge share its id, and their prices add up to it. A source that sees only the end of a long life may call them otherwise: they
//! are known by their products then.

use super::{
    known::{Facts, Transaction},
    observation::{Observation, RefundFact},
    transaction::{TransactionFact, line_key},
};
use crate::Money;
use jiff::Timestamp;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

impl Facts {
    /// The names of the lines, in order.
    pub fn lines(&self) -> BTreeSet<&str> {
        let all = self.transactions.values();
        all.map(|transaction| transaction.fact.line.as_str())
            .collect()
    }

    /// What is known of one line of the charge `id`.
    pub fn transaction(&self, id: &str, line: &str) -> Option<&Transaction> {
        if line.is_empty() {
            self.transactions.get(id)
        } else {
            self.transactions.get(&line_key(id, line))
        }
    }

    /// Every line of the charge `id`, in order of their names.
    pub fn charge<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a TransactionFact> {
        let of_it = move |fact: &&TransactionFact| fact.id == id;
        let all = self.transactions.values();
        all.map(|transaction| &transaction.fact).filter(of_it)
    }

    /// Whether anything was heard of a leg; without one a charge says all.
    pub fn knows_leg(&self, leg: &str) -> bool {
        let mut all = self.transactions.values();
        leg.is_empty() || all.any(|known| known.fact.leg == leg || known.legs.contains_key(leg))
    }

    /// Whether a refund is about a line. One of a charge that nobody knows is about the first.
    pub fn is_about(&self, refund: &RefundFact, line: &str) -> bool {
        if let Some(named) = &refund.line {
            return named == line;
        }
        self.transaction(&refund.transaction, line).is_some()
            || (self.charge(&refund.transaction).next().is_none()
                && self.lines().first().is_none_or(|first| *first == line))
    }

    /// How much of a refund went back for one line: of one that names no line, the share that the line has in the charge. The
    /// shares add up to the whole. `None` when the store did not say how much it was.
    pub fn given_back(&self, refund: &RefundFact, line: &str) -> Option<Money> {
        let whole = refund.amount?;
        let lines: Vec<_> = self.charge(&refund.transaction).collect();
        if refund.line.is_some() || lines.len() < 2 {
            return Some(whole);
        }
        let weights = lines.iter().map(|fact| (fact.line.as_str(), fact.price));
        share(whole, weights, line)
    }

    /// When the store last spoke of the leg of `fact` without naming its line any more: it is not part of the purchase now.
    pub(crate) fn left_at(&self, fact: &TransactionFact) -> Option<Timestamp> {
        let of_leg = self.renewals.values().filter(|said| said.leg == fact.leg);
        let newest = of_leg.map(|said| said.version).max();
        let own = self.renewals.get(&line_key(&fact.leg, &fact.line));
        let is_left_out = |newest: &Timestamp| {
            own.is_none_or(|own| own.version < *newest) && fact.version <= *newest
        };
        newest
            .filter(is_left_out)
            .or_else(|| self.taken_over_at(fact))
    }

    /// When another leg took over from that of `fact` without its line.
    fn taken_over_at(&self, fact: &TransactionFact) -> Option<Timestamp> {
        if fact.leg.is_empty() {
            return None;
        }
        let all = self.transactions.values();
        let successors: Vec<_> = all
            .map(|transaction| &transaction.fact)
            .filter(|other| other.replaces.as_ref() == Some(&fact.leg))
            .collect();
        if successors.iter().any(|other| other.line == fact.line) {
            return None;
        }
        let since = |other: &&TransactionFact| other.purchased_at.max(fact.purchased_at);
        successors.iter().map(since).min()
    }
}

impl Facts {
    /// What is seen, with its lines called as they are known. Most purchases have one line, of which nothing has to be found out.
    pub(super) fn called_as_known<'a>(&self, seen: &'a Observation) -> Cow<'a, Observation> {
        let known = self.lines();
        let facts = seen.transactions.iter();
        let newest: BTreeMap<&str, &TransactionFact> = facts
            .map(|fact| (fact.purchased_at, fact))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|(_, fact)| (fact.line.as_str(), fact))
            .collect();
        if known.len() < 2 && newest.len() < 2 {
            return Cow::Borrowed(seen);
        }
        let had = |line: &str, fact: &TransactionFact| {
            let mut all = self.transactions.values().map(|known| &known.fact);
            all.any(|known| known.line == line && item(known) == item(fact))
        };
        // A name that is not what it was, and the line that has its product.
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (line, fact) in newest.iter().filter(|(line, fact)| !had(line, fact)) {
            let is_free = |other: &&&str| {
                let own = newest.get(**other);
                *other != line && had(other, fact) && own.is_none_or(|own| !had(other, own))
            };
            if let Some(other) = known.iter().find(is_free) {
                names.insert((*line).to_owned(), (*other).to_owned());
            }
        }
        let displaced: Vec<_> = newest
            .iter()
            .filter(|(line, _)| !names.contains_key(**line))
            .filter(|(line, _)| names.values().any(|taken| taken == *line))
            .map(|(line, fact)| ((*line).to_owned(), item(fact).to_owned()))
            .collect();
        names.extend(displaced);
        if names.is_empty() {
            return Cow::Borrowed(seen);
        }
        let mut seen = seen.clone();
        let transactions = seen.transactions.iter_mut().map(|fact| &mut fact.line);
        let renewals = seen.renewals.iter_mut().map(|renewal| &mut renewal.line);
        let refunds = seen
            .refunds
            .iter_mut()
            .filter_map(|refund| refund.line.as_mut());
        for line in transactions.chain(renewals).chain(refunds) {
            if let Some(name) = names.get(line) {
                line.clone_from(name);
            }
        }
        Cow::Owned(seen)
    }
}

/// A product without its plan.
fn item(fact: &TransactionFact) -> &str {
    let product = &fact.product;
    product.split_once(':').map_or(product, |(item, _)| item)
}

/// The part of `whole` that the line `name` has, by the weight of each; without weights all have the same. Rounded so that the
/// parts add up to the whole. `None` for a line that is not among them.
pub fn share<'a>(
    whole: Money,
    lines: impl IntoIterator<Item = (&'a str, Option<Money>)>,
    name: &str,
) -> Option<Money> {
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(line, weight)| {
            (
                line,
                weight.map_or(0, |weight| i128::from(weight.micros.max(0))),
            )
        })
        .collect();
    let sum: i128 = lines.iter().map(|(_, weight)| weight).sum();
    let (mut before, mut parts) = (0_i128, Vec::new());
    for (index, (line, weight)) in lines.iter().enumerate() {
        let (done, all) = if sum == 0 {
            (
                i128::try_from(index).ok()? + 1,
                i128::try_from(lines.len()).ok()?,
            )
        } else {
            let known: i128 = lines.iter().take(index).map(|(_, weight)| weight).sum();
            (known + weight, sum)
        };
        // More than can be counted is more than there can be of any currency.
        let up_to = i128::from(whole.micros).checked_mul(done)? / all;
        parts.push((*line, up_to - before));
        before = up_to;
    }
    let (_, micros) = parts.into_iter().find(|(line, _)| *line == name)?;
    Some(Money {
        micros: i64::try_from(micros).ok()?,
        ..whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn cents(cents: i64) -> Money {
        Money::new(cents * 10_000, Currency::USD)
    }

    #[test]
    fn what_cannot_be_reckoned_has_no_shares() {
        let most = Money::new(i64::MAX, Currency::USD);
        let lines = [("a", Some(most)), ("b", Some(most)), ("c", Some(most))];
        assert_eq!(share(most, lines, "b"), None);
        assert_eq!(share(cents(3), lines, "b"), Some(cents(1)));
    }

    #[test]
    fn shares_add_up_to_the_whole() {
        let lines = [
            ("a", Some(cents(999))),
            ("b", Some(cents(499))),
            ("c", None),
        ];
        for whole in [0, 1, 2, 7, 1498, 1_000_003] {
            let whole = Money::new(whole, Currency::USD);
            let parts = ["a", "b", "c"].map(|line| share(whole, lines, line).unwrap().micros);
            assert_eq!(parts.iter().sum::<i64>(), whole.micros, "{whole:?}");
        }
        assert_eq!(share(cents(1498), lines, "a"), Some(cents(999)));
        assert_eq!(share(cents(1498), lines, "b"), Some(cents(499)));
        assert_eq!(share(cents(1498), lines, "d"), None);
        let unknown = [("a", None), ("b", None)];
        assert_eq!(share(cents(2), unknown, "b"), Some(cents(1)));
    }
}
