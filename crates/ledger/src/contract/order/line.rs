//! One after the other: patience, resends, endpoints of their own.

use super::{NONE, due, retry, settle, take};
use crate::{
    Claim, LaneId, Next, Order, Requeue,
    contract::{
        Subject, at, claim, commit, deliveries::told, delivery, integration, lane, project,
        settlement,
    },
};
use domain::{DeliveryId, Environment, NotSent};

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
    let again = Requeue::One(project(), delivery(1, 1, to, 1).id);
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
