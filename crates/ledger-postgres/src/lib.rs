//! The ledger on PostgreSQL, for as many nodes as one likes.
//!
//! **How it works.** Commits and settlements are gathered (`batch`) into transactions of batch-shaped statements. Customers are
//! written against their version, deliveries claimed by moving `due_at`: no node ever waits for a decision of another, and none
//! leads. Readers see events in an order that is given after they were committed (`feed::place`), so that none is skipped.
//!
//! **What it does not do.** No transaction is open while anything is computed or sent, and `NOTIFY` is never part of one that
//! writes: it goes out on a connection of its own, and whoever misses it looks again by himself.
//!
//! **Before changing it.** Statements are checked against a real database when compiled, from what `.sqlx` remembers of it;
//! `cargo xtask sql` renews that. A new one belongs into the contract suite of `ledger` first, and has to be of a shape that a
//! distributed PostgreSQL takes.
#![warn(missing_docs)]

mod accounts;
mod batch;
mod codec;
mod commits;
mod configuration;
mod deliveries;
pub mod distributed;
mod feed;
mod forget;
mod import;
mod load;
mod news;
mod partitions;
mod primary;
mod replays;

pub use import::Import;

use async_trait::async_trait;
use batch::{Batcher, patiently};
use codec::failed;
use domain::{
    AppId, CustomerId, DeliveryId, EventId, InboxId, IntegrationId, ProjectId, ReplayId, UserId,
    customer::Customer, rates::Rate,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    AttemptRecord, AuditEntry, Commit, Committed, Configuration, ConfigurationChange,
    CustomerRecord, DeliveryFilter, DeliveryRecord, DueCheck, EventFilter, FeedRow, InboxMessage,
    InboxRecord, Lease, Ledger, LedgerError, Loaded, NewDelivery, NewEvent, Page, Parked,
    ParkedCount, Replay, ReplayStep, Requeue, Result, Returned, Running, Session, Settled,
    Settlement, Tally, Wanted, codec::Prepared,
};
use primary::Hosts;
use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{num::NonZeroU32, time::Duration};
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
    settlements: Batcher<deliveries::Prepared>,
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

/// Where the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// All on one machine.
    OneMachine,
    /// Divided among several ([`distributed`]), which refuse some shapes of statements.
    Distributed,
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

/// Brings the schema up to date. Migrations only move forward; one node at a time carries them out.
pub async fn migrate(url: &str, now: Timestamp) -> Result<()> {
    migrate_at(Hosts::parse(url)?.writable().await?, now).await
}

async fn migrate_at(options: PgConnectOptions, now: Timestamp) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(options);
    let done = sqlx::migrate!("./migrations").run(&pool).await;
    done.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => failed(error),
        sqlx::migrate::MigrateError::VersionMissing(version) => LedgerError::Refused(format!(
            "the database was written by a later release (migration {version} is unknown to this one)"
        )),
        other => LedgerError::Refused(other.to_string()),
    })?;
    partitions::make(&pool, now).await?;
    pool.close().await;
    Ok(())
}

impl PostgresLedger {
    /// Opens the ledger at a URL of the form `postgres://user:password@host:5432/database`, as a node with an id of its own. Several
    /// hosts with commas between are a primary and its standbys: whichever takes writes is used.
    /// Brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read, the database cannot be reached, or was written by a later release.
    pub async fn open(
        url: &str,
        connections: Connections,
        node: Uuid,
        now: Timestamp,
    ) -> Result<Self> {
        let hosts = Hosts::parse(url)?;
        let options = hosts.writable().await?;
        migrate_at(options.clone(), now).await?;
        let switched = primary::Switched::default();
        let hot = pool(&options, connections.hot, HOT, switched.clone());
        let reads = pool(&options, connections.reads, READS, switched.clone());
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
                let done = patiently(|| commits::write(&pool, node, works.clone())).await?;
                told.spread();
                Ok(done)
            }
        });
        let pool = hot.clone();
        let settlements =
            Batcher::start(move |works: std::sync::Arc<Vec<deliveries::Prepared>>| {
                let pool = pool.clone();
                async move { patiently(|| deliveries::settle(&pool, works.clone())).await }
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

#[async_trait]
impl Ledger for PostgresLedger {
    async fn load(&self, wanted: &Wanted) -> Result<Loaded> {
        load::load(&self.hot, wanted).await
    }
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>> {
        load::known_keys(&self.hot, customers, keys).await
    }
    async fn commit(&self, commit: Commit) -> Result<Committed> {
        self.commits.write(Prepared::new(commit)?).await
    }
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool> {
        commits::park(&self.hot, &message, &reason, retry_at).await
    }
    async fn due_parked(&self, now: Timestamp, limit: usize) -> Result<Vec<Parked>> {
        load::due_parked(&self.reads, now, limit).await
    }
    async fn parked(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        before: Option<InboxId>,
        limit: usize,
    ) -> Result<Vec<Parked>> {
        load::parked(&self.reads, project, app, before, limit).await
    }
    async fn count_parked(&self, project: ProjectId, now: Timestamp) -> Result<Vec<ParkedCount>> {
        load::count_parked(&self.reads, project, now).await
    }
    async fn unpark(&self, project: ProjectId, id: Option<InboxId>, now: Timestamp) -> Result<u64> {
        load::unpark(&self.hot, project, id, now).await
    }
    async fn archive(
        &self,
        project: ProjectId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, InboxMessage)>> {
        load::archive(&self.reads, project, after, limit).await
    }
    async fn seen(&self, id: InboxId) -> Result<bool> {
        load::seen(&self.hot, id).await
    }
    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>> {
        load::inbox(&self.reads, id).await
    }
    async fn due_checks(&self, now: Timestamp, limit: usize) -> Result<Vec<DueCheck>> {
        load::due_checks(&self.reads, now, limit).await
    }
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        load::postpone_check(&self.hot, check, at).await
    }
    async fn claim(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Lease>> {
        deliveries::claim(&self.hot, self.layout, integration, now, lease_until, limit).await
    }
    async fn integrations_due(
        &self,
        among: &[IntegrationId],
        now: Timestamp,
    ) -> Result<Vec<IntegrationId>> {
        deliveries::integrations_due(&self.hot, self.layout, among, now).await
    }
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled> {
        let prepared = deliveries::Prepared::new(settlement, lease_until)?;
        self.settlements.write(prepared).await
    }
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64> {
        deliveries::hand_back(&self.hot, leases, now).await
    }
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64> {
        deliveries::requeue(&self.reads, &which, now).await
    }
    async fn commit_test(
        &self,
        event: NewEvent,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Committed> {
        let project = event.event.project;
        self.commit(Commit {
            events: vec![event],
            deliveries,
            ..Commit::of(project)
        })
        .await
    }
    async fn start_replay(&self, replay: Replay) -> Result<()> {
        replays::start(&self.reads, &replay).await
    }
    async fn replays(&self, project: ProjectId, limit: usize) -> Result<Vec<Replay>> {
        replays::of_project(&self.reads, project, limit).await
    }
    async fn running_replays(&self) -> Result<Vec<Replay>> {
        replays::running(&self.reads).await
    }
    async fn step_replay(&self, step: ReplayStep) -> Result<bool> {
        replays::step(&self.hot, &step).await
    }
    async fn cancel_replay(
        &self,
        project: ProjectId,
        id: ReplayId,
        now: Timestamp,
    ) -> Result<bool> {
        replays::cancel(&self.reads, project, id, now).await
    }
    async fn backlog(&self) -> Result<Vec<(IntegrationId, u64)>> {
        deliveries::backlog(&self.reads).await
    }
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<FeedRow>> {
        feed::events(&self.reads, filter, page).await
    }
    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<FeedRow>> {
        feed::event(&self.reads, project, id).await
    }
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>> {
        feed::deliveries(&self.reads, filter, before, limit).await
    }
    async fn delivery(&self, project: ProjectId, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
        feed::delivery(&self.reads, project, id).await
    }
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
        feed::attempts(&self.reads, id).await
    }
    async fn customers(
        &self,
        project: ProjectId,
        before: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<Customer>> {
        feed::customers(&self.reads, project, before, limit).await
    }
    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>> {
        feed::customer(&self.hot, project, who).await
    }
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool> {
        forget::forget(&self.reads, project, customer).await
    }
    async fn tallies(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Tally>> {
        feed::tallies(&self.reads, project, since).await
    }
    async fn running(&self, project: ProjectId, now: Timestamp) -> Result<Vec<Running>> {
        feed::running(&self.reads, project, now).await
    }
    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>> {
        forget::mark(&self.hot, app, name).await
    }
    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()> {
        forget::set_mark(&self.hot, app, name, at).await
    }
    async fn note(
        &self,
        project: ProjectId,
        who: &str,
        what: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<()> {
        let deed = accounts::Deed {
            at: now,
            who,
            what,
            subject,
            project: Some(project),
            before: "",
            after: "",
        };
        accounts::note(&self.reads, &deed).await
    }
    async fn audit(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        accounts::audit(&self.reads, project, before, limit).await
    }
    async fn open_session(&self, session: Session) -> Result<()> {
        accounts::open_session(&self.reads, &session).await
    }
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>> {
        accounts::session(&self.hot, digest, now).await
    }
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        accounts::sessions(&self.reads, user, now).await
    }
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()> {
        accounts::close_sessions(&self.reads, digest, user).await
    }
    async fn rates(&self) -> Result<Vec<Rate>> {
        forget::rates(&self.reads).await
    }
    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()> {
        forget::put_rates(&self.reads, &rates).await
    }
    async fn configuration(&self) -> Result<Configuration> {
        configuration::read(&self.reads).await
    }
    async fn configuration_revision(&self) -> Result<u64> {
        configuration::revision(&self.hot).await
    }
    async fn configure(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let done = configuration::apply(&self.reads, revision, &changes, by, now).await?;
        self.news.spread();
        Ok(done)
    }
    async fn retain(&self, attempts_before: Timestamp, limit: usize) -> Result<u64> {
        feed::place(&self.reads).await?;
        deliveries::retain(&self.reads, attempts_before, limit).await
    }
    async fn mend(&self, now: Timestamp) -> Result<u64> {
        deliveries::mend(&self.reads, now).await
    }
    async fn make_room(&self, now: Timestamp) -> Result<()> {
        partitions::make(&self.reads, now).await
    }
    fn news(&self) -> Option<watch::Receiver<u64>> {
        Some(self.news.heard())
    }
    async fn hold(&self, name: &str, holder: Uuid, lasts: SignedDuration) -> Result<bool> {
        news::hold(&self.hot, name, holder, lasts).await
    }
    async fn attend(&self, node: Uuid, lasts: SignedDuration) -> Result<NonZeroU32> {
        news::attend(&self.hot, node, lasts).await
    }
    async fn leave(&self, node: Uuid) -> Result<()> {
        news::leave(&self.hot, node).await
    }
    async fn inspect(&self) -> Result<Vec<String>> {
        partitions::inspect(&self.reads).await
    }
    async fn check(&self) -> Result<()> {
        sqlx::query!("insert into meta (name, value) values ('checks', 1) on conflict (name) do update set value = meta.value + 1")
            .execute(&self.hot)
            .await
            .map(|_| ())
            .map_err(failed)
    }
}
