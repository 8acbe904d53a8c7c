//! A new ledger for each world: SQLite, or PostgreSQL when `TIDINGS_TEST_LEDGER` says `postgres`. What holds on one holds on the
//! other.

use jiff::Timestamp;
use ledger::Ledger;
use ledger_postgres::{Connections, PostgresLedger};
use ledger_sqlite::SqliteLedger;
use std::{
    path::{Path, PathBuf},
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

/// Where files of SQLite are. `cargo xtask truth` keeps them in memory, where nothing waits for a disk.
fn folder() -> PathBuf {
    let told = std::env::var_os("TIDINGS_TEST_FOLDER");
    told.map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from)
}

/// Files of SQLite, which go when nobody needs them; after a failure they stay, for who looks into it.
pub(crate) struct Files(Option<PathBuf>);

impl Files {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    fn remove(path: &Path) -> bool {
        ["", "-wal", "-shm"].iter().all(|suffix| {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            !file.exists() || std::fs::remove_file(file).is_ok()
        })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let path = self.0.take().filter(|_| !std::thread::panicking());
        if let Some(path) = path
            && !Self::remove(&path)
        {
            eprintln!("{} could not be removed", path.display());
        }
    }
}

/// One that is empty, and what is to be kept as long as it is used.
pub(crate) async fn ledger(now: Timestamp) -> (Arc<dyn Ledger>, Files) {
    if is_postgres() {
        let url = tokio::task::spawn_blocking(|| CLUSTER.database().unwrap())
            .await
            .unwrap();
        let connections = Connections { hot: 4, reads: 3 };
        let ledger = PostgresLedger::open(&url, connections, uuid::Uuid::nil(), now).await;
        return (Arc::new(ledger.unwrap()), Files(None));
    }
    let path = file();
    let ledger = SqliteLedger::open(path.clone()).unwrap();
    (Arc::new(ledger), Files(Some(path)))
}

/// One that another release wrote. SQLite, whatever the tests are run on.
pub(crate) fn written_earlier(dump: &str) -> (Arc<dyn Ledger>, Files) {
    let path = file();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(dump).unwrap();
    drop(connection);
    let ledger = SqliteLedger::open(path.clone()).unwrap();
    (Arc::new(ledger), Files(Some(path)))
}

/// Where nothing is yet.
fn file() -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let path = folder().join(format!("world-{}-{number}.db", std::process::id()));
    assert!(Files::remove(&path));
    path
}
