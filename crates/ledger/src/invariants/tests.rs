//! Whatever is broken is found, under its own name and no other.

use super::*;
use crate::{DeliveryState, FAR, LaneId, Turn, contract};
use domain::{DeliveryId, Environment, InboxId, NotSent, event::Cause};
use std::collections::BTreeSet;
use uuid::Uuid;

fn delivery_id(number: u64) -> DeliveryId {
    DeliveryId::new(Uuid::from_u128(u128::from(number) + 100))
}

fn cause() -> InboxId {
    InboxId::new(Uuid::from_u128(1))
}

fn attempt(delivery: u64, number: u32, reason: Option<NotSent>) -> HeldAttempt {
    HeldAttempt {
        delivery: delivery_id(delivery),
        number,
        reason,
    }
}

/// A customer with a purchase and three events; of the deliveries to one endpoint, one was accepted after a retry, one goes, one waits.
fn sound() -> Holding {
    let customer = contract::customer(1);
    let events = [1, 2, 3].map(|seq| {
        let mut event = contract::event(1, seq).event;
        event.cause = Cause {
            inbox: Some(cause()),
            rule: "renewal".into(),
        };
        HeldEvent {
            id: event.id,
            project: event.project,
            key: event.key.clone(),
            kind: event.kind,
            recorded_at: event.recorded_at,
            places: vec![Place::At(seq * 10)],
            event,
        }
    });
    let delivery = |seq: u64, state, turn, attempts, due_at| HeldDelivery {
        id: delivery_id(seq),
        project: contract::project(),
        customer: customer.id,
        event: contract::event(1, seq).event.id,
        lane: LaneId {
            integration: contract::integration(1),
            endpoint: Environment::Production,
        },
        position: seq,
        state,
        turn,
        attempts,
        round: attempts,
        due_at,
        tried_at: (attempts > 0).then(|| contract::at(1)),
        reason: None,
    };
    let chain = HeldChain {
        app: contract::app(),
        environment: Environment::Production,
        id: "1000".into(),
    };
    Holding {
        project: contract::project(),
        seq: 3,
        merged_into: None,
        names: BTreeSet::from([customer.app_user_id.clone()]),
        events: events.to_vec(),
        causes: BTreeSet::from([cause()]),
        deliveries: vec![
            delivery(1, DeliveryState::Delivered, Turn::Goes, 2, contract::at(2)),
            delivery(2, DeliveryState::Pending, Turn::Goes, 0, contract::at(60)),
            delivery(3, DeliveryState::Pending, Turn::Waits, 0, FAR),
        ],
        attempts: vec![
            attempt(1, 1, Some(NotSent::NetworkError)),
            attempt(1, 2, None),
        ],
        purchases: vec![HeldPurchase {
            chain: chain.clone(),
            project: contract::project(),
            leads_to: vec![customer.id, customer.id],
        }],
        transactions: vec![HeldTransaction {
            chain,
            id: "1000".into(),
        }],
        customer,
    }
}

#[test]
fn what_is_sound_is_not_complained_of() {
    assert_eq!(broken(&sound(), contract::at(10)), []);
}

#[test]
fn whatever_is_broken_is_found_under_its_name() {
    use Invariant::*;
    type Harm = fn(&mut Holding);
    let cases: &[(&str, Harm, &[Invariant])] = &[
        (
            "an event is gone",
            |held| held.events.retain(|event| event.event.customer_seq > 1),
            &[Numbered, Numbered, Numbered, DeliveriesBelong],
        ),
        (
            "a number is told twice",
            |held| held.events[2].event.customer_seq = 2,
            &[Numbered],
        ),
        (
            "the customer does not know of it",
            |held| held.seq = 2,
            &[Numbered],
        ),
        (
            "a key is told twice",
            |held| {
                held.events[1].key = held.events[0].key.clone();
                held.events[1].event.key = held.events[0].key.clone();
            },
            &[ToldOnce],
        ),
        (
            "a row has another key",
            |held| held.events[1].key = "other".into(),
            &[EventsAgree],
        ),
        (
            "a row has another time",
            |held| held.events[1].recorded_at = contract::at(900),
            &[EventsAgree],
        ),
        (
            "an event is of another",
            |held| held.events[1].event.customer = contract::customer(2),
            &[EventsAgree],
        ),
        (
            "an event is not in the feed",
            |held| held.events[1].places.clear(),
            &[FeedInOrder],
        ),
        (
            "an event is in the feed twice",
            |held| held.events[1].places.push(Place::At(21)),
            &[FeedInOrder],
        ),
        (
            "the feed is shuffled",
            |held| held.events[1].places = vec![Place::At(40)],
            &[FeedInOrder],
        ),
        (
            "a later one has its place first",
            |held| held.events[1].places = vec![Place::Next],
            &[FeedInOrder],
        ),
        (
            "the message is gone",
            |held| held.causes.clear(),
            &[CausesAreKept, CausesAreKept, CausesAreKept],
        ),
        (
            "a delivery is under another",
            |held| held.deliveries[1].customer = contract::customer(2).id,
            &[DeliveriesBelong],
        ),
        (
            "delivered with a reason",
            |held| held.deliveries[0].reason = Some(NotSent::NetworkError),
            &[NoFourthPlace],
        ),
        (
            "delivered without an attempt",
            |held| {
                held.attempts.clear();
                held.deliveries[0].attempts = 0;
                held.deliveries[0].round = 0;
            },
            &[NoFourthPlace],
        ),
        (
            "failed without a reason",
            |held| held.deliveries[1].state = DeliveryState::Failed,
            &[NoFourthPlace, LinesMove],
        ),
        (
            "an attempt is counted twice",
            |held| held.attempts.push(attempt(1, 2, None)),
            &[AttemptsAreCounted],
        ),
        (
            "an attempt too many",
            |held| held.attempts.push(attempt(1, 3, None)),
            &[AttemptsAreCounted],
        ),
        (
            "a round of more attempts than there were",
            |held| held.deliveries[0].round = 3,
            &[AttemptsAreCounted],
        ),
        (
            "delivered by an attempt that failed",
            |held| held.attempts[1].reason = Some(NotSent::NetworkError),
            &[DeliveredWasAccepted],
        ),
        (
            "retried since nobody knows when",
            |held| {
                held.deliveries[1].attempts = 1;
                held.deliveries[1].round = 1;
                held.deliveries[1].tried_at = None;
            },
            &[PatienceEnds],
        ),
        (
            "waits for nothing",
            |held| {
                held.deliveries
                    .retain(|delivery| delivery.turn != Turn::Goes || delivery.attempts > 0);
            },
            &[LinesMove],
        ),
        (
            "two of a line are under way",
            |held| {
                let mut other = held.deliveries[1].clone();
                other.id = delivery_id(9);
                other.position = 9;
                held.deliveries.push(other);
            },
            &[OneAtATime],
        ),
        (
            "a purchase is found by no id",
            |held| held.purchases[0].leads_to.clear(),
            &[PurchasesAreFound],
        ),
        (
            "an id leads elsewhere",
            |held| held.purchases[0].leads_to[1] = contract::customer(2).id,
            &[PurchasesAreFound],
        ),
        (
            "a transaction of nothing",
            |held| held.purchases.clear(),
            &[TransactionsBelong],
        ),
        (
            "a name leads nowhere",
            |held| held.names.clear(),
            &[NamesLeadHome],
        ),
        (
            "a name too many",
            |held| held.names.extend(["other".into()]),
            &[NamesLeadHome],
        ),
        (
            "merged, with purchases",
            |held| held.merged_into = Some(contract::customer(2).id),
            &[MergedIsEmpty],
        ),
    ];
    let mut named = BTreeSet::new();
    for (what, harm, expected) in cases {
        let mut held = sound();
        harm(&mut held);
        let found: Vec<Invariant> = broken(&held, contract::at(10))
            .iter()
            .map(|finding| finding.invariant)
            .collect();
        assert_eq!(found, *expected, "{what}");
        named.extend(found);
    }
    // The others are of all customers together: each backend's own tests break them.
    let of_all = [Readable, NothingDangles, MessagesHaveAnOutcome, HoursAddUp];
    let all: BTreeSet<Invariant> = Invariant::ALL.iter().copied().collect();
    named.extend(of_all);
    assert_eq!(named, all);
}

#[test]
fn names_are_of_one_word_and_say_something() {
    let mut names = BTreeSet::new();
    for invariant in Invariant::ALL {
        assert!(names.insert(invariant.name()));
        assert!(invariant.says().ends_with('.'), "{}", invariant.says());
    }
}

#[test]
fn the_documented_list_is_the_list() {
    let document = include_str!("../../../../docs/reliability.md");
    let (_, list) = document.split_once("## What always holds").unwrap();
    let (list, _) = list.split_once("\n## ").unwrap();
    let documented = list.lines().filter_map(|line| {
        let (name, says) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((name, says.trim_end_matches(" |")))
    });
    let listed = Invariant::ALL.iter().map(|one| (one.name(), one.says()));
    assert_eq!(documented.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
}
