//! Amounts: in dollars, after the store's commission, and what a purchase brought in so far.

use domain::{
    Currency, Facts, Money,
    charge::History,
    fact::{Counted, Ownership, Transaction, TransactionFact, TransactionKind},
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

/// Millionths of a dollar charged less given back on one chain, as far as prices and rates were known when each was counted.
pub(super) fn revenue(facts: &Facts, rates: &Rates) -> i64 {
    let transactions = facts.transactions.values();
    let bought = transactions.filter(|known| known.fact.ownership == Ownership::Purchased);
    let kept = bought.map(|known| kept(facts, known, rates));
    kept.fold(0, i64::saturating_add)
}

/// Notes what every charge is counted with that was not counted yet: rates become known later, or better, and what is given back of a charge
/// takes nothing back that it did not bring in.
pub(super) fn count(facts: &mut Facts, rates: &Rates) {
    for known in facts.transactions.values_mut() {
        let price = known.fact.price.filter(|price| price.micros != 0);
        // A dollar is one, whatever becomes known.
        let Some(price) = price.filter(|price| price.currency != Currency::USD) else {
            continue;
        };
        if known.counted.is_none_or(|counted| counted.price != price) {
            let in_dollars = in_usd(price, rates, known.fact.purchased_at);
            known.counted = Some(Counted {
                price,
                usd_micros: in_dollars.map_or(0, |dollars| dollars.micros),
            });
        }
    }
}

/// The same facts, none of them counted yet.
pub(super) fn uncounted(mut facts: Facts) -> Facts {
    for known in facts.transactions.values_mut() {
        known.counted = None;
    }
    facts
}

/// Millionths of a dollar that are left of a charge.
fn kept(facts: &Facts, known: &Transaction, rates: &Rates) -> i64 {
    let fact = &known.fact;
    let Some(price) = fact.price.filter(|price| price.micros != 0) else {
        return 0;
    };
    let counted = known.counted.filter(|counted| counted.price == price);
    let counted = counted.map(|counted| counted.usd_micros);
    let in_dollars = || Some(in_usd(price, rates, fact.purchased_at)?.micros);
    let Some(charged) = counted.or_else(in_dollars) else {
        return 0;
    };
    let given_back = GivenBack::of(facts, &fact.id, &fact.line).total();
    let given_back = given_back.map_or(0, |back| back.micros);
    let share = i128::from(charged) * i128::from(given_back) / i128::from(price.micros);
    charged.saturating_sub(i64::try_from(share).unwrap_or(charged))
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
