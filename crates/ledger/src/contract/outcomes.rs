//! What became of attempts, as nodes tell it.

use super::{
    Subject, integration, lane,
    settings::{row, webhook},
};
use crate::{ConfigurationChange as Change, Failure, KeptSince, LaneId, Outcomes, REMEMBERED};
use domain::{Environment, NotSent};
use jiff::Timestamp;
use std::sync::Arc;

/// Within less than what clocks of nodes may differ by.
fn at(milli: i64) -> Timestamp {
    Timestamp::from_millisecond(milli).unwrap()
}

fn failure(milli: i64) -> Failure {
    Failure {
        at: at(milli),
        reason: NotSent::RejectedByDestination,
        detail: format!("answered 404 at {milli}: \"why\""),
    }
}

/// What was heard in these moments: every third attempt was accepted.
fn heard(millis: impl IntoIterator<Item = i64>) -> Outcomes {
    let mut all = Outcomes::default();
    for milli in millis {
        if milli % 3 == 0 {
            all.accepted(at(milli), at(milli));
        } else {
            all.failed(failure(milli), at(milli));
        }
    }
    all
}

async fn known(ledger: &Subject, id: LaneId) -> Option<Outcomes> {
    let all = ledger.outcomes().await.unwrap();
    let mut found = all.into_iter().filter(|(lane, _)| *lane == id);
    let known = found.next().map(|(_, outcomes)| outcomes);
    assert!(found.next().is_none(), "one of each");
    known
}

/// Whoever adds what it heard, and in whatever order they do, the newest of all are known, of each endpoint its own.
pub async fn what_nodes_hear_of_endpoints_adds_up(ledger: Subject) {
    let production = lane(integration(1));
    let sandbox = LaneId {
        endpoint: Environment::Sandbox,
        ..production
    };
    let other = lane(integration(2));
    assert_eq!(ledger.outcomes().await.unwrap(), []);
    // Eight nodes, each of which made every eighth attempt, tell of several endpoints in different orders.
    let tells = (0..8).map(|node| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move {
            for part in 0..10 {
                let milli = 1 + 8 * part + node;
                let mut told = vec![
                    (production, heard([milli])),
                    (sandbox, heard([2 * milli])),
                    (other, heard([3 * milli])),
                ];
                if node % 2 == 0 {
                    told.reverse();
                }
                ledger.add_outcomes(told).await.unwrap();
            }
        })
    });
    for tell in tells.collect::<Vec<_>>() {
        tell.await.unwrap();
    }
    for (id, times) in [(production, 1), (sandbox, 2), (other, 3)] {
        let alone = heard((1..=80).map(|milli| times * milli));
        assert_eq!(alone.attempts(Timestamp::MIN), REMEMBERED);
        assert_eq!(known(&ledger, id).await, Some(alone), "{id:?}");
    }
    let mut pauses = Outcomes::default();
    pauses.opened(at(90));
    pauses.asked(at(95));
    ledger
        .add_outcomes(vec![(production, pauses)])
        .await
        .unwrap();
    let paused = known(&ledger, production).await.unwrap();
    assert!(paused.is_left_alone() && paused.is_put_off(at(94)));
    assert_eq!(paused.attempts(Timestamp::MIN), REMEMBERED);
    ledger.add_outcomes(Vec::new()).await.unwrap();
}

/// It goes with the integration, and where nobody attempted an endpoint for as long as attempts are kept.
pub async fn what_was_heard_of_an_endpoint_goes_with_it(ledger: Subject) {
    let id = integration(1);
    let put = vec![Change::PutProject(row()), Change::PutIntegration(webhook())];
    ledger.configure(0, put, "test", at(0)).await.unwrap();
    let old = lane(integration(2));
    let told = vec![(lane(id), heard([7])), (old, heard([4]))];
    ledger.add_outcomes(told).await.unwrap();
    let since = KeptSince {
        attempts: at(5),
        audit: at(0),
        audit_of_programs: at(0),
    };
    ledger.retain(since, 100).await.unwrap();
    assert_eq!(known(&ledger, old).await, None);
    assert_eq!(known(&ledger, lane(id)).await, Some(heard([7])));
    let removed = vec![Change::RemoveIntegration(id)];
    ledger.configure(1, removed, "test", at(8)).await.unwrap();
    assert_eq!(ledger.outcomes().await.unwrap(), []);
}
