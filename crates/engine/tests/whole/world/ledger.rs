//! A new ledger for each world: SQLite, or PostgreSQL when `TIDINGS_TEST_LEDGER` says `postgres`. What holds on one holds on the
//! other.

use jiff::Timestamp;
use ledger::Ledger;
use ledger_postgres::{Connections, PostgresLedger};
use ledger_sqlite::SqliteLedger;
use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};
use throwaway::Cluster;

static NUMBER: AtomicU64 = AtomicU64::new(0);
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]).unwrap());

#[expect(clippy::disallowed_methods, reason = "chosen by `cargo xtask test`")]
fn is_postgres() -> bool {
    match std::env::var("TIDINGS_TEST_LEDGER").as_deref() {
        Err(_) | Ok("sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("TIDINGS_TEST_LEDGER is {other:?}: sqlite or postgres"),
    }
}

pub(crate) async fn ledger(now: Timestamp) -> Arc<dyn Ledger> {
    if is_postgres() {
        let url = tokio::task::spawn_blocking(|| CLUSTER.database().unwrap())
            .await
            .unwrap();
        let connections = Connections { hot: 4, reads: 3 };
        return Arc::new(
            PostgresLedger::open(&url, connections, uuid::Uuid::nil(), now)
                .await
                .unwrap(),
        );
    }
    Arc::new(SqliteLedger::open(file()).unwrap())
}

/// One that another release wrote. SQLite, whatever the tests are run on.
pub(crate) fn written_earlier(dump: &str) -> Arc<dyn Ledger> {
    let path = file();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(dump).unwrap();
    drop(connection);
    Arc::new(SqliteLedger::open(path).unwrap())
}

/// Where nothing is yet.
fn file() -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("world-{}-{number}.db", std::process::id()));
    for suffix in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{suffix}", path.display()));
        assert!(!old.exists() || std::fs::remove_file(old).is_ok());
    }
    path
}
