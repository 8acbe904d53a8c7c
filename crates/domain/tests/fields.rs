//! Of every field of a transaction the newest statement that says something about it wins, in whatever order they come.
//!
//! What is right is worked out here from all statements at once.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{
    ChainKey, Currency, Environment, Facts, Money, Observation, Store,
    fact::{Discount, Offer, OfferCategory, TransactionFact, TransactionKind, TransactionReason},
};
use jiff::Timestamp;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn cents(cents: i64) -> Money {
    Money::new(cents * 10_000, Currency::USD)
}

/// A statement that says some of it. Several may be of one moment.
fn statements() -> impl Strategy<Value = TransactionFact> {
    let maybe = |most: i64| prop::option::of(1..most);
    (1_i64..6, maybe(4), maybe(4), maybe(3), maybe(3), maybe(3)).prop_map(
        |(version, price, tax, offer, country, reason)| TransactionFact {
            price: price.map(cents),
            tax: tax.map(cents),
            offer: offer.map(|number| Offer {
                category: Some(OfferCategory::Promotional),
                discount: Some(Discount::PayAsYouGo),
                id: Some(number.to_string()),
            }),
            country: country.map(|number| if number == 1 { "DE" } else { "US" }.to_owned()),
            reason: reason.map(|number| {
                if number == 1 {
                    TransactionReason::Purchase
                } else {
                    TransactionReason::Renewal
                }
            }),
            expires_at: Some(at(1_000)),
            ..TransactionFact::new(
                "1000",
                TransactionKind::Subscription,
                "gold",
                at(0),
                at(version),
            )
        },
    )
}

fn absorbed<'a>(all: impl IntoIterator<Item = &'a TransactionFact>) -> Facts {
    let chain = ChainKey {
        store: Store::AppStore,
        environment: Environment::Production,
        id: "1000".into(),
    };
    all.into_iter().fold(Facts::default(), |facts, said| {
        facts.absorb(&Observation {
            transactions: vec![said.clone()],
            ..Observation::of(chain.clone())
        })
    })
}

/// The newest of what is said of one field; of one moment the greater.
fn newest<T: Ord + Clone>(
    all: &[TransactionFact],
    field: impl Fn(&TransactionFact) -> Option<T>,
) -> Option<T> {
    let said = all
        .iter()
        .filter_map(|fact| Some((fact.version, field(fact)?)));
    said.max().map(|(_, value)| value)
}

proptest! {
    #[test]
    fn the_newest_statement_about_a_field_wins(all in prop::collection::vec(statements(), 1..7)) {
        let facts = absorbed(&all);
        let known = &facts.transactions["1000"].fact;
        prop_assert_eq!(known.version, all.iter().map(|said| said.version).max().unwrap());
        prop_assert_eq!(known.price, newest(&all, |said| said.price));
        prop_assert_eq!(known.tax, newest(&all, |said| said.tax));
        prop_assert_eq!(&known.offer, &newest(&all, |said| said.offer.clone()));
        prop_assert_eq!(&known.country, &newest(&all, |said| said.country.clone()));
        prop_assert_eq!(known.reason, newest(&all, |said| said.reason));
    }

    #[test]
    fn any_order_of_statements_comes_to_the_same(
        (all, shuffled) in prop::collection::vec(statements(), 1..7)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        let doubled = shuffled.iter().chain(&shuffled);
        prop_assert_eq!(absorbed(&all), absorbed(doubled));
    }

    #[test]
    fn what_was_stored_between_two_statements_makes_no_difference(
        all in prop::collection::vec(statements(), 2..7)
    ) {
        let half = all.len() / 2;
        let stored = serde_json::to_string(&absorbed(&all[..half])).unwrap();
        let mut facts: Facts = serde_json::from_str(&stored).unwrap();
        for said in &all[half..] {
            let chain = ChainKey { store: Store::AppStore, environment: Environment::Production, id: "1000".into() };
            let seen = Observation { transactions: vec![said.clone()], ..Observation::of(chain) };
            facts = facts.absorb(&seen);
        }
        prop_assert_eq!(facts, absorbed(&all));
    }
}
