//! Promises about deliveries: order, leases, fences, retries.

use super::{Subject, at, claim, commit, delivery, integration, lane, project, settlement};
use crate::{Committed, LaneId, NewDelivery, Next, Requeue, Returned, Waiting};
use domain::{DeliveryId, Environment, IntegrationId, NotSent};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// Commits the `seq`th event of a customer with a delivery to each integration; answers those that may be sent now.
pub(super) async fn told(
    ledger: &Subject,
    number: u64,
    seq: u64,
    to: &[IntegrationId],
    due_at: i64,
) -> Vec<DeliveryId> {
    let mut write = commit(number, (seq > 1).then_some(seq - 1), seq);
    write.deliveries = to
        .iter()
        .map(|to| delivery(number, seq, *to, due_at))
        .collect();
    match ledger.commit(write).await.unwrap() {
        Committed::Done { ready } => ready,
        other => panic!("{other:?}"),
    }
}

async fn claimed(ledger: &Subject, to: IntegrationId, second: i64) -> Vec<DeliveryId> {
    ledger
        .claim(claim(lane(to), second, second + 60, 100))
        .await
        .unwrap()
        .into_iter()
        .map(|lease| lease.id)
        .collect()
}

/// The second of a customer's deliveries goes when the first is settled, and is handed to whoever settled it.
pub async fn a_customers_deliveries_wait_for_each_other(ledger: Subject) {
    let to = integration(1);
    let (first, second, third) = (
        delivery(1, 1, to, 1).id,
        delivery(1, 2, to, 1).id,
        delivery(1, 3, to, 1).id,
    );
    assert_eq!(told(&ledger, 1, 1, &[to], 60).await, [first]);
    assert_eq!(told(&ledger, 1, 2, &[to], 60).await, []);
    assert_eq!(told(&ledger, 1, 3, &[to], 60).await, []);
    assert_eq!(
        told(&ledger, 2, 1, &[to], 60).await,
        [delivery(2, 1, to, 1).id],
        "another customer does not wait"
    );
    let settle = async |id, attempts, second, next| {
        let settlement = settlement(1, id, attempts, second, next);
        let settled = ledger.settle(settlement, at(second + 60)).await.unwrap();
        assert!(settled.recorded);
        let released = settled.released.iter();
        let released = released.map(|lease| (lease.id, lease.event.customer_seq));
        released.collect::<Vec<_>>()
    };
    let again = Next::Retry(NotSent::NetworkError, at(30));
    let released = settle(first, 0, 2, again).await;
    assert_eq!(released, [], "a failed attempt releases nothing");
    assert_eq!(claimed(&ledger, to, 30).await, [first]);
    let released = settle(first, 1, 31, Next::Delivered).await;
    assert_eq!(released, [(second, 2)]);
    let failed = Next::Failed(NotSent::RejectedByDestination);
    let released = settle(second, 0, 32, failed).await;
    assert_eq!(released, [(third, 3)], "giving up releases too");
    assert_eq!(told(&ledger, 1, 4, &[to], 60).await, []);
    settle(third, 0, 33, Next::Delivered).await;
}

/// Taking over an expired lease is the ordinary path, and whoever lost it cannot overwrite what the other did.
pub async fn a_lease_runs_out_and_the_late_settler_is_fenced(ledger: Subject) {
    let to = integration(1);
    let id = told(&ledger, 1, 1, &[to], 60).await[0];
    assert_eq!(claimed(&ledger, to, 59).await, []);
    assert_eq!(claimed(&ledger, to, 60).await, [id]);
    assert!(
        ledger
            .settle(settlement(1, id, 0, 61, Next::Delivered), at(121))
            .await
            .unwrap()
            .recorded
    );
    assert!(
        !ledger
            .settle(
                settlement(1, id, 0, 62, Next::Failed(NotSent::NetworkError)),
                at(122)
            )
            .await
            .unwrap()
            .recorded
    );
    let record = ledger.delivery(project(), id).await.unwrap().unwrap();
    assert_eq!(
        (record.state, record.attempts),
        (crate::DeliveryState::Delivered, 1)
    );
    assert_eq!(ledger.attempts(id).await.unwrap().len(), 1);
}

/// Claims are compare-and-swap: no delivery is handed to two.
pub async fn concurrent_claimers_never_share(ledger: Subject) {
    let to = integration(1);
    for number in 0..200 {
        told(&ledger, number, 1, &[to], 5).await;
    }
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn({
                let ledger = ledger.clone();
                async move { ledger.claim(claim(lane(to), 5, 65, 30)).await.unwrap() }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap().into_iter().map(|lease| lease.id));
    }
    assert_eq!(
        (all.len(), all.iter().collect::<BTreeSet<_>>().len()),
        (200, 200)
    );
}

/// One broken destination is its own problem.
pub async fn a_backlog_of_one_integration_hides_no_other(ledger: Subject) {
    let (dead, alive) = (integration(1), integration(2));
    for number in 0..50 {
        told(&ledger, number, 1, &[dead], 1).await;
    }
    told(&ledger, 99, 1, &[alive], 20).await;
    assert_eq!(claimed(&ledger, alive, 20).await.len(), 1);
    let mut backlog = ledger.backlog().await.unwrap();
    backlog.sort_by_key(|waiting| waiting.integration);
    let of = |integration, count| Waiting {
        integration,
        count,
        oldest: at(1),
    };
    assert_eq!(backlog, [of(dead, 50), of(alive, 1)]);
}

/// A retry comes up at its time with its history.
pub async fn a_retry_is_not_due_before_its_time(ledger: Subject) {
    let to = integration(1);
    let id = told(&ledger, 1, 1, &[to], 60).await[0];
    ledger
        .settle(
            settlement(1, id, 0, 2, Next::Retry(NotSent::NetworkError, at(100))),
            at(62),
        )
        .await
        .unwrap();
    assert_eq!(claimed(&ledger, to, 99).await, []);
    let leases = ledger.claim(claim(lane(to), 100, 160, 1)).await.unwrap();
    assert_eq!(
        (leases[0].id, leases[0].attempts, leases[0].round),
        (id, 1, 1)
    );
    assert_eq!(
        leases[0].trace,
        delivery(1, 1, to, 1).trace,
        "an attempt made hours later belongs to the trace of what led to it"
    );
}

/// A node that stops gives back what it has not attempted: others need not wait until its leases run out.
pub async fn leases_that_were_not_used_are_given_back(ledger: Subject) {
    let to = integration(1);
    let (one, other) = (
        told(&ledger, 1, 1, &[to], 60).await[0],
        told(&ledger, 2, 1, &[to], 60).await[0],
    );
    assert_eq!(claimed(&ledger, to, 5).await, [], "both are leased");
    let settled = settlement(2, other, 0, 3, Next::Retry(NotSent::NetworkError, at(100)));
    ledger.settle(settled, at(63)).await.unwrap();
    let returned = |number, delivery| Returned {
        customer: commit(number, None, 1).customer.unwrap().customer.id,
        delivery,
        attempts: 0,
        until: at(60),
    };
    let both = [returned(1, one), returned(2, other)];
    assert_eq!(
        ledger.hand_back(&both, at(5)).await.unwrap(),
        1,
        "not one that was attempted meanwhile"
    );
    assert_eq!(claimed(&ledger, to, 5).await, [one]);
    assert_eq!(ledger.hand_back(&[], at(5)).await.unwrap(), 0);
}

/// What was taken up and not attempted lost nothing by it: it is before what was accepted later, as it was.
pub async fn what_is_given_back_has_its_place_again(ledger: Subject) {
    let to = integration(1);
    let mut ids = Vec::new();
    for number in 1..=3 {
        let mut write = commit(number, None, 1);
        let accepted = delivery(number, 1, to, 1).accepted_at;
        write.deliveries = vec![NewDelivery {
            accepted_at: accepted + SignedDuration::from_secs(number.cast_signed()),
            due_at: accepted + SignedDuration::from_secs(number.cast_signed()),
            ..delivery(number, 1, to, 1)
        }];
        ids.push(write.deliveries[0].id);
        ledger.commit(write).await.unwrap();
    }
    let first = ledger.claim(claim(lane(to), 10, 70, 1)).await.unwrap();
    assert_eq!(first[0].id, ids[0]);
    let back = Returned {
        customer: first[0].event.customer.id,
        delivery: ids[0],
        attempts: 0,
        until: at(70),
    };
    assert_eq!(ledger.hand_back(&[back], at(11)).await.unwrap(), 1);
    let again = ledger.claim(claim(lane(to), 12, 72, 2)).await.unwrap();
    let again: BTreeSet<_> = again.into_iter().map(|lease| lease.id).collect();
    assert_eq!(again, BTreeSet::from([ids[0], ids[1]]));
}

/// A node that was away for longer than its lease gives back what another has taken up: that stays with the other.
pub async fn a_lease_that_another_took_up_is_not_given_back(ledger: Subject) {
    let to = integration(1);
    let id = told(&ledger, 1, 1, &[to], 60).await[0];
    assert_eq!(claimed(&ledger, to, 70).await, [id], "until 130");
    let returned = |until| {
        [Returned {
            customer: commit(1, None, 1).customer.unwrap().customer.id,
            delivery: id,
            attempts: 0,
            until: at(until),
        }]
    };
    assert_eq!(ledger.hand_back(&returned(60), at(71)).await.unwrap(), 0);
    assert_eq!(claimed(&ledger, to, 71).await, []);
    assert_eq!(ledger.hand_back(&returned(130), at(72)).await.unwrap(), 1);
    assert_eq!(claimed(&ledger, to, 72).await, [id]);
}

fn failed(integration: IntegrationId, reason: NotSent) -> Requeue {
    Requeue::Failed {
        integration,
        reasons: vec![reason],
        ordered: true,
    }
}

/// Only those are named that were asked about, and have something due.
pub async fn lanes_with_something_due_are_found(ledger: Subject) {
    let (due, later, idle) = (integration(1), integration(2), integration(3));
    told(&ledger, 1, 1, &[due], 5).await;
    told(&ledger, 2, 1, &[later], 50).await;
    let [due, later, idle] = [due, later, idle].map(lane);
    let found = async |among: &[LaneId], second| ledger.lanes_due(among, at(second)).await.unwrap();
    assert_eq!(found(&[later, idle, due], 5).await, [due]);
    assert_eq!(found(&[later, idle, due], 50).await, [later, due]);
    assert_eq!(found(&[idle, later], 5).await, []);
    assert_eq!(found(&[], 50).await, []);
    let elsewhere = LaneId {
        endpoint: Environment::Sandbox,
        ..due
    };
    assert_eq!(found(&[elsewhere], 50).await, [], "of another endpoint");
}

/// By hand or after the settings changed; a resend starts a new round but keeps the count of attempts.
pub async fn failed_deliveries_are_tried_again_on_request(ledger: Subject) {
    let to = integration(1);
    let (one, other) = (
        told(&ledger, 1, 1, &[to], 60).await[0],
        told(&ledger, 2, 1, &[to], 60).await[0],
    );
    ledger
        .settle(
            settlement(1, one, 0, 2, Next::Failed(NotSent::MissingCredentials)),
            at(62),
        )
        .await
        .unwrap();
    ledger
        .settle(settlement(2, other, 0, 2, Next::Delivered), at(62))
        .await
        .unwrap();
    assert_eq!(
        ledger
            .requeue(failed(to, NotSent::NetworkError), at(5))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        ledger
            .requeue(failed(to, NotSent::MissingCredentials), at(5))
            .await
            .unwrap(),
        1
    );
    let due = claim(lane(to), 5, 65, 10);
    let lease = ledger.claim(due).await.unwrap().remove(0);
    assert_eq!(
        (lease.id, lease.attempts, lease.round, lease.accepted_at),
        (one, 1, 0, at(5))
    );
    assert_eq!(
        ledger
            .requeue(Requeue::One(project(), other), at(6))
            .await
            .unwrap(),
        1,
        "also one that was delivered"
    );
    assert_eq!(claimed(&ledger, to, 6).await, [other]);
    assert_eq!(
        ledger
            .requeue(
                Requeue::One(domain::ProjectId::new(uuid::Uuid::nil()), other),
                at(6)
            )
            .await
            .unwrap(),
        0,
        "not another project's"
    );
}
