//! What rests, is put off, or is roused, and its place in the line.

use super::{NONE, due, retry, settle, take};
use crate::{
    Claim, Next, Requeue, Rouse,
    contract::{
        Subject, at, by_customer, claim, deliveries::told, delivery, integration, lane, settlement,
    },
};
use domain::{IntegrationId, NotSent};
use jiff::SignedDuration;

/// An endpoint that takes nothing from anybody now says nothing of the delivery: it is recorded, counts for no schedule, and goes first.
pub async fn what_its_endpoint_puts_off_stays_first_and_is_no_retry(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=2 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    let later = Next::Later(NotSent::RejectedByDestination, at(10));
    assert_eq!(settle(&ledger, to, 1, 0, 2, later).await, NONE);
    let leases = ledger
        .claim(claim(lane(to), 5_000, 5_060, 100))
        .await
        .unwrap();
    let first: Vec<_> = leases
        .iter()
        .map(|lease| {
            (
                lease.event.customer_seq,
                lease.attempts,
                lease.round,
                lease.tried_at,
            )
        })
        .collect();
    assert_eq!(
        first,
        [(1, 1, 0, None)],
        "and it is not passed, however late"
    );
    let id = delivery(1, 1, to, 1).id;
    assert_eq!(ledger.attempts(id).await.unwrap().len(), 1, "it was sent");
    assert_eq!(settle(&ledger, to, 1, 1, 5_001, retry(9_000)).await, NONE);
    let order = by_customer(5_400);
    assert_eq!(
        take(
            &ledger,
            Claim {
                order,
                ..claim(lane(to), 9_000, 9_060, 1)
            }
        )
        .await,
        [1]
    );
}

/// Settings are changed and what lacked them is tried again, each in its place: both, or neither.
pub async fn what_lacked_settings_is_tried_again_with_their_commit(ledger: Subject) {
    let (to, reason) = (integration(1), NotSent::MissingCredentials);
    for seq in 1..=3 {
        told(&ledger, 1, seq, &[to], 60).await;
        let id = delivery(1, seq, to, 1).id;
        let settled = settlement(1, id, 0, 2, Next::Failed(reason));
        ledger.settle(settled, at(62)).await.unwrap();
    }
    let again = || {
        vec![Requeue::Failed {
            integration: to,
            reasons: vec![reason],
            ordered: true,
        }]
    };
    let revision = ledger.configuration_revision().await.unwrap();
    let late = ledger.configure_and_requeue(revision + 1, Vec::new(), again(), "me", at(5));
    assert!(!late.await.unwrap(), "it had moved");
    assert_eq!(due(&ledger, to, 5).await, NONE);
    let done = ledger.configure_and_requeue(revision, Vec::new(), again(), "me", at(5));
    assert!(done.await.unwrap());
    assert_eq!(due(&ledger, to, 5).await, [1]);
    assert_eq!(settle(&ledger, to, 1, 1, 6, Next::Delivered).await, [2]);
}

/// Makes due, at a second, what rests of a lane and was last tried in a span of seconds.
fn rouse(to: IntegrationId, second: i64, tried: std::ops::Range<i64>) -> Rouse {
    Rouse {
        lane: lane(to),
        now: at(second),
        limit: 100,
        order: by_customer(second),
        tried_from: at(tried.start),
        tried_before: at(tried.end),
        except: None,
    }
}

/// What rests is made due before its time where it was last tried in a span of time, first what was due first, and nothing out of turn.
pub async fn what_rests_is_roused_by_when_it_was_last_tried_and_in_its_turn(ledger: Subject) {
    let (to, other) = (integration(1), integration(2));
    for number in 1..=3 {
        told(&ledger, number, 1, &[to, other], 60).await;
        told(&ledger, number, 2, &[to], 60).await;
    }
    for (number, second) in [(1, 10), (2, 20), (3, 30)] {
        for (lane, due_at) in [(to, 9_000 - second), (other, 9_000)] {
            let id = delivery(number, 1, lane, 1).id;
            let settled = settlement(number, id, 0, second, retry(due_at));
            ledger.settle(settled, at(second + 60)).await.unwrap();
        }
    }
    let roused = async |rouse| ledger.rouse(rouse).await.unwrap();
    let none = rouse(to, 100, 11..20);
    assert_eq!(roused(none).await, 0, "from then on, and before");
    let customer_1 = delivery(1, 1, to, 1).customer;
    let not_1 = Rouse {
        except: Some(customer_1),
        ..rouse(to, 100, 10..20)
    };
    assert_eq!(roused(not_1).await, 0);
    let one = Rouse {
        limit: 1,
        ..rouse(to, 100, 10..31)
    };
    assert_eq!(roused(one).await, 1);
    let third = delivery(3, 1, to, 1).id;
    let ids = |leases: Vec<crate::Lease>| leases.iter().map(|lease| lease.id).collect::<Vec<_>>();
    let now = claim(lane(to), 100, 160, 100);
    assert_eq!(
        ids(ledger.claim(now).await.unwrap()),
        [third],
        "it was due first"
    );
    assert_eq!(roused(rouse(to, 101, 10..31)).await, 2);
    assert_eq!(roused(rouse(to, 101, 10..31)).await, 0, "they are due");
    let elsewhere = claim(lane(other), 101, 161, 100);
    assert_eq!(ids(ledger.claim(elsewhere).await.unwrap()), []);
    // Tried again, and not accepted: it was last tried then, and nobody passes it.
    let again = settlement(
        3,
        third,
        1,
        102,
        Next::Rest(NotSent::NetworkError, at(9_500)),
    );
    ledger.settle(again, at(162)).await.unwrap();
    assert_eq!(roused(rouse(to, 103, 10..102)).await, 0);
    assert_eq!(roused(rouse(to, 103, 102..103)).await, 1);
    let due = claim(lane(to), 103, 163, 100);
    assert_eq!(
        take(&ledger, due).await,
        [1, 1, 1],
        "the first of each customer"
    );
}

/// One that is tried before its time rests on, in its place, and that was no retry of its own.
pub async fn what_is_tried_before_its_time_rests_on_and_is_no_retry(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=2 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    assert_eq!(settle(&ledger, to, 1, 0, 2, retry(9_000)).await, NONE);
    assert_eq!(ledger.rouse(rouse(to, 50, 0..50)).await.unwrap(), 1);
    assert_eq!(due(&ledger, to, 50).await, [1]);
    let rests = Next::Rest(NotSent::NetworkError, at(9_000));
    assert_eq!(settle(&ledger, to, 1, 1, 51, rests).await, NONE);
    assert_eq!(due(&ledger, to, 601).await, NONE);
    assert_eq!(
        due(&ledger, to, 603).await,
        [2],
        "ten minutes after the first"
    );
    settle(&ledger, to, 2, 0, 604, Next::Delivered).await;
    let leases = ledger
        .claim(claim(lane(to), 9_000, 9_060, 100))
        .await
        .unwrap();
    let rested: Vec<_> = leases
        .iter()
        .map(|lease| (lease.attempts, lease.round, lease.tried_at))
        .collect();
    assert_eq!(rested, [(2, 1, Some(at(2)))]);
}

/// What was scheduled by a clock that was ahead comes as long after now as it was to come after then.
pub async fn a_clock_that_is_set_back_delays_nothing(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=3 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    told(&ledger, 2, 1, &[to], 100_030).await;
    assert_eq!(
        settle(&ledger, to, 1, 0, 100_000, retry(101_000)).await,
        NONE
    );
    let day = SignedDuration::from_secs(100_000);
    assert_eq!(
        ledger.set_back(day, at(0)).await.unwrap(),
        3,
        "not what waits far ahead"
    );
    assert_eq!(due(&ledger, to, 29).await, NONE);
    assert_eq!(
        due(&ledger, to, 30).await,
        [1],
        "of the other customer: a lease"
    );
    let other = settlement(2, delivery(2, 1, to, 1).id, 0, 31, Next::Delivered);
    ledger.settle(other, at(91)).await.unwrap();
    assert_eq!(due(&ledger, to, 600).await, NONE);
    assert_eq!(
        due(&ledger, to, 601).await,
        [2],
        "patience is as long as ever"
    );
    assert_eq!(
        due(&ledger, to, 1_000).await,
        [1],
        "and so is the rest before a retry"
    );
}
