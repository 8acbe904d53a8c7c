//! What holds for every purchase history, over generated ones.
//!
//! `PROPTEST_CASES` sets how many; `cargo xtask test --long` uses 10,000 per property.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod history;

use domain::{
    Change, Environment, EventKind, Observation, Snapshot, Store,
    access::{self, Unlocks},
    fact::{Facts, Ownership, PriceIncrease},
    reason::ExpirationIntent,
    snapshot::Standing,
};
use history::{AppStore, DAY, Tracker, at};
use jiff::SignedDuration;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// So long that no purchase of a generated history counts as an import.
const ALWAYS: SignedDuration = SignedDuration::from_hours(24 * 365 * 50);

fn step(store: &mut AppStore, choice: u8, pause: i64) -> Option<Observation> {
    store.wait(pause);
    let ended = matches!(
        store.renewal.status,
        Some(domain::fact::Status::Expired | domain::fact::Status::Revoked)
    );
    let unpaid = matches!(
        store.renewal.status,
        Some(domain::fact::Status::Grace | domain::fact::Status::Retry)
    );
    Some(match choice {
        0 | 1 if !ended && !unpaid && store.renewal.auto_renew == Some(true) => store.renew(),
        2 if !ended => store.set_auto_renew(false),
        3 if !ended => store.set_auto_renew(true),
        4 if !ended && !unpaid => store.fail_with_grace(),
        5 if !ended => store.retry(),
        6 if unpaid => store.recover(),
        7 if !ended => store.expire(ExpirationIntent::BillingError),
        8 if ended => store.resubscribe("monthly"),
        9 if ended => store.resubscribe("yearly"),
        10 if !ended && !unpaid && store.now < store.end() - 1 => store.upgrade("yearly"),
        11 if !ended && !unpaid => store.schedule("weekly"),
        12 if !ended => store.refund(),
        13 if !store.past.is_empty() => store.refund_earlier(store.past.len() - 1),
        14 if store.transaction.revocation.is_some() => store.reverse_refund(),
        15 if !ended && !unpaid => store.extend(),
        16 if !ended => store.price_increase(PriceIncrease::Pending),
        _ => return None,
    })
}

/// A history as the store tells it, in order, beginning with the purchase.
fn histories() -> impl Strategy<Value = Vec<Observation>> {
    (
        any::<bool>(),
        prop::collection::vec((0_u8..17, 1_i64..20 * DAY), 1..14),
    )
        .prop_map(|(free, steps)| {
            let mut store = AppStore::purchase(free);
            let mut told = vec![store.tell()];
            told.extend(
                steps
                    .into_iter()
                    .filter_map(|(choice, pause)| step(&mut store, choice, pause)),
            );
            told
        })
}

/// A history and a shuffling, with doubles, of everything after the purchase.
fn shuffled() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
    histories().prop_flat_map(|told| {
        let doubled: Vec<_> = told[1..].iter().chain(&told[1..]).cloned().collect();
        let first = told[0].clone();
        (
            Just(told),
            Just(doubled).prop_shuffle().prop_map(move |mut rest| {
                rest.insert(0, first.clone());
                rest
            }),
        )
    })
}

fn version(observation: &Observation) -> jiff::Timestamp {
    observation
        .renewals
        .first()
        .map_or(observation.transactions[0].version, |renewal| {
            renewal.version
        })
}

/// Sees each message when it was signed.
fn in_time(told: &[Observation]) -> Tracker {
    let mut tracker = Tracker::default();
    for observation in told {
        tracker.see_within(observation, version(observation), ALWAYS);
    }
    tracker
}

/// Sees all messages at the end, in the given order.
fn at_once(told: &[Observation]) -> Tracker {
    let now = told.iter().map(version).max().unwrap();
    let mut tracker = Tracker::default();
    for observation in told {
        tracker.see_within(observation, now, ALWAYS);
    }
    tracker
}

/// Events that come from transactions and refunds, which no order of arrival may change. The `upgraded` refund is not among
/// them: it says that one transaction took over from another, and one that was bought between the two may arrive last.
fn transaction_events(changes: &[Change]) -> BTreeMap<&str, EventKind> {
    let from_transactions = ["charged:", "refunded:", "refund_reversed:"];
    changes
        .iter()
        .filter(|change| {
            from_transactions
                .iter()
                .any(|prefix| change.key.starts_with(prefix))
        })
        .map(|change| (change.key.as_str(), change.kind))
        .collect()
}

proptest! {
    #[test]
    fn any_order_and_doubling_ends_in_the_same_state((told, shuffled) in shuffled()) {
        let (one, other) = (in_time(&told), at_once(&shuffled));
        prop_assert_eq!(&one.facts, &other.facts);
        let now = told.iter().map(version).max().unwrap();
        prop_assert_eq!(Snapshot::derive(one.facts.as_ref().unwrap(), now), other.snapshot);
    }

    #[test]
    fn transaction_events_do_not_depend_on_order((_, shuffled) in shuffled()) {
        let mut sorted = shuffled.clone();
        sorted.sort_by_key(version);
        let (one, other) = (at_once(&sorted), at_once(&shuffled));
        let (one, other) = (transaction_events(&one.told), transaction_events(&other.told));
        prop_assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    }

    #[test]
    fn an_event_has_one_id_in_every_order_of_arrival((told, shuffled) in shuffled()) {
        let dated: BTreeMap<_, _> = in_time(&told).told.into_iter().map(|change| (change.key, change.dated)).collect();
        for change in at_once(&shuffled).told {
            prop_assert_eq!(*dated.get(&change.key).unwrap_or(&change.dated), change.dated, "{}", change.key);
        }
    }

    #[test]
    fn equal_states_give_nothing(told in histories()) {
        let mut tracker = in_time(&told);
        let now = told.iter().map(version).max().unwrap();
        for observation in &told {
            prop_assert_eq!(tracker.see_within(observation, now, ALWAYS), []);
        }
    }

    #[test]
    fn no_two_events_share_a_key_even_without_the_ledger((_, shuffled) in shuffled()) {
        let now = shuffled.iter().map(version).max().unwrap();
        let mut tracker = Tracker::default();
        for observation in &shuffled {
            let told = tracker.told.len();
            tracker.see_within(observation, now, ALWAYS);
            for (index, change) in tracker.told[told..].iter().enumerate() {
                prop_assert!(tracker.told[..told + index].iter().all(|earlier| earlier.key != change.key));
            }
        }
    }

    #[test]
    fn a_period_is_not_both_refunded_and_then_expired(told in histories()) {
        let tracker = in_time(&told);
        let mut closed = Vec::new();
        for change in &tracker.told {
            if change.kind == EventKind::SubscriptionRefunded && change.key.starts_with("refunded:") {
                closed.push(&change.transaction);
            }
            if change.kind == EventKind::RefundReversed {
                closed.retain(|transaction| **transaction != change.transaction);
            }
            if matches!(change.kind, EventKind::SubscriptionExpired | EventKind::TrialExpired) && change.rule == "expired.confirmed" {
                prop_assert!(!closed.contains(&&change.transaction));
            }
        }
    }

    #[test]
    fn a_billing_issue_is_told_at_most_once_between_two_charges((_, shuffled) in shuffled()) {
        let tracker = at_once(&shuffled);
        let issues: Vec<_> = tracker.told.iter().filter(|change| change.kind == EventKind::BillingIssueDetected).map(|change| &change.transaction).collect();
        let mut unique = issues.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), issues.len());
    }

    #[test]
    fn a_trial_converts_at_most_once_and_never_before_it_began((_, shuffled) in shuffled()) {
        let tracker = at_once(&shuffled);
        let times = |kind| tracker.told.iter().filter(move |change| change.kind == kind).map(|change| change.occurred_at).collect::<Vec<_>>();
        let (started, converted) = (times(EventKind::TrialStarted), times(EventKind::TrialConverted));
        prop_assert!(started.len() <= 1);
        for at in converted {
            prop_assert!(started.iter().all(|start| *start <= at) && !started.is_empty());
        }
    }

    #[test]
    fn at_most_one_conversion_per_chain_in_order(told in histories()) {
        let tracker = in_time(&told);
        prop_assert!(tracker.told.iter().filter(|change| change.kind == EventKind::TrialConverted).count() <= 1);
    }

    #[test]
    fn cancelled_and_reactivated_alternate_within_a_period((_, shuffled) in shuffled()) {
        let tracker = at_once(&shuffled);
        let mut last: BTreeMap<&str, bool> = BTreeMap::new();
        for change in &tracker.told {
            let off = change.rule == "renewal.switched_off";
            if off || change.rule == "renewal.switched_on" {
                prop_assert_ne!(last.insert(&change.transaction, off), Some(off));
            }
        }
    }

    #[test]
    fn access_means_current_or_grace_or_unconfirmed(told in histories()) {
        let tracker = in_time(&told);
        let snapshot = tracker.snapshot.unwrap();
        prop_assert_eq!(snapshot.gives_access(), matches!(snapshot.standing, Standing::Current | Standing::Grace { .. } | Standing::Lapsed));
        let unlocks = Unlocks::from([("monthly".into(), vec!["premium".into()])]);
        let chain = &told[0].chain;
        for level in access::access([(chain, &snapshot)], &unlocks).values() {
            prop_assert_eq!(level.is_active, snapshot.gives_access());
        }
    }

    #[test]
    fn family_shared_chains_tell_nothing(told in histories()) {
        let shared: Vec<_> = told.into_iter().map(|mut observation| {
            for transaction in &mut observation.transactions { transaction.ownership = Ownership::FamilyShared; }
            observation
        }).collect();
        prop_assert_eq!(in_time(&shared).told, []);
    }

    #[test]
    fn facts_survive_storage(told in histories()) {
        let facts = in_time(&told).facts.unwrap();
        let stored = serde_json::to_string(&facts).unwrap();
        prop_assert_eq!(serde_json::from_str::<Facts>(&stored).unwrap(), facts);
    }

    #[test]
    fn the_next_check_lies_ahead_and_the_checks_come_to_an_end(told in histories(), wait in 0_i64..90 * DAY) {
        let mut tracker = in_time(&told);
        let mut now = told.iter().map(version).max().unwrap().checked_add(SignedDuration::from_secs(wait)).unwrap();
        tracker.tick(now);
        // An unpaid purchase is looked at daily, for as long as a store tries to charge.
        for _ in 0..80 {
            let Some(next) = tracker.next_check(now) else { return Ok(()) };
            prop_assert!(next > now);
            now = next;
            tracker.tick(now);
        }
        prop_assert!(tracker.next_check(now).is_none());
    }
}

#[test]
fn sandbox_and_production_chains_have_different_keys() {
    let mut store = AppStore::purchase(false);
    let mut sandbox = store.tell().chain;
    sandbox.environment = Environment::Sandbox;
    assert_ne!(sandbox, store.tell().chain);
    assert_eq!(Store::from_id(Store::AppStore.id()), Some(Store::AppStore));
    assert_eq!(at(0), at(0));
}
