//! A file has one server, and what a former one had leased is free.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{DeliveryId, NotSent};
use ledger::{
    Commits, Deliveries, FIRST_ANSWER, Inbox, LedgerError, Next,
    contract::{at, claim, commit, delivery, integration, lane, message, settlement},
};
use ledger_sqlite::SqliteLedger;
use std::{fs, path::PathBuf};

fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.db"));
    for old in ["", "-wal", "-shm", "-server"] {
        let old = PathBuf::from(format!("{}{old}", path.display()));
        assert!(!old.exists() || fs::remove_file(old).is_ok());
    }
    path
}

/// The `seq`th event of a customer, with a delivery that is leased until second 60, or waits for its turn.
async fn told(ledger: &SqliteLedger, number: u64, seq: u64) -> DeliveryId {
    let mut write = commit(number, (seq > 1).then_some(seq - 1), seq);
    let leased = delivery(number, seq, integration(1), 60);
    let id = leased.id;
    write.deliveries = vec![leased];
    ledger.commit(write).await.unwrap();
    id
}

async fn claimed(ledger: &SqliteLedger, second: i64) -> Vec<DeliveryId> {
    let due = claim(lane(integration(1)), second, second + 60, 100);
    let leases = ledger.claim(due).await.unwrap().into_iter();
    leases.map(|lease| lease.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_that_is_gone_had_leased_is_due_and_nothing_else() {
    let path = path("sole-leases");
    let gone = SqliteLedger::serve(&path, at(0)).await.unwrap();
    let leased = told(&gone, 1, 1).await;
    let behind = told(&gone, 1, 2).await;
    let resting = told(&gone, 2, 1).await;
    let later = Next::Retry(NotSent::NetworkError, at(300));
    let tried = settlement(2, resting, 0, 3, later);
    gone.settle(tried, at(63)).await.unwrap();
    // One whose store is being asked, one whose store did not answer.
    for (number, parked) in [(900, 1), (901, 2)] {
        let mut message = message(number);
        message.received_at = at(1);
        for _ in 0..parked {
            let reason = "waiting for the answer of the store".to_owned();
            let until = at(1) + FIRST_ANSWER;
            gone.park(message.clone(), reason, until).await.unwrap();
        }
    }
    drop(gone);

    let ledger = SqliteLedger::serve(&path, at(4)).await.unwrap();
    let due = ledger.due_parked(at(4), &[], 10).await.unwrap();
    let due: Vec<_> = due.iter().map(|parked| parked.message.id).collect();
    assert_eq!(due, [message(900).id]);
    assert_eq!(claimed(&ledger, 4).await, [leased], "the first of its line");
    assert_eq!(claimed(&ledger, 5).await, [], "now it is leased again");
    let sent = settlement(1, leased, 0, 6, Next::Delivered);
    let settled = ledger.settle(sent, at(66)).await.unwrap();
    assert_eq!(settled.released[0].id, behind);
    assert_eq!(claimed(&ledger, 300).await.last(), Some(&resting));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_one_server_and_other_programs_may_open_it() {
    let path = path("sole-server");
    let one = SqliteLedger::serve(&path, at(0)).await.unwrap();
    let other = SqliteLedger::serve(&path, at(0)).await;
    let refused = other.unwrap_err();
    assert!(matches!(refused, LedgerError::Refused(_)), "{refused:?}");
    assert!(refused.to_string().contains("another server runs on"));
    let leased = told(&one, 1, 1).await;
    drop(SqliteLedger::open(&path).unwrap());
    assert_eq!(claimed(&one, 4).await, [], "{leased} is still leased");
    drop(one);
    SqliteLedger::serve(&path, at(4)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_one_server_whatever_name_it_is_reached_by() {
    let path = path("sole-names");
    let one = SqliteLedger::serve(&path, at(0)).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let soft = elsewhere.path().join("soft.db");
    std::os::unix::fs::symlink(&path, &soft).unwrap();
    let refused = SqliteLedger::serve(&soft, at(0)).await.unwrap_err();
    assert!(
        refused.to_string().contains("another server runs on"),
        "{refused}"
    );
    let hard = path.with_file_name("sole-names-hard.db");
    assert!(!hard.exists() || fs::remove_file(&hard).is_ok());
    fs::hard_link(&path, &hard).unwrap();
    // Under either name: whose log is the right one cannot be told.
    for name in [&hard, &path] {
        let refused = SqliteLedger::serve(name, at(0)).await.unwrap_err();
        assert!(refused.to_string().contains("has 2 names"), "{refused}");
        assert!(
            SqliteLedger::open(name).is_err(),
            "nor by any other program"
        );
    }
    // Whoever serves it goes on.
    let leased = told(&one, 1, 1).await;
    assert_eq!(claimed(&one, 4).await, [], "{leased} is leased");
    fs::remove_file(&hard).unwrap();
    drop(SqliteLedger::open(&path).unwrap());
    drop(one);
    SqliteLedger::serve(&soft, at(4)).await.unwrap();
}
