//! The primary dies and its standby takes over, while nodes write.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::Timestamp;
use ledger::{
    Commits, Committed, EventFilter, Feed, Page, Upkeep,
    contract::{commit, wanted},
};
use ledger_postgres::{Connections, PostgresLedger};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use throwaway::Pair;
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn node(url: &str, number: u128) -> PostgresLedger {
    let connections = Connections { hot: 4, reads: 3 };
    PostgresLedger::open(url, connections, Uuid::from_u128(number), now())
        .await
        .unwrap()
}

/// Commits customers until told to stop; answers those whose commit was acknowledged.
async fn write(ledger: PostgresLedger, first: u64, ends: Arc<AtomicBool>) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for number in first.. {
        if ends.load(Ordering::Acquire) {
            break;
        }
        match ledger.commit(commit(number, None, 1)).await {
            Ok(Committed::Done { .. }) => acknowledged.push(number),
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_primary_twice_over() {
    let pair = Arc::new(
        tokio::task::spawn_blocking(|| Pair::start().unwrap())
            .await
            .unwrap(),
    );
    let url = pair.url();
    let (one, two) = (node(&url, 1).await, node(&url, 2).await);
    let ends = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = [(&one, 0), (&two, 1_000_000)]
        .map(|(ledger, first)| tokio::spawn(write(ledger.clone(), first, Arc::clone(&ends))))
        .into();
    // And back again: the server that was primary first is the standby by then.
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let pair = Arc::clone(&pair);
        let failed_over = tokio::task::spawn_blocking(move || pair.fail_over());
        failed_over.await.unwrap().unwrap();
        // Both write again, wherever the primary is.
        let end = Instant::now() + Duration::from_secs(20);
        for ledger in [&one, &two] {
            while ledger.check().await.is_err() {
                assert!(Instant::now() < end, "a node did not find the new primary");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    ends.store(true, Ordering::Release);
    let mut acknowledged = BTreeSet::new();
    for task in writing {
        acknowledged.extend(task.await.unwrap());
    }
    assert!(acknowledged.len() > 50, "{}", acknowledged.len());
    for number in &acknowledged {
        let loaded = one.load(&wanted(*number)).await.unwrap();
        assert!(loaded.chain.is_some(), "customer {number} is lost");
    }
    let (mut told, mut after) = (BTreeSet::new(), 0);
    loop {
        let page = Page::After(after, 500);
        let rows = two.events(&EventFilter::default(), page).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = last.position;
        for row in rows {
            assert!(told.insert(row.event.id), "{} stands twice", row.event.id);
        }
    }
    assert!(told.len() >= acknowledged.len());
}
