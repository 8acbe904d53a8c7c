//! What was given back of a charge, refund by refund.
//!
//! The one place where amounts of refunds are worked out: the events that tell of them, the formats that repeat those, and
//! what a customer brought in all follow from it, and so agree. A refund says its amount, its share of the price, or how many
//! pieces it is about; one that says none of them gives back whatever is left. All of them together never give back more than
//! was charged: a full refund after a partial one is the rest.

use crate::{
    Facts, Money,
    fact::{RefundFact, Transaction, TransactionFact},
};
use jiff::Timestamp;

/// Thousandths of a percent that are all of a price. Source: Apple, JWSTransactionDecodedPayload, `revocationPercentage`.
const WHOLE: i64 = 100_000;

/// Which refund of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// One that copies of the transaction show, by its time.
    Shown(Timestamp),
    /// One that is a thing of its own, by its id.
    Own(&'a str),
}

/// The refunds of one charge that count, and what they amount to.
#[derive(Debug, Clone)]
pub struct GivenBack<'a> {
    price: Option<Money>,
    /// With what each says it gives back; `None` for whatever is left.
    parts: Vec<(Part<'a>, Option<Money>)>,
}

impl<'a> GivenBack<'a> {
    /// None yet, of a charge of `price`.
    pub(crate) const fn nothing(price: Option<Money>) -> Self {
        Self {
            price,
            parts: Vec::new(),
        }
    }

    /// Those of one line of the charge `id` that are known and not undone.
    pub fn of(facts: &'a Facts, id: &str, line: &str) -> Self {
        let known = facts.transaction(id, line);
        let mut all = Self::nothing(known.and_then(|known| known.fact.price));
        if let Some(known) = known {
            for at in known.refunds.keys() {
                if !known.reversals().any(|undone| undone.refunded_at == *at) {
                    all.count(Part::Shown(*at), shown(known, *at));
                }
            }
        }
        let own = facts.refunds.iter();
        let own = own.filter(|(_, refund)| refund.transaction == id && !refund.is_undone);
        for (id, refund) in own.filter(|(_, refund)| facts.is_about(refund, line)) {
            all.count(Part::Own(id), stated(facts, refund, line));
        }
        all
    }

    /// The same with the price that is known by now.
    pub(crate) const fn priced(mut self, price: Option<Money>) -> Self {
        self.price = price;
        self
    }

    /// All that was given back; `None` where neither the price nor any amount is known.
    pub fn total(&self) -> Option<Money> {
        let mut amounts = self.parts.iter().map(|(_, amount)| *amount);
        let Some(price) = self.price else {
            return amounts
                .try_fold(None, |sum, amount| plus(sum, amount?))
                .flatten();
        };
        let sum = amounts.try_fold(None, |sum, amount| {
            // What says no amount, or one in another currency, leaves nothing.
            plus(
                sum,
                amount.filter(|amount| amount.currency == price.currency)?,
            )
        });
        match sum {
            Some(None) => Some(Money { micros: 0, ..price }),
            Some(Some(sum)) if sum.micros < price.micros => Some(sum),
            _ => Some(price),
        }
    }

    /// Takes one more into account. Answers what it gave back beside those before it.
    pub(crate) fn count(&mut self, part: Part<'a>, amount: Option<Money>) -> Option<Money> {
        let before = self.total();
        self.parts.push((part, amount));
        if self.price.is_none() {
            return amount;
        }
        difference(self.total(), before)
    }

    /// What one gave back that did not last, heard of when it was over: beside those that `were_before` it alone, for whatever came after it
    /// gave back anew. It is not taken into account.
    pub(crate) fn passing(
        &self,
        part: Part<'a>,
        amount: Option<Money>,
        were_before: impl Fn(Part<'a>) -> bool,
    ) -> Option<Money> {
        let mut then = self.clone();
        then.parts.retain(|(part, _)| were_before(*part));
        then.count(part, amount)
    }

    /// Takes one out again. Answers what came back of it; nothing where it did not count.
    pub(crate) fn undo(&mut self, part: Part<'_>) -> Option<Money> {
        let before = self.total();
        let undone = self.parts.iter().position(|(known, _)| *known == part);
        let undone = undone.map(|at| self.parts.remove(at).1);
        match (self.price, undone) {
            (None, amount) => amount.flatten(),
            (Some(_), _) => difference(before, self.total()),
        }
    }
}

fn plus(sum: Option<Money>, amount: Money) -> Option<Option<Money>> {
    Some(match sum {
        None => Some(amount),
        Some(sum) => Some(sum.checked_add(amount).ok()?),
    })
}

fn difference(more: Option<Money>, less: Option<Money>) -> Option<Money> {
    more?.checked_sub(less?).ok()
}

/// What a refund gives back that copies of the transaction show at `at`: its share of the price.
pub(crate) fn shown(known: &Transaction, at: Timestamp) -> Option<Money> {
    share_of(known.fact.price?, *known.shares.get(&at)?, WHOLE)
}

/// What a refund that is a thing of its own gives back of a line: what it says, or the price of the pieces that it is about.
pub(crate) fn stated(facts: &Facts, refund: &RefundFact, line: &str) -> Option<Money> {
    let by_pieces = || {
        let fact = &facts.transaction(&refund.transaction, line)?.fact;
        let pieces = pieces(facts, refund, Some(fact))?;
        share_of(fact.price?, i64::from(pieces), i64::from(fact.quantity))
    };
    facts.given_back(refund, line).or_else(by_pieces)
}

/// How many pieces one refund gave back: those that it says, or those that were left after the refund before it, less those left
/// after it.
pub(crate) fn pieces(
    facts: &Facts,
    refund: &RefundFact,
    fact: Option<&TransactionFact>,
) -> Option<u32> {
    let Some(left) = refund.pieces_left else {
        return refund.pieces;
    };
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

/// So many of `whole` parts of a price, rounded toward zero; never more than all of it.
fn share_of(price: Money, parts: i64, whole: i64) -> Option<Money> {
    if whole <= 0 {
        return None;
    }
    let parts = parts.clamp(0, whole);
    let micros = i128::from(price.micros) * i128::from(parts) / i128::from(whole);
    i64::try_from(micros)
        .ok()
        .map(|micros| Money { micros, ..price })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn usd(micros: i64) -> Money {
        Money::new(micros, Currency::USD)
    }

    #[test]
    fn refunds_together_give_back_the_price_and_no_more() {
        let mut back = GivenBack::nothing(Some(usd(10)));
        assert_eq!(back.total(), Some(usd(0)));
        assert_eq!(back.count(Part::Own("a"), Some(usd(4))), Some(usd(4)));
        assert_eq!(back.count(Part::Own("b"), None), Some(usd(6)), "the rest");
        assert_eq!(back.count(Part::Own("c"), Some(usd(3))), Some(usd(0)));
        assert_eq!(back.undo(Part::Own("b")), Some(usd(3)), "c counts now");
        assert_eq!(back.total(), Some(usd(7)));
        assert_eq!(back.undo(Part::Own("unheard of")), Some(usd(0)));
        let other = Money::new(1, Currency::EUR);
        assert_eq!(back.count(Part::Own("d"), Some(other)), Some(usd(3)));
    }

    #[test]
    fn what_is_given_back_of_a_price_nobody_knows_is_what_is_said() {
        let mut back = GivenBack::nothing(None);
        assert_eq!(back.count(Part::Own("a"), Some(usd(4))), Some(usd(4)));
        assert_eq!(back.total(), Some(usd(4)));
        assert_eq!(back.count(Part::Own("b"), None), None);
        assert_eq!(back.total(), None);
    }

    #[test]
    fn shares_are_rounded_toward_zero_and_stay_within_the_price() {
        assert_eq!(
            share_of(usd(9_990_000), 40_000, WHOLE),
            Some(usd(3_996_000))
        );
        assert_eq!(share_of(usd(10), 1, 3), Some(usd(3)));
        assert_eq!(share_of(usd(10), 200_000, WHOLE), Some(usd(10)));
        assert_eq!(share_of(usd(10), 1, 0), None);
    }
}
