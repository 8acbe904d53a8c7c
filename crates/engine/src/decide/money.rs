//! Amounts: in dollars, after the store's commission, and what a purchase brought in so far.

use domain::{
    Currency, Facts, Money,
    charge::History,
    fact::{Ownership, Transaction, TransactionFact, TransactionKind},
    rates::Rates,
};
use jiff::Timestamp;
use ledger::App;

/// Thousandths of a percent that are all of an amount.
const ALL: i64 = 100_000;

/// An amount in dollars, at the rates of its day.
pub(super) fn in_usd(money: Money, rates: &Rates, at: Timestamp) -> Option<Money> {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    rates.convert(money, Currency::USD, date)
}

/// Millionths of a dollar; 0 where the amount, or its rate, is not known.
fn dollars(money: Option<Money>, rates: &Rates, at: Timestamp) -> i64 {
    money
        .and_then(|money| in_usd(money, rates, at))
        .map_or(0, |money| money.micros)
}

/// Millionths of a dollar charged less given back on one chain, as far as rates are known.
pub(super) fn revenue(facts: &Facts, rates: &Rates) -> i64 {
    let charged = facts
        .transactions
        .values()
        .map(|transaction| kept(transaction, rates));
    let given_back = facts
        .refunds
        .values()
        .filter(|refund| !refund.is_undone)
        .map(|refund| {
            let lines = facts.charge(&refund.transaction);
            let refunded: Vec<_> = lines
                .filter(|fact| facts.is_about(refund, &fact.line))
                .collect();
            let of_line = |fact: &&TransactionFact| {
                let back = facts.given_back(refund, &fact.line);
                dollars(back.or(fact.price), rates, fact.purchased_at)
            };
            if refunded.is_empty() {
                -dollars(refund.amount, rates, refund.at)
            } else {
                -refunded.iter().map(of_line).fold(0, i64::saturating_add)
            }
        });
    charged.chain(given_back).fold(0, i64::saturating_add)
}

/// What is left of a charge after its own revocation.
fn kept(transaction: &Transaction, rates: &Rates) -> i64 {
    let fact = &transaction.fact;
    if fact.ownership != Ownership::Purchased {
        return 0;
    }
    let charged = dollars(fact.price, rates, fact.purchased_at);
    let share = fact.revocation.as_ref().map_or(ALL, |revocation| {
        (ALL - revocation.percentage.unwrap_or(ALL)).clamp(0, ALL)
    });
    i64::try_from(i128::from(charged) * i128::from(share) / i128::from(ALL)).unwrap_or(0)
}

/// Hundredths of a percent of a charge that are left to the seller; `None` where the store's commission is not known.
pub(super) fn sellers_share(app: &App, facts: &Facts, fact: &TransactionFact) -> Option<u32> {
    let is_subscription = fact.kind == TransactionKind::Subscription;
    let over_a_year = History::of(facts, &fact.line).run(&fact.id).over_a_year;
    let commission = app
        .commission?
        .basis_points(app.store(), is_subscription, over_a_year)?;
    Some(10_000_u32.saturating_sub(commission))
}

/// So many hundredths of a percent of an amount, where both are known.
pub(super) fn part_of(amount: Option<Money>, share: Option<u32>) -> Option<Money> {
    amount?.basis_points(share?)
}
