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
mod audit;
mod backup;
mod checks;
mod clock;
mod codec;
mod commits;
mod configuration;
mod customers;
mod deliveries;
mod events;
mod export;
mod feed;
mod forget;
mod holdings;
mod inbox;
mod lease;
mod line;
mod migrations;
mod one_name;
mod outcomes;
mod records;
mod replays;
mod room;
mod second_factors;
mod sessions;
mod settings;
mod settle;
mod sole;
mod statement;
mod tallies;
mod upkeep;
mod writer;

pub use backup::backup;
pub use export::{Export, Key};

use codec::failed;
use guarded::Guarded;
use ledger::{LedgerError, Result};
use rusqlite::{Connection, OpenFlags};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::sync::Semaphore;
use writer::Writer;

const READERS_KEPT: usize = 8;
/// Pages and lists that are read at once: each takes a thread, a connection and its memory, and a disk reads no faster for more of them.
const LONG_READS: usize = 16;
/// A ledger in one file, with its log beside it.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    path: PathBuf,
    writer: Writer,
    readers: Arc<Guarded<Vec<Connection>>>,
    /// The right to be its server, where it is.
    _sole: Option<Arc<File>>,
    long_reads: Arc<Semaphore>,
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

impl SqliteLedger {
    /// Opens or creates the ledger at `path`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_as(path.into(), None)
    }

    fn open_as(path: PathBuf, sole: Option<Arc<File>>) -> Result<Self> {
        one_name::has_one_name(&path)?;
        let mut connection = connect(&path).map_err(failed)?;
        migrations::migrate(&mut connection)?;
        let wal = path.with_file_name(format!(
            "{}-wal",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        let unavailable = |error: std::io::Error| LedgerError::Unavailable(error.to_string());
        let writer = Writer::start(connection, wal).map_err(unavailable)?;
        let readers: Arc<Guarded<Vec<Connection>>> = Arc::default();
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
            _sole: sole,
            long_reads: Arc::new(Semaphore::new(LONG_READS)),
        })
    }

    /// Reads on the calling thread: for statements that take microseconds.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect_reader(&self.path).map_err(failed)?,
        };
        let result = work(&connection);
        let mut readers = self.readers.lock();
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
        let turn = Arc::clone(&self.long_reads).acquire_owned().await;
        let read = tokio::task::spawn_blocking(move || {
            let read = ledger.read(work);
            drop(turn);
            read
        });
        read.await
            .map_err(|error| LedgerError::Unavailable(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// As docs/security.md states it: sixteen read, the next wait, and what takes microseconds goes on beside them.
    #[tokio::test(flavor = "multi_thread")]
    async fn so_many_pages_are_read_at_once_and_the_next_wait() {
        const AT_ONCE: usize = 16;
        let directory = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(directory.path().join("tidings.db")).unwrap();
        let (began, beginning) = mpsc::channel();
        let mut reads = Vec::new();
        let mut holds = Vec::new();
        for number in 0..=AT_ONCE {
            let (hold, held) = mpsc::channel::<()>();
            let (ledger, began) = (ledger.clone(), began.clone());
            let read = async move {
                let work = move |_: &Connection| {
                    began.send(number).unwrap();
                    // Until the page is let go.
                    assert!(held.recv().is_err());
                    Ok(number)
                };
                ledger.read_long(work).await
            };
            reads.push(tokio::spawn(read));
            holds.push(Some(hold));
        }
        let mut first: Vec<usize> = (0..AT_ONCE).map(|_| beginning.recv().unwrap()).collect();
        assert_eq!(ledger.long_reads.available_permits(), 0);
        assert!(beginning.try_recv().is_err(), "the last waits");
        let short = ledger.read(|connection| {
            let one = connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0));
            one.map_err(failed)
        });
        assert_eq!(short.unwrap(), 1);
        let over = first.pop().unwrap();
        holds[over].take();
        let last = beginning.recv().unwrap();
        assert!(!first.contains(&last) && last != over);
        holds.clear();
        for read in reads {
            read.await.unwrap().unwrap();
        }
    }
}
