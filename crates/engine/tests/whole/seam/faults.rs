//! A fault of ours is an attempt like any other.

use super::{A, buy, deliveries, dressed::How, pass, sent_to, world};
use destinations::Batching;
use domain::NotSent;
use ledger::DeliveryState;
use std::{sync::Arc, time::Duration};

const TOGETHER: Batching = Batching {
    most: 4,
    bytes: 1 << 20,
    linger: Duration::from_millis(300),
};

/// It is recorded, and tried again as its policy says, or given up: its lease does not run out without a word.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_panics_is_recorded_and_comes_to_an_end() {
    for batching in [None, Some(TOGETHER)] {
        for (is_once, state, reason) in [
            (false, DeliveryState::Pending, NotSent::NetworkError),
            (true, DeliveryState::Failed, NotSent::Unconfirmed),
        ] {
            let world = world(How {
                is_once,
                batching,
                classify: Some(Arc::new(|_| panic!("a sample"))),
                ..How::default()
            })
            .await;
            buy(&world, 1).await;
            let (record, attempts) = deliveries(&world).await.remove(0);
            assert_eq!((record.state, record.reason), (state, Some(reason)));
            assert_eq!((attempts.len(), record.attempts), (1, 1));
            let told = &attempts[0].detail;
            assert!(told.contains("by a fault of Tidings"), "{told}");
            pass(&world, 300).await;
            let (_, attempts) = deliveries(&world).await.remove(0);
            assert_eq!(attempts.len() > 1, !is_once);
            assert_eq!(attempts.len(), sent_to(&world, A));
        }
    }
}

/// What cannot even be written has not gone out.
#[tokio::test(flavor = "multi_thread")]
async fn what_panics_before_anything_went_out_may_be_tried_again_by_itself() {
    for batching in [None, Some(TOGETHER)] {
        let world = world(How {
            is_once: true,
            batching,
            is_broken: true,
            ..How::default()
        })
        .await;
        buy(&world, 1).await;
        let (record, attempts) = deliveries(&world).await.remove(0);
        assert_eq!(record.state, DeliveryState::Pending);
        assert_eq!(record.reason, Some(NotSent::NetworkError));
        assert_eq!((attempts.len(), sent_to(&world, A)), (1, 0));
    }
}
