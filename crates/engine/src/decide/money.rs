//! Amounts: in dollars, after the store's commission, and what a purchase brought in so far.

use domain::{
    Currency, Facts, Money,
    charge::History,
    fact::{Ownership, TransactionFact, TransactionKind},
    rates::Rates,
    refund::GivenBack,
};
use jiff::Timestamp;
use ledger::App;

/// An amount in dollars, at the rates of its day.
pub(super) fn in_usd(money: Money, rates: &Rates, at: Timestamp) -> Option<Money> {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    rates.convert(money, Currency::USD, date)
}

/// Millionths of a dollar charged less given back on one chain, as far as prices and rates are known.
pub(super) fn revenue(facts: &Facts, rates: &Rates) -> i64 {
    let kept = facts.transactions.values().map(|transaction| {
        let fact = &transaction.fact;
        if fact.ownership == Ownership::Purchased {
            kept(facts, fact, rates)
        } else {
            0
        }
    });
    kept.fold(0, i64::saturating_add)
}

/// Millionths of a dollar that are left of a charge.
fn kept(facts: &Facts, fact: &TransactionFact, rates: &Rates) -> i64 {
    let charged = fact.price.filter(|price| price.micros != 0);
    let in_dollars = charged.and_then(|price| in_usd(price, rates, fact.purchased_at));
    let (Some(price), Some(charged)) = (charged, in_dollars) else {
        return 0;
    };
    let given_back = GivenBack::of(facts, &fact.id, &fact.line).total();
    let given_back = given_back.map_or(0, |back| back.micros);
    let share = i128::from(charged.micros) * i128::from(given_back) / i128::from(price.micros);
    charged
        .micros
        .saturating_sub(i64::try_from(share).unwrap_or(charged.micros))
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
