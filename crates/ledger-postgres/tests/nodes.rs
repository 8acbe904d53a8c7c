//! What holds between nodes that share one database.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::NotSent;
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Commits, Deliveries, DeliveryState, EventFilter, Feed, Ledger, Next, Page, Upkeep,
    contract::{at, claim, commit, delivery, integration, lane, settlement, wanted},
};
use ledger_postgres::{Connections, PostgresLedger};
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::Duration,
};
use throwaway::Cluster;
use uuid::Uuid;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]).unwrap());

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn database() -> String {
    tokio::task::spawn_blocking(|| CLUSTER.database().unwrap())
        .await
        .unwrap()
}

async fn node(url: &str, number: u128) -> PostgresLedger {
    let connections = Connections { hot: 4, reads: 3 };
    PostgresLedger::open(url, connections, Uuid::from_u128(number), now())
        .await
        .unwrap()
}

async fn read(ledger: &PostgresLedger, after: u64) -> Vec<u64> {
    let rows = ledger
        .events(&EventFilter::default(), Page::After(after, 100))
        .await
        .unwrap();
    rows.iter().map(|row| row.position).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_commits_late_is_not_skipped() {
    let url = database().await;
    let (one, two) = (node(&url, 1).await, node(&url, 2).await);
    one.commit(commit(1, None, 1)).await.unwrap();
    // A transaction draws its numbers, and is held open.
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let mut slow = pool.begin().await.unwrap();
    let copied = "with copied as (
        insert into events (customer, id, project, key, kind, recorded_at, body, not_sent)
        select customer, gen_random_uuid(), project, 'late', kind, recorded_at, body, not_sent from events limit 1
        returning *)
      insert into feed_queue (event, customer, project, kind, environment, recorded_at)
      select id, customer, project, kind, 'production', recorded_at from copied";
    sqlx::query(copied).execute(&mut *slow).await.unwrap();
    for number in 2..5 {
        one.commit(commit(number, None, 1)).await.unwrap();
    }
    let seen = read(&two, 0).await;
    assert_eq!(seen.len(), 4, "nobody waits for the slow one");
    let cursor = *seen.last().unwrap();
    slow.commit().await.unwrap();
    two.commit(commit(9, None, 1)).await.unwrap();
    let later = read(&one, cursor).await;
    assert_eq!(later.len(), 2, "the late one, and the one after it");
    assert!(later.iter().all(|position| *position > cursor));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_on_every_node_see_the_same_order() {
    let url = database().await;
    let nodes = [
        node(&url, 1).await,
        node(&url, 2).await,
        node(&url, 3).await,
    ];
    let writing: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(index, ledger)| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for number in 0..40 {
                    let number = index as u64 * 1000 + number;
                    ledger.commit(commit(number, None, 1)).await.unwrap();
                }
            })
        })
        .collect();
    let reading: Vec<_> = nodes
        .iter()
        .map(|ledger| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let (mut seen, mut cursor) = (Vec::new(), 0);
                while seen.len() < 120 {
                    let rows = ledger
                        .events(&EventFilter::default(), Page::After(cursor, 7))
                        .await
                        .unwrap();
                    cursor = rows.last().map_or(cursor, |row| row.position);
                    seen.extend(rows.into_iter().map(|row| row.event.id));
                }
                seen
            })
        })
        .collect();
    for task in writing {
        task.await.unwrap();
    }
    let mut orders = Vec::new();
    for task in reading {
        orders.push(task.await.unwrap());
    }
    assert_eq!(orders[0].iter().collect::<BTreeSet<_>>().len(), 120);
    assert!(orders.iter().all(|order| *order == orders[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_done_once_has_one_holder_at_a_time() {
    let url = database().await;
    let ledger = node(&url, 1).await;
    let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let (long, none) = (SignedDuration::from_hours(1), SignedDuration::ZERO);
    let hold = async |what, who, lasts| ledger.hold(what, who, lasts).await.unwrap();
    assert!(hold("gaps", ann, long).await);
    assert!(!hold("gaps", ben, long).await, "it is taken");
    assert!(hold("replays", ben, long).await, "another duty is free");
    assert!(hold("gaps", ann, none).await, "and kept by whoever has it");
    assert!(
        hold("gaps", ben, long).await,
        "it runs out with whoever died"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_know_how_many_they_are() {
    let url = database().await;
    let (one, two) = (node(&url, 1).await, node(&url, 2).await);
    let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let long = SignedDuration::from_secs(60);
    assert_eq!(one.attend(ann, long).await.unwrap().get(), 1);
    assert_eq!(two.attend(ben, long).await.unwrap().get(), 2);
    assert_eq!(one.attend(ann, long).await.unwrap().get(), 2);
    let none = SignedDuration::ZERO;
    assert_eq!(
        one.attend(ann, none).await.unwrap().get(),
        1,
        "who has not been seen for so long is not counted"
    );
    two.leave(ben).await.unwrap();
    assert_eq!(one.attend(ann, long).await.unwrap().get(), 1);
}

/// Whoever died while the clock of the database was ahead had taken it until then.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_database_that_is_set_back_lets_nobody_hold_what_is_to_be_done_or_count() {
    let url = database().await;
    let ledger = node(&url, 1).await;
    let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let lasts = SignedDuration::from_secs(15);
    assert!(ledger.hold("gaps", ann, lasts).await.unwrap());
    assert_eq!(ledger.attend(ann, lasts).await.unwrap().get(), 1);
    let ahead = "update leases set until = until + interval '1 day'; update nodes set seen = seen + interval '1 day'";
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(ahead).execute(&pool).await.unwrap();
    assert!(ledger.hold("gaps", ben, lasts).await.unwrap());
    assert!(!ledger.hold("gaps", ann, lasts).await.unwrap());
    assert_eq!(ledger.attend(ben, lasts).await.unwrap().get(), 1);
}

/// A node died between its commit and the look after it, and its clock was ahead.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_while_a_clock_was_ahead_is_found() {
    let url = database().await;
    let ledger = node(&url, 1).await;
    let to = integration(1);
    for seq in 1..=2 {
        let mut new = commit(1, (seq > 1).then_some(seq - 1), seq);
        new.deliveries = vec![delivery(1, seq, to, 60)];
        ledger.commit(new).await.unwrap();
    }
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let forgotten = "delete from deliveries where seq = 1; update deliveries set accepted_at = 1700086400000000";
    sqlx::raw_sql(forgotten).execute(&pool).await.unwrap();
    assert_eq!(ledger.mend(at(100)).await.unwrap(), 1);
    let due = ledger.claim(claim(lane(to), 100, 160, 10)).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(ledger.mend(at(100)).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_never_waits_for_one_that_was_settled_meanwhile() {
    let url = database().await;
    let (one, two) = (node(&url, 1).await, node(&url, 2).await);
    let to = integration(1);
    // One node commits a customer's next delivery while another settles the one before.
    for number in 0..60 {
        let mut first = commit(number, None, 1);
        first.deliveries = vec![delivery(number, 1, to, 60)];
        one.commit(first).await.unwrap();
        let mut next = commit(number, Some(1), 2);
        next.deliveries = vec![delivery(number, 2, to, 60)];
        let before = settlement(number, delivery(number, 1, to, 1).id, 0, 5, Next::Delivered);
        let (committed, settled) = tokio::join!(one.commit(next), two.settle(before, at(70)));
        let ready = match committed.unwrap() {
            ledger::Committed::Done { ready } => ready.len(),
            other => panic!("{other:?}"),
        };
        let released = settled.unwrap().released.len();
        // Where one looked while the other woke it, neither has it: it is due, and whoever claims next has it.
        let due = one.claim(claim(lane(to), 6, 66, 10)).await.unwrap();
        assert_eq!(ready + released + due.len(), 1, "exactly one has it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_nodes_hear_of_what_is_written() {
    let url = database().await;
    let (one, two) = (node(&url, 1).await, node(&url, 2).await);
    let mut news = two.news().unwrap();
    // It listens from a moment on that nobody is told of: what is written after it is heard.
    let writing = async {
        for number in 1.. {
            one.commit(commit(number, None, 1)).await.unwrap();
        }
    };
    tokio::select! {
        heard = news.changed() => heard.unwrap(),
        () = writing => unreachable!("it writes on and on"),
    }
}

/// Whatever is done with every message and delivery has to find its rows by index, even when the tables were empty, or had just been emptied,
/// when they were last looked at.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_hot_is_scanned_for_whatever_statistics_say() {
    let url = database().await;
    let ledger: Arc<dyn Ledger> = Arc::new(node(&url, 1).await);
    let to = integration(1);
    for number in 0..50 {
        let mut new = commit(number, None, 1);
        new.deliveries = vec![delivery(number, 1, to, 5)];
        ledger.commit(new).await.unwrap();
    }
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = one.connect(&url).await.unwrap();
    sqlx::query("analyze").execute(&pool).await.unwrap();
    // Statistics now say that there are few; then there are many.
    for many in [
        "insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, detail)
         select customer, gen_random_uuid(), project, event, seq, gen_random_uuid(), message, 0, 0, 0, accepted_at, due_at, '' from deliveries,
         generate_series(1, 2000)",
        "insert into customers (id, project, version, seq, body)
         select gen_random_uuid(), project, 1, 1, body from customers, generate_series(1, 500)",
        "insert into aliases (project, app_user_id, customer)
         select project, app_user_id || '-' || n, customer from aliases, generate_series(1, 500) n",
        "insert into chains (app, environment, id, chain, customer)
         select app, environment, id || '-' || n, chain, customer from chains, generate_series(1, 500) n",
        "insert into events (customer, id, project, key, kind, recorded_at, body, not_sent)
         select customer, gen_random_uuid(), project, key || '-' || n, kind, recorded_at, body, not_sent from events, generate_series(1, 500) n",
    ] {
        sqlx::query(many).execute(&pool).await.unwrap();
    }
    let before = scans(&pool).await;
    for _ in 0..5 {
        let due = claim(lane(to), 5, 65, 10);
        assert_eq!(ledger.claim(due).await.unwrap().len(), 10);
    }
    assert_eq!(ledger.lanes_due(&[lane(to)], at(4)).await.unwrap(), []);
    for number in 0..20 {
        let loaded = ledger.load(&wanted(number)).await.unwrap();
        let version = loaded.customer.unwrap().version;
        // It waits for the first, which is settled then and releases it.
        let mut next = commit(number, Some(version), 2);
        next.deliveries = vec![delivery(number, 2, to, 5)];
        ledger.commit(next).await.unwrap();
        let first = delivery(number, 1, to, 5).id;
        let settled = settlement(number, first, 0, 6, Next::Delivered);
        let settled = ledger.settle(settled, at(70)).await.unwrap();
        assert_eq!(settled.released.len(), 1, "{number}");
    }
    assert_eq!(scans(&pool).await, before, "nothing is scanned");
}

/// A page shows fifty events of however many: whatever statistics say, it does not go through the others.
#[tokio::test(flavor = "multi_thread")]
async fn pages_read_what_they_show_whatever_statistics_say() {
    let url = database().await;
    let ledger = node(&url, 1).await;
    let to = integration(1);
    for number in 0..20 {
        let mut new = commit(number, None, 1);
        new.deliveries = vec![delivery(number, 1, to, 5)];
        ledger.commit(new).await.unwrap();
        let (first, next) = (
            delivery(number, 1, to, 5).id,
            Next::Failed(NotSent::NetworkError),
        );
        let settled = settlement(number, first, 0, 6, next);
        ledger.settle(settled, at(70)).await.unwrap();
    }
    read(&ledger, 0).await;
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = one.connect(&url).await.unwrap();
    for sql in [
        "analyze",
        // Many more, delivered long ago; the indexes of those that are open still hold them.
        "insert into feed (position, event, customer, project, kind, app, environment, recorded_at)
         select 100 + n, gen_random_uuid(), customer, project, kind, app, environment, recorded_at
         from generate_series(1, 40000) n, (select * from feed order by position limit 1) f",
        "update feed_head set last = 40100",
        "insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, detail)
         select d.customer, gen_random_uuid(), d.project, f.event, 1, d.integration, d.message, 0, 1, 1, d.accepted_at, d.due_at, ''
         from feed f, (select * from deliveries limit 1) d where f.position > 100",
        "update deliveries set status = 1 where status = 0",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let before = touched(&pool).await;
    for state in [DeliveryState::Failed, DeliveryState::Pending] {
        let filter = EventFilter {
            delivery: Some((None, state)),
            ..EventFilter::default()
        };
        let rows = ledger
            .events(&filter, Page::Before(None, 50))
            .await
            .unwrap();
        let expected = if state == DeliveryState::Failed {
            20
        } else {
            0
        };
        assert_eq!(rows.len(), expected, "{state:?}");
    }
    let older = Page::Before(Some(100), 10);
    assert_eq!(
        ledger
            .events(&EventFilter::default(), older)
            .await
            .unwrap()
            .len(),
        10
    );
    let read = touched(&pool).await - before;
    assert!(read < 2_000, "{read} rows of the feed were looked at");
}

/// Rows of the feed that were read so far, in whatever way.
async fn touched(pool: &sqlx::PgPool) -> i64 {
    // As below.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let flush = sqlx::query("select pg_stat_force_next_flush()");
    flush.execute(pool).await.unwrap();
    let sql = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_user_tables where relname = 'feed'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Rows that were read by scanning, of tables that grow.
async fn scans(pool: &sqlx::PgPool) -> i64 {
    // What each connection counts is told to the others now and then; this one tells it at once.
    let flush = sqlx::query("select pg_stat_force_next_flush()");
    flush.execute(pool).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let sql = "select coalesce(sum(seq_tup_read), 0)::bigint from pg_stat_user_tables where relname ~ '^(deliveries|events|event_keys|customers|aliases|chains|purchases|transactions|inbox|attempts)'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}
