//! A purchase of several lines: each has events, an end, a refund and access of its own, and their order never matters.
//!
//! What is expected follows from how stores sell several products in one: Google, "Subscriptions with add-ons" (each item has its own
//! expiry and grants its own product, one order pays for all); Stripe, "Subscription items" (no order of items is promised).
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{
    ChainKey, Currency, Environment,
    EventKind::{self, *},
    Facts, Money, Observation, Snapshot, Store,
    access::access,
    change::{Change, State, changes},
    fact::{RefundFact, RenewalFact, Status, TransactionFact, TransactionKind, TransactionReason},
    snapshot::Standing,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
}

fn cents(cents: i64) -> Money {
    Money::new(cents * 10_000, Currency::USD)
}

fn chain() -> ChainKey {
    ChainKey {
        store: Store::PlayStore,
        environment: Environment::Production,
        id: "token".into(),
    }
}

/// One line of the order that begins on `day`, as an answer of day `version` shows it.
fn line(
    order: &str,
    name: &str,
    price: i64,
    (day, days): (i64, i64),
    version: i64,
) -> TransactionFact {
    let product = if name.is_empty() { "base" } else { name };
    TransactionFact {
        line: name.into(),
        leg: "token".into(),
        expires_at: Some(at(day + days)),
        price: Some(cents(price)),
        reason: Some(if order.contains("..") {
            TransactionReason::Renewal
        } else {
            TransactionReason::Purchase
        }),
        begins_chain: !order.contains(".."),
        ..TransactionFact::new(
            order,
            TransactionKind::Subscription,
            product,
            at(day),
            at(version),
        )
    }
}

fn renewal(name: &str, renews: bool, version: i64) -> RenewalFact {
    RenewalFact {
        line: name.into(),
        leg: "token".into(),
        auto_renew: Some(renews),
        status: Some(Status::Active),
        ..RenewalFact::new(at(version))
    }
}

/// A base for 9.99 and an add-on for 4.99, bought in one order of day 0.
fn bought() -> Observation {
    Observation {
        transactions: vec![
            line("GPA.1", "", 999, (0, 30), 0),
            line("GPA.1", "hd", 499, (0, 30), 0),
        ],
        renewals: vec![renewal("", true, 0), renewal("hd", true, 0)],
        ..Observation::of(chain())
    }
}

/// The renewal of day 30, of the base alone: the add-on was taken off.
fn renewed_without_the_addon() -> Observation {
    Observation {
        transactions: vec![
            line("GPA.1", "", 999, (0, 30), 30),
            line("GPA.1", "hd", 499, (0, 30), 30),
            line("GPA.1..0", "", 999, (30, 30), 30),
        ],
        renewals: vec![renewal("", true, 30)],
        ..Observation::of(chain())
    }
}

#[derive(Default)]
struct Told {
    known: Option<(Facts, Snapshot)>,
}

impl Told {
    fn see(&mut self, seen: &Observation, now: i64) -> Vec<Change> {
        let known = self.known.as_ref();
        let facts = known.map_or_else(Facts::default, |(facts, _)| facts.clone());
        let facts = facts.absorb(seen);
        let snapshot = Snapshot::derive(&facts, at(now)).unwrap();
        let before = known.map(|(facts, snapshot)| State { facts, snapshot });
        let after = State {
            facts: &facts,
            snapshot: &snapshot,
        };
        let window = SignedDuration::from_hours(24);
        let told = changes(&chain(), before, after, at(now), window);
        self.known = Some((facts, snapshot));
        told
    }

    fn snapshot(&self) -> &Snapshot {
        &self.known.as_ref().unwrap().1
    }
}

/// Kind, product, key, and whether the base line tells the same.
fn shown(told: &[Change]) -> Vec<(EventKind, &str, &str, bool)> {
    told.iter()
        .map(|change| {
            (
                change.kind,
                &*change.product,
                &*change.key,
                change.joins_base,
            )
        })
        .collect()
}

fn active_products(snapshot: &Snapshot) -> Vec<String> {
    let unlocks = BTreeMap::from([
        ("base".to_owned(), vec!["premium".to_owned()]),
        ("hd".to_owned(), vec!["hd".to_owned()]),
    ]);
    let levels = access([(&chain(), snapshot)], &unlocks);
    levels
        .into_values()
        .filter(|level| level.is_active)
        .map(|level| level.id)
        .collect()
}

#[test]
fn each_line_is_told_and_the_base_first() {
    let mut told = Told::default();
    assert_eq!(
        shown(&told.see(&bought(), 0)),
        [
            (SubscriptionStarted, "base", "charged:GPA.1", false),
            (SubscriptionStarted, "hd", "charged:GPA.1#hd", true),
        ]
    );
    assert_eq!(active_products(told.snapshot()), ["hd", "premium"]);
}

#[test]
fn a_line_taken_off_at_the_renewal_ends_alone() {
    let mut told = Told::default();
    told.see(&bought(), 0);
    assert_eq!(
        shown(&told.see(&renewed_without_the_addon(), 30)),
        [
            (SubscriptionRenewed, "base", "charged:GPA.1..0", false),
            (SubscriptionExpired, "hd", "expired:token:GPA.1#hd", false),
        ]
    );
    assert_eq!(active_products(told.snapshot()), ["premium"]);
    let gone = told.snapshot().line("hd").unwrap();
    assert!(matches!(gone.standing, Standing::Expired { at: end, .. } if end == at(30)));
    assert!(told.see(&renewed_without_the_addon(), 31).is_empty());
}

#[test]
fn a_line_added_later_starts_then_and_its_base_goes_on() {
    let mut told = Told::default();
    let mut alone = bought();
    alone.transactions.truncate(1);
    alone.renewals.truncate(1);
    told.see(&alone, 0);
    let added = Observation {
        transactions: vec![
            line("GPA.1", "", 999, (0, 30), 10),
            line("GPA.2", "hd", 333, (10, 20), 10),
        ],
        renewals: vec![renewal("", true, 10), renewal("hd", true, 10)],
        ..Observation::of(chain())
    };
    assert_eq!(
        shown(&told.see(&added, 15)),
        [(SubscriptionStarted, "hd", "charged:GPA.2#hd", false)]
    );
    assert_eq!(told.snapshot().product, "base");
}

#[test]
fn renewal_is_switched_off_line_by_line() {
    let mut told = Told::default();
    told.see(&bought(), 0);
    let mut seen = bought();
    for fact in &mut seen.transactions {
        fact.version = at(5);
    }
    seen.renewals = vec![renewal("", true, 5), renewal("hd", false, 5)];
    let kinds = told.see(&seen, 5);
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    assert_eq!(
        (kinds[0].kind, &*kinds[0].product, kinds[0].joins_base),
        (SubscriptionRenewalCancelled, "hd", false)
    );
}

#[test]
fn a_refund_of_the_whole_charge_is_told_of_each_line_by_its_share() {
    let mut told = Told::default();
    told.see(&bought(), 0);
    let mut seen = bought();
    seen.refunds = vec![RefundFact {
        version: at(3),
        id: "r1".into(),
        transaction: "GPA.1".into(),
        line: None,
        at: at(3),
        amount: Some(cents(1498)),
        pieces_left: None,
        pieces: None,
        revokes: true,
        is_undone: false,
    }];
    let found = told.see(&seen, 3);
    let found: Vec<_> = found
        .iter()
        .map(|change| {
            (
                change.kind,
                &*change.key,
                change.refunded,
                change.joins_base,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                SubscriptionRefunded,
                "refunded:GPA.1:r1",
                Some(cents(999)),
                false
            ),
            (
                SubscriptionRefunded,
                "refunded:GPA.1#hd:r1",
                Some(cents(499)),
                true
            ),
        ]
    );
    assert!(active_products(told.snapshot()).is_empty());
}

#[test]
fn a_refund_of_one_line_takes_that_line_away() {
    let mut told = Told::default();
    told.see(&bought(), 0);
    let mut seen = bought();
    seen.refunds = vec![RefundFact {
        version: at(3),
        id: "r1".into(),
        transaction: "GPA.1".into(),
        line: Some("hd".into()),
        at: at(3),
        amount: Some(cents(499)),
        pieces_left: None,
        pieces: None,
        revokes: true,
        is_undone: false,
    }];
    let found = told.see(&seen, 3);
    assert_eq!(
        shown(&found),
        [(SubscriptionRefunded, "hd", "refunded:GPA.1#hd:r1", false)]
    );
    assert_eq!(active_products(told.snapshot()), ["premium"]);
}

/// An answer in which the whole past is out of reach may call the lines otherwise.
#[test]
fn lines_keep_the_names_they_are_known_by() {
    let mut told = Told::default();
    told.see(&bought(), 0);
    let renamed = |fact: &TransactionFact| TransactionFact {
        line: if fact.line.is_empty() {
            "base".into()
        } else {
            String::new()
        },
        ..fact.clone()
    };
    let mut seen = bought();
    seen.transactions = seen.transactions.iter().map(renamed).collect();
    seen.renewals = vec![renewal("", true, 0), renewal("base", true, 0)];
    assert!(told.see(&seen, 1).is_empty());
    // The add-on alone, without a name.
    let mut alone = seen.clone();
    alone.transactions.retain(|fact| fact.line.is_empty());
    alone.renewals.truncate(1);
    assert!(told.see(&alone, 1).is_empty());
    assert_eq!(told.known.as_ref().unwrap().0.lines().len(), 2);
}

/// One charge that two legs show is one, and stays with the leg that took over; what it paid for runs on.
#[test]
fn a_charge_shown_by_two_legs_is_one_in_every_order() {
    let mut replaced = bought();
    replaced.transactions = vec![TransactionFact {
        expires_at: Some(at(10)),
        end_is_provisional: true,
        ..line("GPA.1", "", 999, (0, 30), 11)
    }];
    replaced.renewals = vec![RenewalFact {
        status: Some(Status::Replaced),
        ended_at: Some(at(10)),
        ..renewal("", false, 11)
    }];
    let mut second = bought();
    second.transactions = vec![TransactionFact {
        leg: "second".into(),
        replaces: Some("token".into()),
        begins_chain: false,
        ..line("GPA.1", "", 999, (0, 30), 10)
    }];
    second.renewals = vec![RenewalFact {
        leg: "second".into(),
        next_product: Some("silver".into()),
        ..renewal("", true, 10)
    }];
    let mut first = bought();
    first.transactions.truncate(1);
    first.renewals.truncate(1);
    let told_in = |order: [&Observation; 3]| {
        let mut told = Told::default();
        let kinds: Vec<_> = order
            .into_iter()
            .flat_map(|seen| told.see(seen, 12))
            .map(|change| (change.kind, change.scheduled))
            .collect();
        (kinds, told.snapshot().clone())
    };
    let (kinds, snapshot) = told_in([&first, &second, &replaced]);
    // First heard of after twelve days, the purchase itself is history; the change is not.
    assert_eq!(
        kinds,
        [(SubscriptionStarted, false), (ProductChanged, true)]
    );
    assert_eq!(snapshot.expires_at, Some(at(30)));
    assert!(snapshot.will_renew);
    for order in [
        [&first, &replaced, &second],
        [&second, &first, &replaced],
        [&second, &replaced, &first],
        [&replaced, &first, &second],
        [&replaced, &second, &first],
    ] {
        assert_eq!(told_in(order).1, snapshot, "{order:?}");
    }
}

proptest! {
    /// Any order of messages, and of lines within one, ends in the same facts; and every charge is told once.
    #[test]
    fn the_order_of_lines_and_messages_never_matters(
        messages in Just(vec![bought(), renewed_without_the_addon(), bought()]).prop_shuffle(),
        backwards in any::<[bool; 3]>(),
    ) {
        let messages: Vec<_> = messages
            .into_iter()
            .zip(backwards)
            .map(|(mut seen, backwards)| {
                if backwards {
                    seen.transactions.reverse();
                    seen.renewals.reverse();
                }
                seen
            })
            .collect();
        let facts = messages.iter().fold(Facts::default(), Facts::absorb);
        let expected = [bought(), renewed_without_the_addon()];
        let expected = expected.iter().fold(Facts::default(), Facts::absorb);
        prop_assert_eq!(&facts, &expected);
        let snapshot = Snapshot::derive(&facts, at(31)).unwrap();
        prop_assert_eq!(active_products(&snapshot), ["premium"]);
        prop_assert_eq!(snapshot.lines().count(), 2);
    }
}
