//! What was tampered with, or written by something else, is told and never becomes something else.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::Timestamp;
use ledger::contract::{
    Reading::{self, *},
    Subject, can_be_read, cannot_be_read, one_of_everything, others_go_on,
};
use ledger::invariants::Invariant;
use ledger_postgres::{Connections, PostgresLedger, migrate};
use sqlx::PgPool;
use std::sync::{Arc, LazyLock};
use throwaway::Cluster;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]).unwrap());

/// A statement, what undoes it, what is read between, and which column of which table cannot be read.
const CASES: &[(&str, Reading, &str, &str)] = &[
    (
        "update customers set body = '{}'",
        Load,
        "customers",
        "body",
    ),
    (
        "update customers set body = '{}'",
        Customers,
        "customers",
        "body",
    ),
    (
        "update customers set version = -1",
        Customer,
        "customers",
        "version",
    ),
    ("update customers set seq = -1", Load, "customers", "seq"),
    (
        "update purchases set store = 'amazon'",
        Load,
        "purchases",
        "store",
    ),
    (
        "update purchases set store = 'amazon'",
        Customer,
        "purchases",
        "store",
    ),
    (
        "update purchases set environment = 'moon'",
        Customer,
        "purchases",
        "environment",
    ),
    (
        "update purchases set snapshot = '{}'",
        Load,
        "purchases",
        "snapshot",
    ),
    (
        "update purchases set terms = '7'",
        Load,
        "purchases",
        "terms",
    ),
    (
        "update purchases set formers = '7'",
        Customer,
        "purchases",
        "formers",
    ),
    (
        "update transactions set body = '{}'",
        Load,
        "transactions",
        "body",
    ),
    ("update events set body = '\\x01'", Events, "events", "body"),
    (
        "update events set not_sent = '7'",
        Events,
        "events",
        "not_sent",
    ),
    (
        "update events set kind = 'whim'",
        Delivery,
        "events",
        "kind",
    ),
    (
        "update deliveries set status = 9",
        Events,
        "deliveries",
        "status",
    ),
    (
        "update deliveries set status = 9",
        Delivery,
        "deliveries",
        "status",
    ),
    (
        "update deliveries set reason = 'whim'",
        Events,
        "deliveries",
        "reason",
    ),
    (
        "update deliveries set reason = 'whim'",
        Delivery,
        "deliveries",
        "reason",
    ),
    (
        "update deliveries set message = '7'",
        Delivery,
        "deliveries",
        "message",
    ),
    (
        "update deliveries set due_at = 9223372036854775807",
        Delivery,
        "deliveries",
        "due_at",
    ),
    (
        "update deliveries set attempts = -1",
        Events,
        "deliveries",
        "attempts",
    ),
    (
        "update attempts set reason = 'whim'",
        Attempts,
        "attempts",
        "reason",
    ),
    (
        "update attempts set reason = 'whim'",
        Delivery,
        "attempts",
        "reason",
    ),
    (
        "update attempts set status = 99999",
        Attempts,
        "attempts",
        "status",
    ),
    (
        "update attempts set request = '\\x01'",
        Delivery,
        "attempts",
        "request",
    ),
    ("update inbox set body = '\\x01'", Message, "inbox", "body"),
    (
        "update inbox set source = 'amazon'",
        Message,
        "inbox",
        "source",
    ),
    (
        "update inbox set retry_at = null",
        Parked,
        "inbox",
        "retry_at",
    ),
    ("update inbox set tries = -1", Parked, "inbox", "tries"),
    (
        "update tallies set kind = 'whim'",
        Tallies,
        "tallies",
        "kind",
    ),
    (
        "update tallies set environment = 'moon'",
        Tallies,
        "tallies",
        "environment",
    ),
    (
        "update projects set body = '{}'",
        Configuration,
        "projects",
        "body",
    ),
    (
        "update users set body = '{}'",
        Configuration,
        "users",
        "body",
    ),
    (
        "update exchange_rates set day = 'someday'",
        Rates,
        "exchange_rates",
        "day",
    ),
    (
        "update exchange_rates set currency = '?'",
        Rates,
        "exchange_rates",
        "currency",
    ),
    (
        "update marks set at = 9223372036854775807",
        Mark,
        "marks",
        "at",
    ),
    (
        "update sessions set expires_at = 9223372036854775807",
        Sessions,
        "sessions",
        "expires_at",
    ),
    (
        "update second_factors set made_at = 9223372036854775807",
        SecondFactor,
        "second_factors",
        "made_at",
    ),
    (
        "update second_factors set step = -1",
        SecondFactor,
        "second_factors",
        "step",
    ),
    (
        "update audit_log set at = 9223372036854775807",
        Audit,
        "audit_log",
        "at",
    ),
    ("update replays set body = '{}'", Replays, "replays", "body"),
];

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn database() -> String {
    let made = tokio::task::spawn_blocking(|| CLUSTER.database().unwrap());
    made.await.unwrap()
}

async fn written() -> (Subject, PgPool) {
    written_to(database().await).await
}

/// One that takes its tables for divided, whatever they are.
async fn written_as_divided() -> (Subject, PgPool) {
    let url = database().await;
    migrate(&url, now()).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let mark = "insert into meta (name, value) values ('distributed', 1)";
    sqlx::query(mark).execute(&pool).await.unwrap();
    written_to(url).await
}

async fn written_to(url: String) -> (Subject, PgPool) {
    let connections = Connections { hot: 2, reads: 2 };
    let node = uuid::Uuid::nil();
    let opened = PostgresLedger::open(&url, connections, node, now()).await;
    let ledger: Subject = Arc::new(opened.unwrap());
    one_of_everything(&ledger).await;
    // What is in the feed has its place before anything is tampered with.
    can_be_read(&ledger).await;
    (ledger, PgPool::connect(&url).await.unwrap())
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    for (tamper, reading, table, column) in CASES {
        let (ledger, pool) = written().await;
        let done = sqlx::query(*tamper).execute(&pool).await.unwrap();
        assert!(done.rows_affected() > 0, "{tamper}");
        cannot_be_read(&ledger, *reading, table, column).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_holds_up_no_other() {
    let (ledger, pool) = written().await;
    for tamper in [
        "update events set body = '\\x01' where customer = (select customer from aliases where app_user_id = 'user-1')",
        "update purchases set environment = 'moon' where customer = (select customer from aliases where app_user_id = 'user-1')",
        "update inbox set body = '\\x01' where key = '1'",
        "update replays set body = '{}'",
    ] {
        assert!(
            sqlx::query(tamper)
                .execute(&pool)
                .await
                .unwrap()
                .rows_affected()
                > 0,
            "{tamper}"
        );
    }
    others_go_on(&ledger).await;
}

#[tokio::test]
async fn what_refers_to_nothing_is_counted() {
    is_counted(written().await).await;
}

/// What may be on another machine is looked up there.
#[tokio::test]
async fn what_refers_to_nothing_is_counted_where_tables_are_divided() {
    is_counted(written_as_divided().await).await;
}

async fn is_counted((ledger, pool): (Subject, PgPool)) {
    let findings = async || {
        let findings = ledger.inspect().await.unwrap().into_iter();
        let dangling = findings.filter(|finding| finding.invariant == Invariant::NothingDangles);
        dangling.map(|finding| finding.what).collect::<Vec<_>>()
    };
    assert_eq!(findings().await, Vec::<String>::new());
    for tamper in [
        "delete from chains",
        "delete from customers where id in (select customer from aliases where app_user_id = 'user-1')",
        "update attempts set delivery = gen_random_uuid()",
        "delete from events where id in (select event from feed order by position limit 1)",
    ] {
        sqlx::query(tamper).execute(&pool).await.unwrap();
    }
    let queued = "insert into feed_queue (event, customer, project, kind, environment, recorded_at)
        select gen_random_uuid(), customer, project, kind, environment, recorded_at from feed order by position desc limit 1";
    sqlx::query(queued).execute(&pool).await.unwrap();
    assert_eq!(
        findings().await,
        [
            "1 of purchases refer to nothing in customers",
            "1 of deliveries refer to nothing in events",
            "2 of attempts refer to nothing in deliveries",
            "2 of purchases refer to nothing in chains",
            "1 of aliases refer to nothing in customers",
            "1 of feed refer to nothing in events",
            "1 of feed_queue refer to nothing in events",
        ]
    );
}
