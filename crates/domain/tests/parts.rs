//! A paper that is paid in parts: however often it is read, and whether a reading tells the payments apart or not, the charges told of it are
//! never more than what was paid.
//!
//! What was paid is the sum of the payments, worked out here. Source: Stripe, "Partial payments".
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{
    ChainKey, Currency, Environment, Facts, Money, Observation, Snapshot, Store,
    change::{State, changes},
    fact::{TransactionFact, TransactionKind, TransactionReason},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn at(day: usize) -> Timestamp {
    let seconds = i64::try_from(day).unwrap() * 86_400;
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn cents(cents: i64) -> Money {
    Money::new(cents * 10_000, Currency::USD)
}

/// What was paid by day `version`, a payment a day, as one charge or each by itself.
fn reading(payments: &[i64], version: usize, is_apart: bool) -> Observation {
    let chain = ChainKey {
        store: Store::Stripe,
        environment: Environment::Production,
        id: "sub_1".into(),
    };
    let fact = |id: &str, price: i64, day: usize| TransactionFact {
        expires_at: Some(at(365)),
        price: Some(cents(price)),
        reason: Some(TransactionReason::Purchase),
        begins_chain: day == 0,
        is_extra: day > 0,
        part_of: (day > 0).then(|| "in_1".into()),
        ..TransactionFact::new(
            id,
            TransactionKind::Subscription,
            "gold",
            at(day),
            at(version),
        )
    };
    let paid = &payments[..=version.min(payments.len() - 1)];
    let transactions = if is_apart {
        let parts = paid.iter().enumerate().map(|(day, price)| match day {
            0 => fact("in_1", *price, 0),
            _ => fact(&format!("inpay_{day}"), *price, day),
        });
        parts.collect()
    } else {
        vec![fact("in_1", paid.iter().sum(), 0)]
    };
    Observation {
        transactions,
        ..Observation::of(chain)
    }
}

/// The charges told of these readings, in cents, in the order of the readings.
fn told(payments: &[i64], readings: &[(usize, bool)]) -> Vec<i64> {
    let mut known: Option<(Facts, Snapshot)> = None;
    let mut all = Vec::new();
    for (version, is_apart) in readings {
        let seen = reading(payments, *version, *is_apart);
        let before = known.as_ref();
        let facts = before.map_or_else(Facts::default, |(facts, _)| facts.clone());
        let facts = facts.absorb(&seen);
        let now = at(*version);
        let snapshot = Snapshot::derive(&facts, now).unwrap();
        let before = before.map(|(facts, snapshot)| State { facts, snapshot });
        let after = State {
            facts: &facts,
            snapshot: &snapshot,
        };
        let window = SignedDuration::from_hours(24 * 365);
        for change in changes(&seen.chain, before, after, now, window) {
            assert!(change.key.starts_with("charged:"), "{change:?}");
            let fact = &facts.transactions[&change.transaction].fact;
            all.push(fact.price.unwrap().micros / 10_000);
        }
        known = Some((facts, snapshot));
    }
    all
}

proptest! {
    #[test]
    fn charges_of_a_paper_never_exceed_what_was_paid_of_it(
        payments in prop::collection::vec(1_i64..1_000, 1..5),
        readings in prop::collection::btree_map(0_usize..8, any::<bool>(), 1..8),
    ) {
        let readings: Vec<_> = readings.into_iter().collect();
        for until in 1..=readings.len() {
            let so_far = &readings[..until];
            let (newest, _) = so_far[until - 1];
            let paid: i64 = payments[..=newest.min(payments.len() - 1)].iter().sum();
            prop_assert!(told(&payments, so_far).iter().sum::<i64>() <= paid);
        }
    }

    #[test]
    fn payments_told_apart_are_all_told(
        payments in prop::collection::vec(1_i64..1_000, 1..5),
        mut readings in prop::collection::vec(0_usize..6, 1..7),
    ) {
        readings.push(payments.len() - 1);
        let apart: Vec<_> = readings.into_iter().map(|version| (version, true)).collect();
        let mut told = told(&payments, &apart);
        let mut paid = payments.clone();
        told.sort_unstable();
        paid.sort_unstable();
        prop_assert_eq!(told, paid);
    }
}

#[test]
fn what_is_paid_after_a_reading_as_one_is_told() {
    let readings = [(1, false), (2, true), (3, true)];
    assert_eq!(told(&[400, 600, 500], &readings), [1000, 500]);
}
