//! The embedded ledger: one `SQLite` file.
//!
//! **How it works.** One writer thread with group commit (`writer`), a pool of read connections, a thread that
//! checkpoints. Write-ahead log, `synchronous = FULL`: a caller is answered when the log is on disk (decision record 0001
//! says what `NORMAL` would risk). Reads never wait for the writer, and no transaction is ever held across an await.
//!
//! **Before changing it.** Statements are written for batches of one savepoint each; a new one belongs into the contract
//! suite of `ledger` first.
#![warn(missing_docs)]

mod accounts;
mod backup;
mod codec;
mod commits;
mod configuration;
mod deliveries;
mod export;
mod feed;
mod forget;
mod replays;
mod writer;

pub use backup::backup;
pub use export::{Export, Key};

use async_trait::async_trait;
use codec::failed;
use domain::{
    AppId, CustomerId, DeliveryId, EventId, InboxId, IntegrationId, ProjectId, ReplayId, UserId,
    customer::Customer, rates::Rate,
};
use jiff::Timestamp;
use ledger::{
    AttemptRecord, AuditEntry, Commit, Committed, Configuration, ConfigurationChange,
    CustomerRecord, DeliveryFilter, DeliveryRecord, DueCheck, EventFilter, FeedRow, InboxMessage,
    InboxRecord, Lease, Ledger, LedgerError, Loaded, NewDelivery, NewEvent, Page, Parked,
    ParkedCount, Replay, ReplayStep, Requeue, Result, Returned, Running, Session, Settled,
    Settlement, Tally, Wanted, codec::Prepared,
};
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use writer::Writer;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_ledger.sql"),
    include_str!("../migrations/0002_stores_and_customers.sql"),
    include_str!("../migrations/0003_pages.sql"),
    include_str!("../migrations/0004_replays_and_sessions.sql"),
    include_str!("../migrations/0005_rare_events.sql"),
    include_str!("../migrations/0006_traces.sql"),
];
const READERS_KEPT: usize = 8;

/// A ledger in one file, with its log beside it.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    path: PathBuf,
    writer: Writer,
    readers: Arc<Mutex<Vec<Connection>>>,
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Brings the schema up to date. Migrations only move forward; the number applied is `SQLite`'s `user_version`.
fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(failed)?;
    let applied: usize = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(failed)?;
    if applied > MIGRATIONS.len() {
        return Err(LedgerError::Refused(format!(
            "the database was written by a later release (schema {applied}, this release knows {})",
            MIGRATIONS.len()
        )));
    }
    for migration in &MIGRATIONS[applied..] {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "user_version", MIGRATIONS.len())
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

impl SqliteLedger {
    /// Opens or creates the ledger at `path`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let mut connection = connect(&path).map_err(failed)?;
        migrate(&mut connection)?;
        let wal = path.with_file_name(format!(
            "{}-wal",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        let unavailable = |error: std::io::Error| LedgerError::Unavailable(error.to_string());
        let writer = Writer::start(connection, wal).map_err(unavailable)?;
        let readers: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let (alive, checkpointing) = (Arc::downgrade(&readers), connect(&path).map_err(failed)?);
        // Ends with the ledger: the readers are the sign that it is still in use.
        let checkpoints = move || {
            while alive.upgrade().is_some() {
                writer::checkpoint(&checkpointing, "PASSIVE");
                thread::sleep(Duration::from_millis(250));
            }
        };
        thread::Builder::new()
            .name("ledger-checkpoint".into())
            .spawn(checkpoints)
            .map_err(unavailable)?;
        Ok(Self {
            path,
            writer,
            readers,
        })
    }

    /// Reads on the calling thread: for statements that take microseconds.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect_reader(&self.path).map_err(failed)?,
        };
        let result = work(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        result
    }

    /// Reads on a thread that may block: for pages and lists.
    async fn read_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let ledger = self.clone();
        let read = tokio::task::spawn_blocking(move || ledger.read(work));
        read.await
            .map_err(|error| LedgerError::Unavailable(error.to_string()))?
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn load(&self, wanted: &Wanted) -> Result<Loaded> {
        self.read(|connection| commits::load(connection, wanted))
    }
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>> {
        self.read(|connection| commits::known_keys(connection, customers, keys))
    }
    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let prepared = Prepared::new(commit)?;
        self.writer
            .write(move |connection| commits::commit(connection, &prepared))
            .await
    }
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool> {
        self.writer
            .write(move |connection| commits::park(connection, &message, &reason, retry_at))
            .await
    }
    async fn due_parked(&self, now: Timestamp, limit: usize) -> Result<Vec<Parked>> {
        self.read_long(move |connection| commits::due_parked(connection, now, limit))
            .await
    }
    async fn parked(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        before: Option<InboxId>,
        limit: usize,
    ) -> Result<Vec<Parked>> {
        self.read_long(move |connection| commits::parked(connection, project, app, before, limit))
            .await
    }
    async fn count_parked(&self, project: ProjectId, now: Timestamp) -> Result<Vec<ParkedCount>> {
        self.read_long(move |connection| commits::count_parked(connection, project, now))
            .await
    }
    async fn unpark(&self, project: ProjectId, id: Option<InboxId>, now: Timestamp) -> Result<u64> {
        self.writer
            .write(move |connection| commits::unpark(connection, project, id, now))
            .await
    }
    async fn archive(
        &self,
        project: ProjectId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, InboxMessage)>> {
        self.read_long(move |connection| commits::archive(connection, project, after, limit))
            .await
    }
    async fn seen(&self, id: InboxId) -> Result<bool> {
        self.read(|connection| commits::seen(connection, id))
    }
    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>> {
        self.read_long(move |connection| commits::inbox(connection, id))
            .await
    }
    async fn due_checks(&self, now: Timestamp, limit: usize) -> Result<Vec<DueCheck>> {
        self.read_long(move |connection| commits::due_checks(connection, now, limit))
            .await
    }
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        let check = check.clone();
        self.writer
            .write(move |connection| commits::postpone_check(connection, &check, at))
            .await
    }
    async fn claim(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Lease>> {
        let leases = self
            .writer
            .write(move |connection| {
                deliveries::claim(connection, integration, now, lease_until, limit)
            })
            .await?;
        leases
            .into_iter()
            .map(deliveries::RawLease::decode)
            .collect()
    }
    async fn integrations_due(
        &self,
        among: &[IntegrationId],
        now: Timestamp,
    ) -> Result<Vec<IntegrationId>> {
        let among = among.to_vec();
        self.read_long(move |connection| deliveries::integrations_due(connection, &among, now))
            .await
    }
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled> {
        let prepared = deliveries::Prepared::new(settlement)?;
        let (recorded, leases) = self
            .writer
            .write(move |connection| deliveries::settle(connection, &prepared, lease_until))
            .await?;
        Ok(Settled {
            recorded,
            released: leases
                .into_iter()
                .map(deliveries::RawLease::decode)
                .collect::<Result<_>>()?,
        })
    }
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64> {
        let leases = leases.to_vec();
        self.writer
            .write(move |connection| deliveries::hand_back(connection, &leases, now))
            .await
    }
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64> {
        self.writer
            .write(move |connection| deliveries::requeue(connection, &which, now))
            .await
    }
    async fn commit_test(
        &self,
        event: NewEvent,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Committed> {
        let project = event.event.project;
        let prepared = Prepared::new(Commit {
            events: vec![event],
            deliveries,
            ..Commit::of(project)
        })?;
        self.writer
            .write(move |connection| commits::commit(connection, &prepared))
            .await
    }
    async fn start_replay(&self, replay: Replay) -> Result<()> {
        self.writer
            .write(move |connection| replays::start(connection, &replay))
            .await
    }
    async fn replays(&self, project: ProjectId, limit: usize) -> Result<Vec<Replay>> {
        self.read_long(move |connection| replays::of_project(connection, project, limit))
            .await
    }
    async fn running_replays(&self) -> Result<Vec<Replay>> {
        self.read(replays::running)
    }
    async fn step_replay(&self, step: ReplayStep) -> Result<bool> {
        self.writer
            .write(move |connection| replays::step(connection, &step))
            .await
    }
    async fn cancel_replay(
        &self,
        project: ProjectId,
        id: ReplayId,
        now: Timestamp,
    ) -> Result<bool> {
        self.writer
            .write(move |connection| replays::cancel(connection, project, id, now))
            .await
    }
    async fn backlog(&self) -> Result<Vec<(IntegrationId, u64)>> {
        self.read_long(deliveries::backlog).await
    }
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<FeedRow>> {
        let filter = filter.clone();
        self.read_long(move |connection| feed::events(connection, &filter, page))
            .await
    }
    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<FeedRow>> {
        self.read_long(move |connection| feed::event(connection, project, id))
            .await
    }
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>> {
        let filter = filter.clone();
        self.read_long(move |connection| feed::deliveries(connection, &filter, before, limit))
            .await
    }
    async fn delivery(&self, project: ProjectId, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
        self.read_long(move |connection| feed::delivery(connection, project, id))
            .await
    }
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
        self.read_long(move |connection| feed::attempts(connection, id))
            .await
    }
    async fn customers(
        &self,
        project: ProjectId,
        before: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<Customer>> {
        self.read_long(move |connection| feed::customers(connection, project, before, limit))
            .await
    }
    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>> {
        // A point look-up, like loading for a decision: changing threads would cost more than the read.
        self.read(|connection| feed::customer(connection, project, who))
    }
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool> {
        let customer = customer.clone();
        self.writer
            .write(move |connection| forget::forget(connection, project, &customer))
            .await
    }
    async fn tallies(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Tally>> {
        self.read_long(move |connection| feed::tallies(connection, project, since))
            .await
    }
    async fn running(&self, project: ProjectId, now: Timestamp) -> Result<Vec<Running>> {
        self.read_long(move |connection| feed::running(connection, project, now))
            .await
    }
    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>> {
        self.read(|connection| forget::mark(connection, app, name))
    }
    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| forget::set_mark(connection, app, &name, at))
            .await
    }
    async fn note(
        &self,
        project: ProjectId,
        who: &str,
        what: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (who, what, subject) = (who.to_owned(), what.to_owned(), subject.to_owned());
        self.writer
            .write(move |connection| {
                let deed = accounts::Deed {
                    at: now,
                    who: &who,
                    what: &what,
                    subject: &subject,
                    project: Some(project),
                    before: "",
                    after: "",
                };
                accounts::note(connection, &deed)
            })
            .await
    }
    async fn audit(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        self.read_long(move |connection| accounts::audit(connection, project, before, limit))
            .await
    }
    async fn open_session(&self, session: Session) -> Result<()> {
        self.writer
            .write(move |connection| accounts::open_session(connection, &session))
            .await
    }
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>> {
        self.read(|connection| accounts::session(connection, digest, now))
    }
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        self.read_long(move |connection| accounts::sessions(connection, user, now))
            .await
    }
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()> {
        let digest = digest.map(str::to_owned);
        self.writer
            .write(move |connection| accounts::close_sessions(connection, digest.as_deref(), user))
            .await
    }
    async fn rates(&self) -> Result<Vec<Rate>> {
        self.read_long(forget::rates).await
    }
    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()> {
        self.writer
            .write(move |connection| forget::put_rates(connection, &rates))
            .await
    }
    async fn configuration(&self) -> Result<Configuration> {
        self.read_long(configuration::read).await
    }
    async fn configuration_revision(&self) -> Result<u64> {
        self.read(configuration::revision)
    }
    async fn configure(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let by = by.to_owned();
        self.writer
            .write(move |connection| configuration::apply(connection, revision, &changes, &by, now))
            .await
    }
    async fn retain(&self, attempts_before: Timestamp, limit: usize) -> Result<u64> {
        self.writer
            .write(move |connection| deliveries::retain(connection, attempts_before, limit))
            .await
    }
    async fn inspect(&self) -> Result<Vec<String>> {
        self.read_long(|connection| {
            let mut statement = connection
                .prepare("PRAGMA integrity_check")
                .map_err(failed)?;
            let mut findings: Vec<String> = statement
                .query_map([], |row| row.get(0))
                .map_err(failed)?
                .collect::<rusqlite::Result<_>>()
                .map_err(failed)?;
            let mut foreign = connection
                .prepare("PRAGMA foreign_key_check")
                .map_err(failed)?;
            let broken: Vec<String> = foreign
                .query_map([], |row| row.get::<_, String>(0))
                .map_err(failed)?
                .collect::<rusqlite::Result<_>>()
                .map_err(failed)?;
            findings.retain(|finding| finding != "ok");
            findings.extend(
                broken
                    .into_iter()
                    .map(|table| format!("a row of {table} refers to nothing")),
            );
            Ok(findings)
        })
        .await
    }
    async fn check(&self) -> Result<()> {
        self.writer
            .write(|connection| {
                connection
                    .execute(
                        "INSERT INTO meta VALUES ('checks', 1) ON CONFLICT DO UPDATE SET value = value + 1",
                        [],
                    )
                    .map(|_| ())
                    .map_err(failed)
            })
            .await
    }
}
