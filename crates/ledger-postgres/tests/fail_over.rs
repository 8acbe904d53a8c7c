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
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use throwaway::Pair;
use uuid::Uuid;

/// Commits before anything happens, and after.
const MORE: u64 = 25;
/// Between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(20);
/// How long it may take at the very most.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Nodes that write, until told to stop.
#[derive(Default)]
struct Writing {
    ends: AtomicBool,
    acknowledged: AtomicU64,
}

impl Writing {
    /// Waits until so many more were acknowledged.
    async fn goes_on(&self) {
        let before = self.acknowledged.load(Ordering::Acquire);
        let end = Instant::now() + PATIENCE;
        while self.acknowledged.load(Ordering::Acquire) < before + MORE {
            assert!(Instant::now() < end, "nothing is acknowledged any more");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Commits customers until told to stop; answers those whose commit was acknowledged.
async fn write(ledger: PostgresLedger, first: u64, writing: Arc<Writing>) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for number in first.. {
        if writing.ends.load(Ordering::Acquire) {
            break;
        }
        match ledger.commit(commit(number, None, 1)).await {
            Ok(Committed::Done { .. }) => {
                acknowledged.push(number);
                writing.acknowledged.fetch_add(1, Ordering::AcqRel);
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                tokio::time::sleep(PAUSE).await;
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
    let writing = Arc::<Writing>::default();
    let tasks: Vec<_> = [(&one, 0), (&two, 1_000_000)]
        .map(|(ledger, first)| tokio::spawn(write(ledger.clone(), first, Arc::clone(&writing))))
        .into();
    // And back again: the server that was primary first is the standby by then.
    for _ in 0..2 {
        writing.goes_on().await;
        let pair = Arc::clone(&pair);
        let failed_over = tokio::task::spawn_blocking(move || pair.fail_over());
        failed_over.await.unwrap().unwrap();
        // Both write again, wherever the primary is.
        let end = Instant::now() + PATIENCE;
        for ledger in [&one, &two] {
            while ledger.check().await.is_err() {
                assert!(Instant::now() < end, "a node did not find the new primary");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    writing.goes_on().await;
    writing.ends.store(true, Ordering::Release);
    let mut acknowledged = BTreeSet::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
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
