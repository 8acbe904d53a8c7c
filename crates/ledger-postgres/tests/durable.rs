//! What is durable is never answered as failed.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::Timestamp;
use ledger::{
    Commits, Committed, Deliveries, Next, Upkeep,
    contract::{at, claim, commit, delivery, integration, lane, settlement, wanted},
};
use ledger_postgres::{Connections, PostgresLedger};
use sqlx::PgPool;
use throwaway::Cluster;
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A delivery was queued; the next of its line is committed while no delivery can be changed, which is what the look after
/// the commit tries.
async fn committed_while(broken: &str, mended: &str) {
    let made = tokio::task::spawn_blocking(|| {
        let cluster = Cluster::start(&[]).unwrap();
        let url = cluster.database().unwrap();
        (cluster, url)
    });
    let (_cluster, url) = made.await.unwrap();
    let connections = Connections { hot: 3, reads: 2 };
    let opened = PostgresLedger::open(&url, connections, Uuid::nil(), now()).await;
    let ledger = opened.unwrap();
    let mut first = commit(1, None, 1);
    first.deliveries = vec![delivery(1, 1, integration(1), 60)];
    let first = ledger.commit(first).await.unwrap();
    assert!(matches!(&first, Committed::Done { ready } if ready.len() == 1));
    let pool = PgPool::connect(&url).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(broken.to_owned()))
        .execute(&mut *connection)
        .await
        .unwrap();
    let mut second = commit(1, Some(1), 2);
    second.deliveries = vec![delivery(1, 2, integration(1), 60)];
    // Nothing is mended before the answer: whoever waited for that would never be answered, or be told that it failed.
    let second = ledger.commit(second).await;
    assert_eq!(second.unwrap(), Committed::Done { ready: Vec::new() });
    sqlx::raw_sql(sqlx::AssertSqlSafe(mended.to_owned()))
        .execute(&mut *connection)
        .await
        .unwrap();
    // And nothing is left behind: who settles the first releases it.
    let settled = settlement(
        1,
        delivery(1, 1, integration(1), 60).id,
        0,
        2,
        Next::Delivered,
    );
    let settled = ledger.settle(settled, at(62)).await.unwrap();
    let released: Vec<_> = settled.released.iter().map(|lease| lease.id).collect();
    assert_eq!(released, [delivery(1, 2, integration(1), 60).id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_not_answered_as_failed_when_the_look_after_it_fails() {
    committed_while(
        "create function broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
         create trigger broken before update on deliveries for each statement execute function broken();",
        "drop trigger broken on deliveries",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_answered_when_the_look_after_it_hangs() {
    committed_while(
        "create function hang() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$;
         create trigger hang before update on deliveries for each statement execute function hang();",
        "drop trigger hang on deliveries",
    )
    .await;
}

/// A ledger with a customer's deliveries of as many events, of which the first is leased, and a connection beside it.
async fn queued(events: u64) -> (Cluster, PostgresLedger, PgPool) {
    let made = tokio::task::spawn_blocking(|| {
        let cluster = Cluster::start(&[]).unwrap();
        let url = cluster.database().unwrap();
        (cluster, url)
    });
    let (cluster, url) = made.await.unwrap();
    let connections = Connections { hot: 3, reads: 2 };
    let opened = PostgresLedger::open(&url, connections, Uuid::nil(), now()).await;
    let ledger = opened.unwrap();
    for seq in 1..=events {
        let mut new = commit(1, (seq > 1).then_some(seq - 1), seq);
        new.deliveries = vec![delivery(1, seq, integration(1), 60)];
        ledger.commit(new).await.unwrap();
    }
    let pool = PgPool::connect(&url).await.unwrap();
    (cluster, ledger, pool)
}

fn first_is_delivered() -> ledger::Settlement {
    let first = delivery(1, 1, integration(1), 60).id;
    settlement(1, first, 0, 2, Next::Delivered)
}

/// Statements hang that change deliveries, but for those of the transaction in which attempts are recorded.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_is_answered_when_the_look_after_it_hangs() {
    let (_cluster, ledger, pool) = queued(1).await;
    sqlx::raw_sql(
        "create function hang() returns trigger language plpgsql as $$ begin
           if exists (select 1 from attempts where xmin <> pg_current_xact_id()::xid) then perform pg_sleep(60); end if; return null; end $$;
         create trigger hang before update on deliveries for each statement execute function hang();",
    )
    .execute(&pool)
    .await
    .unwrap();
    let settled = ledger.settle(first_is_delivered(), at(62)).await.unwrap();
    assert!(settled.recorded);
    assert!(!ledger.has_failed());
}

/// What follows is leased to whoever is told of it, or to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_leased() {
    let (_cluster, ledger, pool) = queued(2).await;
    let run = async |sql: &'static str| sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    run("alter table events rename to gone").await;
    ledger
        .settle(first_is_delivered(), at(62))
        .await
        .unwrap_err();
    run("alter table gone rename to events").await;
    let settled = ledger.settle(first_is_delivered(), at(62)).await.unwrap();
    let released: Vec<_> = settled.released.iter().map(|lease| lease.id).collect();
    assert_eq!(released, [delivery(1, 2, integration(1), 60).id]);
}

/// A node has one connection, and others wait for it who will be slow: whoever claims gets what is claimed, and is not told
/// that there is no connection to read the events with.
#[tokio::test]
async fn what_is_claimed_is_known_to_whoever_claims_however_many_wait() {
    let made = tokio::task::spawn_blocking(|| {
        let cluster = Cluster::start(&[]).unwrap();
        let url = cluster.database().unwrap();
        (cluster, url)
    });
    let (_cluster, url) = made.await.unwrap();
    let connections = Connections { hot: 1, reads: 1 };
    let opened = PostgresLedger::open(&url, connections, Uuid::nil(), now()).await;
    let ledger = opened.unwrap();
    let to = integration(1);
    let mut first = commit(1, None, 1);
    first.deliveries = vec![delivery(1, 1, to, 5)];
    ledger.commit(first).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let mut slow = pool.begin().await.unwrap();
    let lock = "lock table customers in access exclusive mode";
    sqlx::query(lock).execute(&mut *slow).await.unwrap();
    let mut held = pool.begin().await.unwrap();
    let lock = "lock table deliveries in access exclusive mode";
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    let claiming = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.claim(claim(lane(to), 5, 65, 10)).await }
    });
    let waits = "select count(*) from pg_locks where not granted";
    while sqlx::query_scalar::<_, i64>(waits)
        .fetch_one(&pool)
        .await
        .unwrap()
        == 0
    {
        tokio::task::yield_now().await;
    }
    // They wait for the connection, and then for customers, until they are told that it takes too long.
    let loading: Vec<_> = (0..3)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.load(&wanted(1)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    held.rollback().await.unwrap();
    let leases = claiming.await.unwrap().unwrap();
    assert_eq!(leases.len(), 1);
    slow.rollback().await.unwrap();
    for loading in loading {
        drop(loading.await.unwrap());
    }
}
