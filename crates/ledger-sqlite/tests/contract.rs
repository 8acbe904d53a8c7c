//! The contract suite of `ledger`, on `SQLite`.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use ledger::contract::Subject;
use ledger_sqlite::SqliteLedger;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A ledger in a new file under the build directory.
fn fresh() -> std::future::Ready<Subject> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("contract-{}-{number}.db", std::process::id()));
    for old in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{old}", path.display()));
        assert!(!old.exists() || std::fs::remove_file(old).is_ok());
    }
    std::future::ready(Arc::new(SqliteLedger::open(path).unwrap()))
}

ledger::contract_tests!(fresh());
