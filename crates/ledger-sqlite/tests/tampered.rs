//! What was tampered with, or written by something else, is told and never becomes something else.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use ledger::contract::{
    Reading::{self, *},
    Subject, can_be_read, cannot_be_read, one_of_everything, others_go_on,
};
use ledger::invariants::Invariant;
use ledger_sqlite::SqliteLedger;
use rusqlite::Connection;
use std::{path::PathBuf, sync::Arc};

/// A statement, what is read then, and which column of which table cannot be read.
const CASES: &[(&str, Reading, &str, &str)] = &[
    (
        "UPDATE customers SET body = '{}'",
        Load,
        "customers",
        "body",
    ),
    (
        "UPDATE customers SET body = '{}'",
        Customers,
        "customers",
        "body",
    ),
    (
        "UPDATE customers SET version = -1",
        Customer,
        "customers",
        "version",
    ),
    (
        "UPDATE customers SET seq = 'many'",
        Load,
        "customers",
        "seq",
    ),
    (
        "UPDATE purchases SET store = 'amazon'",
        Load,
        "purchases",
        "store",
    ),
    (
        "UPDATE purchases SET store = 'amazon'",
        Customer,
        "purchases",
        "store",
    ),
    (
        "UPDATE purchases SET environment = 'moon'",
        Customer,
        "purchases",
        "environment",
    ),
    (
        "UPDATE purchases SET snapshot = '{}'",
        Load,
        "purchases",
        "snapshot",
    ),
    (
        "UPDATE purchases SET terms = '7'",
        Load,
        "purchases",
        "terms",
    ),
    (
        "UPDATE purchases SET formers = '7'",
        Customer,
        "purchases",
        "formers",
    ),
    (
        "UPDATE transactions SET body = '{}'",
        Load,
        "transactions",
        "body",
    ),
    (
        "UPDATE chains SET customer = X'01'",
        Load,
        "chains",
        "customer",
    ),
    ("UPDATE events SET body = X'01'", Events, "events", "body"),
    (
        "UPDATE events SET not_sent = '7'",
        Events,
        "events",
        "not_sent",
    ),
    (
        "UPDATE events SET kind = 'whim'",
        Delivery,
        "events",
        "kind",
    ),
    (
        "UPDATE deliveries SET status = 9",
        Events,
        "deliveries",
        "status",
    ),
    (
        "UPDATE deliveries SET status = 9",
        Delivery,
        "deliveries",
        "status",
    ),
    (
        "UPDATE deliveries SET reason = 'whim'",
        Events,
        "deliveries",
        "reason",
    ),
    (
        "UPDATE deliveries SET reason = 'whim'",
        Delivery,
        "deliveries",
        "reason",
    ),
    (
        "UPDATE deliveries SET message = '7'",
        Delivery,
        "deliveries",
        "message",
    ),
    (
        "UPDATE deliveries SET due_at = 9223372036854775807",
        Delivery,
        "deliveries",
        "due_at",
    ),
    (
        "UPDATE deliveries SET integration = X'01'",
        Delivery,
        "deliveries",
        "integration",
    ),
    (
        "UPDATE attempts SET reason = 'whim'",
        Attempts,
        "attempts",
        "reason",
    ),
    (
        "UPDATE attempts SET reason = 'whim'",
        Delivery,
        "attempts",
        "reason",
    ),
    (
        "UPDATE attempts SET status = 99999",
        Attempts,
        "attempts",
        "status",
    ),
    (
        "UPDATE attempts SET request = X'01'",
        Delivery,
        "attempts",
        "request",
    ),
    ("UPDATE inbox SET body = X'01'", Message, "inbox", "body"),
    (
        "UPDATE inbox SET source = 'amazon'",
        Message,
        "inbox",
        "source",
    ),
    (
        "UPDATE inbox SET retry_at = NULL",
        Parked,
        "inbox",
        "retry_at",
    ),
    ("UPDATE inbox SET tries = -1", Parked, "inbox", "tries"),
    (
        "UPDATE tallies SET kind = 'whim'",
        Tallies,
        "tallies",
        "kind",
    ),
    (
        "UPDATE tallies SET environment = 'moon'",
        Tallies,
        "tallies",
        "environment",
    ),
    (
        "UPDATE projects SET body = '{}'",
        Configuration,
        "projects",
        "body",
    ),
    (
        "UPDATE users SET body = '{}'",
        Configuration,
        "users",
        "body",
    ),
    (
        "UPDATE exchange_rates SET day = 'someday'",
        Rates,
        "exchange_rates",
        "day",
    ),
    (
        "UPDATE exchange_rates SET currency = '?'",
        Rates,
        "exchange_rates",
        "currency",
    ),
    (
        "UPDATE marks SET at = 9223372036854775807",
        Mark,
        "marks",
        "at",
    ),
    (
        "UPDATE sessions SET expires_at = 9223372036854775807",
        Sessions,
        "sessions",
        "expires_at",
    ),
    (
        "UPDATE second_factors SET made_at = 9223372036854775807",
        SecondFactor,
        "second_factors",
        "made_at",
    ),
    (
        "UPDATE second_factors SET step = -1",
        SecondFactor,
        "second_factors",
        "step",
    ),
    ("UPDATE audit_log SET at = 'then'", Audit, "audit_log", "at"),
    ("UPDATE replays SET body = '{}'", Replays, "replays", "body"),
];

async fn written(name: &str) -> (Subject, Connection) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tampered-{name}.db"));
    for old in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{old}", path.display()));
        assert!(!old.exists() || std::fs::remove_file(old).is_ok());
    }
    let ledger: Subject = Arc::new(SqliteLedger::open(&path).unwrap());
    one_of_everything(&ledger).await;
    let connection = Connection::open(path).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    (ledger, connection)
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let (ledger, _) = written("not").await;
    can_be_read(&ledger).await;
    for (number, (tamper, reading, table, column)) in CASES.iter().enumerate() {
        let (ledger, connection) = written(&number.to_string()).await;
        assert!(connection.execute(tamper, []).unwrap() > 0, "{tamper}");
        cannot_be_read(&ledger, *reading, table, column).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_holds_up_no_other() {
    let (ledger, connection) = written("queue").await;
    connection
        .execute_batch(
            "UPDATE events SET body = X'01' WHERE customer = (SELECT customer FROM aliases WHERE app_user_id = 'user-1');
             UPDATE purchases SET environment = 'moon' WHERE customer = (SELECT customer FROM aliases WHERE app_user_id = 'user-1');
             UPDATE inbox SET body = X'01' WHERE key = '1';
             UPDATE replays SET body = '{}'",
        )
        .unwrap();
    others_go_on(&ledger).await;
}

#[tokio::test]
async fn what_refers_to_nothing_is_counted() {
    let (ledger, connection) = written("references").await;
    let findings = async || {
        let findings = ledger.inspect().await.unwrap().into_iter();
        let dangling = findings.filter(|finding| finding.invariant == Invariant::NothingDangles);
        dangling.map(|finding| finding.what).collect::<Vec<_>>()
    };
    assert_eq!(findings().await, Vec::<String>::new());
    connection
        .execute_batch("DELETE FROM chains; DELETE FROM customers WHERE id IN (SELECT customer FROM aliases WHERE app_user_id = 'user-1')")
        .unwrap();
    connection
        .execute_batch("UPDATE attempts SET delivery = X'01' || randomblob(4)")
        .unwrap();
    assert_eq!(
        findings().await,
        [
            "1 of purchases refer to nothing in customers",
            "2 of attempts refer to nothing in deliveries",
            "2 of purchases refer to nothing in chains",
            "1 of aliases refer to nothing in customers",
        ]
    );
}
