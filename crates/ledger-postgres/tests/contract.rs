//! The contract suite of `ledger`, on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::Timestamp;
use ledger::contract::Subject;
use ledger_postgres::{Connections, PostgresLedger};
use std::sync::{Arc, LazyLock};
use throwaway::Cluster;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]).unwrap());

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A ledger in a new database.
async fn fresh() -> Subject {
    let url = tokio::task::spawn_blocking(|| CLUSTER.database().unwrap())
        .await
        .unwrap();
    let connections = Connections { hot: 6, reads: 4 };
    Arc::new(
        PostgresLedger::open(&url, connections, uuid::Uuid::nil(), now())
            .await
            .unwrap(),
    )
}

ledger::contract_tests!(fresh());
