//! Promises about order: one customer's deliveries leave one after the other, whatever held them up.

use super::{
    Subject, at, by_customer, claim, commit, deliveries::told, delivery, integration, lane,
    settlement,
};
use crate::{Claim, LaneId, Next, Order, Requeue, Rouse};
use domain::{DeliveryId, Environment, IntegrationId, NotSent};
use jiff::SignedDuration;

/// No sequence number.
const NONE: [u64; 0] = [];

async fn take(ledger: &Subject, claim: Claim) -> Vec<u64> {
    let leases = ledger.claim(claim).await.unwrap();
    leases
        .iter()
        .map(|lease| lease.event.customer_seq)
        .collect()
}

/// Sequence numbers of what is due and has its turn, leased for a minute.
async fn due(ledger: &Subject, to: IntegrationId, second: i64) -> Vec<u64> {
    take(ledger, claim(lane(to), second, second + 60, 100)).await
}

/// Settles customer 1's delivery `seq`; answers what that released.
async fn settle(
    ledger: &Subject,
    to: IntegrationId,
    seq: u64,
    attempts: u32,
    second: i64,
    next: Next,
) -> Vec<u64> {
    let id = delivery(1, seq, to, 1).id;
    let settled = settlement(1, id, attempts, second, next);
    let settled = ledger.settle(settled, at(second + 60)).await.unwrap();
    assert!(settled.recorded, "{seq}");
    settled
        .released
        .iter()
        .map(|lease| lease.event.customer_seq)
        .collect()
}

fn retry(second: i64) -> Next {
    Next::Retry(NotSent::NetworkError, at(second))
}

/// Ten minutes after the first attempt at a delivery, and while it rests, the next of its customer goes, and those after it.
pub async fn nobody_waits_for_ever_behind_one_that_is_never_accepted(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=3 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    assert_eq!(settle(&ledger, to, 1, 0, 100, retry(400)).await, NONE);
    assert_eq!(due(&ledger, to, 399).await, NONE);
    assert_eq!(due(&ledger, to, 400).await, [1]);
    assert_eq!(settle(&ledger, to, 1, 1, 401, retry(5_000)).await, NONE);
    assert_eq!(due(&ledger, to, 699).await, NONE);
    assert_eq!(
        due(&ledger, to, 701).await,
        [2],
        "ten minutes after second 100"
    );
    assert_eq!(due(&ledger, to, 702).await, NONE, "one at a time");
    assert_eq!(settle(&ledger, to, 2, 0, 703, Next::Delivered).await, [3]);
    told(&ledger, 1, 4, &[to], 800).await;
    assert_eq!(settle(&ledger, to, 3, 0, 704, Next::Delivered).await, [4]);
    assert_eq!(settle(&ledger, to, 4, 0, 705, Next::Delivered).await, NONE);
    // What comes later need not wait once more.
    told(&ledger, 1, 5, &[to], 800).await;
    assert_eq!(due(&ledger, to, 706).await, [5]);
    assert_eq!(
        due(&ledger, to, 5_000).await,
        [1],
        "where both are due, in order"
    );
}

/// A delivery that nobody tried is waited for, however long ago it was accepted; and so is one that was, where the lane was held since.
pub async fn patience_counts_no_time_in_which_nothing_could_go(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=3 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    assert_eq!(due(&ledger, to, 90_000).await, [1], "a day later");
    assert_eq!(
        settle(&ledger, to, 1, 0, 90_001, retry(100_000)).await,
        NONE
    );
    let held = Claim {
        order: Order::Customer {
            tried_before: at(0),
        },
        ..claim(lane(to), 95_000, 95_060, 100)
    };
    assert_eq!(
        take(&ledger, held).await,
        NONE,
        "it was held, and goes on now"
    );
    assert_eq!(due(&ledger, to, 95_001).await, [2], "it went all the time");
    assert_eq!(
        settle(&ledger, to, 2, 0, 95_002, Next::Delivered).await,
        [3]
    );
}

/// Leases that ran out, retries and resends that are due at the same time leave in the order of their events.
pub async fn a_line_is_kept_whatever_made_it_due_at_once(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=4 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    settle(&ledger, to, 1, 0, 2, Next::Delivered).await;
    settle(&ledger, to, 2, 0, 3, retry(50)).await;
    // By hand, while another of its line rests.
    let again = Requeue::One(super::project(), delivery(1, 1, to, 1).id);
    assert_eq!(ledger.requeue(again.clone(), at(10)).await.unwrap(), 1);
    assert_eq!(due(&ledger, to, 90_000).await, [1]);
    assert_eq!(
        due(&ledger, to, 90_001).await,
        NONE,
        "the others wait for it"
    );
    assert_eq!(
        settle(&ledger, to, 1, 1, 90_002, Next::Delivered).await,
        [2]
    );
    // And while another is under way.
    assert_eq!(ledger.requeue(again, at(90_003)).await.unwrap(), 1);
    assert_eq!(due(&ledger, to, 90_003).await, NONE);
    assert_eq!(
        settle(&ledger, to, 2, 1, 90_004, Next::Delivered).await,
        [1]
    );
    assert_eq!(
        settle(&ledger, to, 1, 2, 90_005, Next::Delivered).await,
        [3]
    );
    assert_eq!(
        settle(&ledger, to, 3, 0, 90_006, Next::Delivered).await,
        [4]
    );
}

/// Many at once, of several customers, in an order of their own: each customer's leave as they happened, before what came later.
pub async fn what_is_tried_again_by_hand_has_its_place_in_line(ledger: Subject) {
    let to = integration(1);
    let reason = NotSent::MissingCredentials;
    for number in 1..=2 {
        for seq in 1..=3 {
            told(&ledger, number, seq, &[to], 60).await;
            let id = delivery(number, seq, to, 1).id;
            let settled = settlement(number, id, 0, 2, Next::Failed(reason));
            ledger.settle(settled, at(62)).await.unwrap();
        }
    }
    told(&ledger, 1, 4, &[to], 5).await;
    let failed = |ordered| Requeue::Failed {
        integration: to,
        reasons: vec![reason],
        ordered,
    };
    assert_eq!(ledger.requeue(failed(true), at(5)).await.unwrap(), 6);
    assert_eq!(due(&ledger, to, 5).await, [1, 1], "one of each customer");
    for seq in 1..=2 {
        assert_eq!(
            settle(&ledger, to, seq, 1, 6, Next::Delivered).await,
            [seq + 1]
        );
    }
    let failing = Next::Failed(reason);
    assert_eq!(settle(&ledger, to, 3, 1, 7, failing).await, [4]);
}

/// Behind one that rests, what is tried again by hand goes once that is passed, not when it is tried the next time.
pub async fn what_is_tried_again_by_hand_waits_no_longer_than_others(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=2 {
        told(&ledger, 1, seq, &[to], 60).await;
    }
    assert_eq!(settle(&ledger, to, 1, 0, 100, retry(9_000)).await, NONE);
    assert_eq!(due(&ledger, to, 701).await, [2]);
    let reason = NotSent::MissingCredentials;
    assert_eq!(
        settle(&ledger, to, 2, 0, 702, Next::Failed(reason)).await,
        NONE
    );
    let failed = Requeue::Failed {
        integration: to,
        reasons: vec![reason],
        ordered: true,
    };
    assert_eq!(ledger.requeue(failed, at(703)).await.unwrap(), 1);
    assert_eq!(due(&ledger, to, 704).await, [2]);
}

/// Where order does not matter, everything that is due goes.
pub async fn without_order_nothing_waits(ledger: Subject) {
    let to = integration(1);
    for seq in 1..=3 {
        let mut write = commit(1, (seq > 1).then_some(seq - 1), seq);
        let mut loose = delivery(1, seq, to, 5);
        loose.ordered = false;
        write.deliveries = vec![loose];
        ledger.commit(write).await.unwrap();
    }
    let any = Claim {
        order: Order::Any,
        ..claim(lane(to), 5, 65, 100)
    };
    let mut all = take(&ledger, any).await;
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3]);
    let mut settled = settlement(
        1,
        delivery(1, 1, to, 1).id,
        0,
        6,
        Next::Failed(NotSent::NetworkError),
    );
    settled.order = Order::Any;
    assert!(
        ledger
            .settle(settled, at(66))
            .await
            .unwrap()
            .released
            .is_empty()
    );
    let again = Requeue::Failed {
        integration: to,
        reasons: vec![NotSent::NetworkError],
        ordered: false,
    };
    assert_eq!(ledger.requeue(again, at(7)).await.unwrap(), 1);
    let any = Claim { now: at(8), ..any };
    assert_eq!(take(&ledger, any).await, [1]);
}

/// What goes to one endpoint of an integration is neither claimed with what goes to the other, nor waited for.
pub async fn each_endpoint_has_a_line_of_its_own(ledger: Subject) {
    let to = integration(1);
    let sandbox = LaneId {
        endpoint: Environment::Sandbox,
        ..lane(to)
    };
    let mut write = commit(1, None, 1);
    let mut first = delivery(1, 1, to, 5);
    first.lane = sandbox;
    write.deliveries = vec![first];
    ledger.commit(write).await.unwrap();
    let ready = told(&ledger, 1, 2, &[to], 5).await;
    assert_eq!(ready, [delivery(1, 2, to, 1).id], "it waits for nothing");
    let leases = ledger.claim(claim(sandbox, 5, 65, 100)).await.unwrap();
    let lanes: Vec<_> = leases
        .iter()
        .map(|lease| (lease.lane, lease.event.customer_seq))
        .collect();
    assert_eq!(lanes, [(sandbox, 1)]);
    assert_eq!(due(&ledger, to, 5).await, [2]);
}

/// Somebody else's than the one that failed.
pub async fn another_customers_delivery_can_be_asked_for(ledger: Subject) {
    let to = integration(1);
    for number in 1..=2 {
        told(&ledger, number, 1, &[to], 5).await;
    }
    let one = commit(1, None, 1).customer.unwrap().customer.id;
    let except = Claim {
        except: Some(one),
        ..claim(lane(to), 5, 65, 100)
    };
    let ids = |leases: Vec<crate::Lease>| -> Vec<DeliveryId> {
        leases.iter().map(|lease| lease.id).collect()
    };
    assert_eq!(
        ids(ledger.claim(except).await.unwrap()),
        [delivery(2, 1, to, 1).id]
    );
    assert_eq!(ids(ledger.claim(except).await.unwrap()), []);
    assert_eq!(due(&ledger, to, 5).await, [1]);
}

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
