//! Chains with several legs, provisional ends and refunds that are things of their own: what is known does not depend on the
//! order in which it was learned.

use domain::{
    ChainKey, Currency, Environment, Facts, Money, Observation, Snapshot, Store,
    fact::{
        Note, RefundFact, RenewalFact, Status, TransactionFact, TransactionKind, TransactionReason,
    },
};
use jiff::Timestamp;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap_or_default()
}

/// What the store says at second `version` about order `order` of leg `leg`. A function of its arguments: asked twice at one
/// instant, a store says the same.
fn answer(version: i64, leg: usize, order: i64, choice: u8) -> Observation {
    let chain = ChainKey {
        store: Store::PlayStore,
        environment: Environment::Production,
        id: "leg0".into(),
    };
    let (provisional, knows_price) = (choice & 1 == 1, choice & 2 == 2);
    let id = format!("GPA.{leg}..{order}");
    let began = 100 * order + 10_000 * i64::try_from(leg).unwrap_or(0);
    let mut seen = Observation::of(chain);
    seen.links = vec![format!("leg{leg}")];
    seen.transactions = vec![TransactionFact {
        // Known from the order, or guessed from the notification.
        purchased_at: at(began + if knows_price { 0 } else { version % 7 }),
        expires_at: Some(at(began + 100 + if provisional { version } else { 0 })),
        end_is_provisional: provisional,
        price: knows_price.then(|| Money::new(9_990_000, Currency::USD)),
        reason: Some(TransactionReason::Renewal),
        leg: format!("leg{leg}"),
        replaces: leg.checked_sub(1).map(|old| format!("leg{old}")),
        ..TransactionFact::new(
            id.as_str(),
            TransactionKind::Subscription,
            "gold",
            at(began),
            at(version),
        )
    }];
    seen.renewals = vec![RenewalFact {
        auto_renew: Some(choice & 4 == 0),
        status: Some(match choice >> 3 {
            0 => Status::Active,
            1 => Status::Grace,
            2 => Status::Paused,
            _ => Status::Expired,
        }),
        grace_ends_at: Some(at(began + 150)),
        leg: format!("leg{leg}"),
        ..RenewalFact::new(at(version))
    }];
    if choice & 8 == 8 {
        seen.refunds = vec![RefundFact {
            line: None,
            pieces_left: None,
            pieces: None,
            version: at(version),
            id: format!("refund-{order}"),
            transaction: id,
            at: at(began + 50),
            amount: None,
            revokes: choice & 16 == 16,
            is_undone: version % 2 == 0,
        }];
        seen.notes = vec![Note::PauseRequested { at: at(version) }];
    }
    seen
}

fn answers() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
    let one = (0_usize..3, 0_i64..3, 0_u8..32);
    proptest::collection::vec(one, 1..12)
        .prop_map(|all| {
            // One question at a time: no two answers share an instant.
            (1..)
                .zip(all)
                .map(|(version, (leg, order, choice))| answer(version, leg, order, choice))
                .collect::<Vec<_>>()
        })
        .prop_flat_map(|all| {
            let doubled: Vec<_> = all.iter().chain(&all).cloned().collect();
            (Just(all), Just(doubled).prop_shuffle())
        })
}

fn known(told: &[Observation]) -> Facts {
    told.iter().fold(Facts::default(), Facts::absorb)
}

proptest! {
    #[test]
    fn any_order_and_doubling_ends_in_the_same_facts((told, shuffled) in answers(), wait in 0_i64..100_000) {
        let (one, other) = (known(&told), known(&shuffled));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(Snapshot::derive(&one, at(wait)), Snapshot::derive(&other, at(wait)));
        let stored = serde_json::to_string(&one).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let read: Facts = serde_json::from_str(&stored).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(read, one);
    }

    #[test]
    fn a_replaced_leg_never_decides_while_its_successor_is_known((told, _) in answers(), wait in 0_i64..100_000) {
        let facts = known(&told);
        if let Some(snapshot) = Snapshot::derive(&facts, at(wait)) {
            let leg = &facts.transactions[&snapshot.transaction].fact.leg;
            let replaced = facts.transactions.values().any(|it| it.fact.replaces.as_ref() == Some(leg));
            prop_assert!(!replaced, "{leg} was replaced");
        }
    }
}
