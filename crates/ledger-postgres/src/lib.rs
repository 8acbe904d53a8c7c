//! The ledger on PostgreSQL, for as many nodes as one likes.
//!
//! **How it works.** Commits and settlements are gathered (`batch`) into transactions of batch-shaped statements. Customers are
//! written against their version, deliveries claimed by moving `due_at`: no node ever waits for a decision of another, and none
//! leads. Readers see events in an order that is given after they were committed (`events::place`), so that none is skipped.
//!
//! **What it does not do.** No transaction is open while anything is computed or sent, and `NOTIFY` is never part of one that
//! writes: it goes out on a connection of its own, and whoever misses it looks again by himself.
//!
//! **Before changing it.** Statements are checked against a real database when compiled, from what `.sqlx` remembers of it;
//! `cargo xtask sql` renews that. A new one belongs into the contract suite of `ledger` first, and has to be of a shape that a
//! distributed PostgreSQL takes.
#![warn(missing_docs)]

mod accounts;
mod audit;
mod batch;
mod checks;
mod clock;
mod codec;
mod commits;
mod configuration;
mod customers;
mod deliveries;
pub mod distributed;
mod elsewhere;
mod events;
mod feed;
mod forget;
mod held;
mod holdings;
mod import;
mod inbox;
mod lease;
mod line;
mod look;
mod migrate;
mod news;
mod outcomes;
mod partitions;
mod primary;
mod queue;
mod records;
mod references;
mod replays;
mod second_factors;
mod sessions;
mod settings;
mod settle;
mod tallies;
mod transaction;
mod upkeep;

pub(crate) use distributed::Layout;
pub use import::Import;
pub use migrate::migrate;
pub(crate) use transaction::Tx;

use batch::{Batcher, patiently};
use commits::write;
use jiff::Timestamp;
use ledger::{LedgerError, Result, codec::Prepared};
use primary::Hosts;
use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Rows of its own in tables that every node counts in; two nodes that draw the same only wait for each other.
const NODES: u128 = 64;

/// A ledger in one database of PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresLedger {
    layout: Layout,
    /// For what is written and looked up on the way of every message.
    hot: PgPool,
    /// For pages and lists.
    reads: PgPool,
    commits: Batcher<Prepared>,
    settlements: Batcher<settle::Prepared>,
    news: news::News,
}

/// How many connections a node holds, at most.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// For what is written and looked up on the way of every message.
    pub hot: u32,
    /// For pages and lists.
    pub reads: u32,
}

impl Default for Connections {
    fn default() -> Self {
        Self { hot: 8, reads: 6 }
    }
}

fn pool(
    options: &PgConnectOptions,
    most: u32,
    settings: &'static str,
    switched: primary::Switched,
) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_mins(5))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(settings).execute(connection).await?;
                Ok(())
            })
        })
        // One that was used a moment ago is not asked whether it is alive: that is a round trip, for every statement.
        .test_before_acquire(false)
        .before_acquire(move |connection, known| {
            let admitted = switched.admits(known.age);
            Box::pin(async move {
                if admitted && known.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(admitted)
            })
        })
        .connect_lazy_with(options.clone())
}

/// A connection that was not used for so long may have been lost unnoticed.
const RESTED: Duration = Duration::from_millis(500);

/// Plans by index whatever statistics say: a batch of a few hundred rows must not become a scan because a table was small, or
/// empty, when it was last looked at. A node that is stopped in the middle of a transaction gives up what it holds.
const HOT: &str = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off;
    set statement_timeout = '15s'; set lock_timeout = '5s'; set idle_in_transaction_session_timeout = '5s'";

/// Filters that are absent vanish from a plan that is made for the values at hand. Pages show little of much: by index, for the same
/// reason.
const READS: &str = "set plan_cache_mode = force_custom_plan; set enable_seqscan = off; set enable_bitmapscan = off;
    set enable_hashjoin = off; set enable_mergejoin = off; set jit = off; set statement_timeout = '30s';
    set idle_in_transaction_session_timeout = '30s'";

impl PostgresLedger {
    /// Opens the ledger at a URL of the form `postgres://user:password@host:5432/database`, as a node with an id of its own. Several
    /// hosts with commas between are a primary and its standbys: whichever takes writes is used.
    /// Brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read, the database cannot be reached, was written by a later release, or is being [filled](Import).
    pub async fn open(
        url: &str,
        connections: Connections,
        node: Uuid,
        now: Timestamp,
    ) -> Result<Self> {
        let hosts = Hosts::parse(url)?;
        let options = hosts.writable().await?;
        migrate::migrate_at(options.clone(), now).await?;
        let switched = primary::Switched::default();
        let hot = pool(&options, connections.hot, HOT, switched.clone());
        let reads = pool(&options, connections.reads, READS, switched.clone());
        if import::is_half_done(&reads).await? {
            return Err(LedgerError::Refused(
                "a copy into the database was begun and is not done: run `tidings copy` again, which goes on where it stopped".into(),
            ));
        }
        let layout = distributed::layout(&reads).await?;
        let node = i16::try_from(node.as_u128() % NODES).unwrap_or_default();
        let (current, _) = watch::channel(options);
        let news = news::News::start(current.subscribe(), &hot);
        if hosts.are_several() {
            let pools = [hot.clone(), reads.clone()];
            tokio::spawn(primary::follow(
                hosts,
                current,
                pools,
                switched,
                news.alive(),
            ));
        }
        let (pool, told) = (hot.clone(), news.clone());
        let commits = Batcher::start(move |works: std::sync::Arc<Vec<Prepared>>| {
            let (pool, told) = (pool.clone(), told.clone());
            async move {
                let done = patiently(|| write(&pool, layout, node, works.clone())).await?;
                told.spread();
                Ok(done)
            }
        });
        let pool = hot.clone();
        let settlements = Batcher::start(move |works: std::sync::Arc<Vec<settle::Prepared>>| {
            let pool = pool.clone();
            async move { patiently(|| settle::settle(&pool, layout, works.clone())).await }
        });
        Ok(Self {
            layout,
            hot,
            reads,
            commits,
            settlements,
            news,
        })
    }
}
