//! Promises about replays: a step is all or nothing, order is kept, and nothing is queued twice.

use super::{Subject, at, claim, commit, delivery, event, integration, lane, project, settlement};
use crate::{
    Choice, DeliveryState, EventFilter, Next, Page, Progress, Replay, ReplayOf, ReplayState,
    ReplayStep, ReplayWhat,
};
use domain::{IntegrationId, NotSent, ReplayId};
use uuid::Uuid;

fn replay(number: u128) -> Replay {
    Replay {
        id: ReplayId::new(Uuid::from_u128(number)),
        project: project(),
        integration: integration(1),
        choice: Choice {
            what: ReplayWhat::Events,
            since: at(0),
            until: at(100),
            kinds: Vec::new(),
            environment: None,
            customer: None,
            standings: ReplayOf::ALL.to_vec(),
            reasons: Vec::new(),
        },
        per_second: 10,
        by: "ann".into(),
        asked_as: None,
        started_at: at(50),
        first: 0,
        last: 3,
        progress: Progress {
            state: ReplayState::Running,
            after: 0,
            customer: None,
            again: 0,
            new: 0,
            refused: 0,
            at: at(50),
        },
    }
}

/// What was delivered, what failed and what was never sent go out in the order of their events; a step taken twice counts
/// once, and a cancelled replay takes none.
pub async fn a_replay_queues_in_order_and_each_step_once(ledger: Subject) {
    let (to, other) = (integration(1), integration(2));
    one_delivered_one_untold_one_failed(&ledger, to, other).await;
    let began = replay(1);
    ledger.start_replay(began.clone()).await.unwrap();
    assert_eq!(
        ledger.running_replays().await.unwrap(),
        std::slice::from_ref(&began)
    );
    let progress = Progress {
        after: 3,
        again: 2,
        new: 1,
        at: at(51),
        ..began.progress
    };
    let mut made = delivery(1, 2, to, 51);
    made.event = event(1, 2).event.id;
    let step = ReplayStep {
        replay: began.clone(),
        progress,
        again: vec![delivery(1, 1, to, 1).id],
        new: vec![made.clone()],
        ordered: true,
    };
    assert!(ledger.step_replay(step.clone()).await.unwrap());
    assert!(
        !ledger.step_replay(step).await.unwrap(),
        "another node was faster"
    );
    let stands = replay_with(&began, progress);
    let last = ReplayStep {
        replay: stands.clone(),
        progress: Progress {
            at: at(52),
            ..progress
        },
        again: vec![delivery(1, 3, to, 1).id],
        new: vec![made],
        ordered: true,
    };
    assert!(ledger.step_replay(last.clone()).await.unwrap());

    they_go_as_they_happened(&ledger, to).await;
    it_is_told_once_of_each(&ledger, to).await;

    let late = ReplayStep {
        replay: replay_with(&began, last.progress),
        ..last
    };
    it_is_cancelled(&ledger, &began).await;
    assert!(!ledger.step_replay(late).await.unwrap(), "it is over");
    ledger.start_replay(replay(2)).await.unwrap();
    let newest = ledger.replays(project(), None, 1).await.unwrap();
    assert_eq!(newest, [replay(2)]);
}

/// However often, and at however many nodes at once, the same request is made.
pub async fn a_replay_that_is_asked_for_again_is_the_one_there_is(ledger: Subject) {
    let asked = |number: u128, asked_as: &str| Replay {
        asked_as: Some(asked_as.to_owned()),
        ..replay(number)
    };
    let mut tries = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let (ledger, replay) = (ledger.clone(), asked(number, "a"));
        tries.spawn(async move { ledger.start_replay(replay).await.unwrap() });
    }
    let begun = tries.join_all().await;
    let one = &begun[0];
    assert!(begun.iter().all(|begun| begun == one), "{begun:?}");
    let another = ledger.start_replay(asked(20, "b")).await.unwrap();
    assert_eq!(another, asked(20, "b"));
    let elsewhere = Replay {
        project: domain::ProjectId::new(Uuid::nil()),
        ..asked(21, "a")
    };
    let begun = ledger.start_replay(elsewhere.clone()).await.unwrap();
    assert_eq!(begun, elsewhere, "another project has keys of its own");
    for number in [22, 23] {
        let begun = ledger.start_replay(replay(number)).await.unwrap();
        assert_eq!(begun, replay(number), "nobody named it");
    }
    let all = ledger.replays(project(), None, 100).await.unwrap();
    assert_eq!(all.len(), 4);
}

/// Newest first, a page after the other, each once; and nobody finds one of another project.
pub async fn replays_are_listed_by_page(ledger: Subject) {
    let elsewhere = domain::ProjectId::new(Uuid::nil());
    let other = Replay {
        project: elsewhere,
        ..replay(4)
    };
    for begun in [replay(1), replay(2), replay(3), other.clone()] {
        ledger.start_replay(begun).await.unwrap();
    }
    let mut before = None;
    for page in [&[3, 2][..], &[1], &[]] {
        let found = ledger.replays(project(), before, 2).await.unwrap();
        let wanted: Vec<Replay> = page.iter().copied().map(replay).collect();
        assert_eq!(found, wanted);
        before = found.last().map(|last| last.id);
    }
    let found = ledger.replay(project(), replay(2).id).await.unwrap();
    assert_eq!(found, Some(replay(2)));
    assert_eq!(ledger.replay(project(), other.id).await.unwrap(), None);
    assert_eq!(
        ledger.replay(elsewhere, other.id).await.unwrap(),
        Some(other)
    );
}

/// Three events of a customer for `to`: one that was delivered, one that was never sent, one that failed.
async fn one_delivered_one_untold_one_failed(
    ledger: &Subject,
    to: IntegrationId,
    other: IntegrationId,
) {
    for seq in 1..=3 {
        let mut write = commit(1, (seq > 1).then_some(seq - 1), seq);
        if seq == 2 {
            write.events[0].not_sent = vec![(to, NotSent::EventDisabled)];
        } else {
            write.deliveries = vec![delivery(1, seq, to, 1), delivery(1, seq, other, 1)];
        }
        ledger.commit(write).await.unwrap();
        if seq != 2 {
            let next = if seq == 1 {
                Next::Delivered
            } else {
                Next::Failed(NotSent::NetworkError)
            };
            let id = delivery(1, seq, to, 1).id;
            ledger
                .settle(settlement(1, id, 0, 2, next), at(62))
                .await
                .unwrap();
        }
    }
}

/// One after the other, as they happened, and each once.
async fn they_go_as_they_happened(ledger: &Subject, to: IntegrationId) {
    for (seq, attempts) in [(1, 1), (2, 0), (3, 1)] {
        let due = ledger.claim(claim(lane(to), 60, 120, 10)).await.unwrap();
        let id = delivery(1, seq, to, 1).id;
        // Those after the first are released by settling the one before.
        if seq == 1 {
            assert_eq!(due.iter().map(|lease| lease.id).collect::<Vec<_>>(), [id]);
        }
        let settled = ledger
            .settle(settlement(1, id, attempts, 60, Next::Delivered), at(120))
            .await
            .unwrap();
        assert!(settled.recorded, "{seq}");
        let next: Vec<_> = settled
            .released
            .iter()
            .map(|lease| lease.event.customer_seq)
            .collect();
        assert_eq!(next, if seq < 3 { vec![seq + 1] } else { vec![] });
    }
}

/// Of what was not sent at first, it is said to be delivered, and only that.
async fn it_is_told_once_of_each(ledger: &Subject, to: IntegrationId) {
    let filter = EventFilter {
        project: Some(project()),
        delivery: Some((Some(to), DeliveryState::Delivered)),
        ..EventFilter::default()
    };
    let feed = ledger.events(&filter, Page::After(0, 10)).await.unwrap();
    assert_eq!(feed.len(), 3);
    let of_two = feed[1].integrations.iter().filter(|(id, _)| *id == to);
    assert_eq!(
        of_two.count(),
        1,
        "it is said to be delivered, and only that"
    );
}

/// Once, and by nobody of another project.
async fn it_is_cancelled(ledger: &Subject, began: &Replay) {
    let id = began.id;
    let elsewhere = domain::ProjectId::new(Uuid::nil());
    assert!(!ledger.cancel_replay(elsewhere, id, at(53)).await.unwrap());
    assert!(ledger.cancel_replay(project(), id, at(53)).await.unwrap());
    assert!(!ledger.cancel_replay(project(), id, at(54)).await.unwrap());
    assert!(ledger.running_replays().await.unwrap().is_empty());
    let known = ledger.replays(project(), None, 10).await.unwrap();
    assert_eq!(known[0].progress.state, ReplayState::Cancelled);
    assert_eq!(known[0].progress.again, 2);
}

fn replay_with(replay: &Replay, progress: Progress) -> Replay {
    Replay {
        progress,
        ..replay.clone()
    }
}
