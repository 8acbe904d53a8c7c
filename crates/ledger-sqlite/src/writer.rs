//! The one writer: a thread that gathers whatever is waiting into one transaction.
//!
//! While a transaction is being made durable, further writes queue up and become the next one, so the batch grows with the
//! load and a lone write waits for nobody. Each write runs in a savepoint of its own: one that fails leaves no trace and
//! does not disturb its neighbours. Callers are answered after the transaction is durable, or all told that it failed.

use crate::{codec::failed, room::Failed};
use ledger::LedgerError;
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};
use tokio::sync::oneshot;

/// Most writes in one transaction.
const LARGEST_BATCH: usize = 512;
/// Writes that may wait; beyond it callers are told to come back.
const QUEUE: usize = 16_384;
/// Size of the write-ahead log at which the writer itself resets it, should the checkpoint thread not keep up.
const LARGEST_WAL_BYTES: u64 = 64 << 20;

type Answer = Box<dyn FnOnce(Option<LedgerError>) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;

#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: SyncSender<Job>,
    failed: Failed,
}

impl Writer {
    pub(crate) fn start(connection: Connection, wal: PathBuf) -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("ledger-writer".into())
            .spawn(move || run(&connection, &queue, &wal))?;
        Ok(Self {
            jobs,
            failed: Failed::default(),
        })
    }

    /// Whether writes go through.
    pub(crate) const fn failed(&self) -> &Failed {
        &self.failed
    }

    /// Runs `work` inside the next transaction and waits until it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let failed = self.failed.clone();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, work);
            Box::new(move |failure| {
                let result = match (result, failure) {
                    // Why it failed itself says more than that its transaction did.
                    (Err(own), Some(_)) if own.is_retryable() => Err(own),
                    (_, Some(failure)) => Err(failure),
                    (result, None) => result,
                };
                failed.note(&result);
                // The caller may have gone away; its write stands all the same.
                drop(answer.send(result));
            })
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                LedgerError::Unavailable(format!("{QUEUE} writes are waiting"))
            }
            TrySendError::Disconnected(_) => stopped(),
        })?;
        answered.await.map_err(|_| stopped())?
    }
}

fn stopped() -> LedgerError {
    LedgerError::Unavailable("the writer has stopped".into())
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let run = |sql: &str| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map_err(failed)
    };
    run("SAVEPOINT job")?;
    let result = work(connection);
    if result.is_err() {
        // Of a disk that is full, SQLite has undone the whole transaction by itself. Why the work failed is what counts.
        if let Err(error) = run("ROLLBACK TO job") {
            tracing::error!(%error, "a write that failed could not be rolled back by itself");
            return result;
        }
    }
    run("RELEASE job")?;
    result
}

fn run(connection: &Connection, queue: &Receiver<Job>, wal: &std::path::Path) {
    while let Ok(first) = queue.recv() {
        let began = connection.execute_batch("BEGIN IMMEDIATE").map_err(failed);
        if let Err(error) = began {
            // Nothing ran: answer the whole queue as it stands instead of failing jobs one by one.
            let waiting = std::iter::once(first).chain(queue.try_iter().take(LARGEST_BATCH));
            for job in waiting {
                refuse(connection, job, &error);
            }
            continue;
        }
        let answers: Vec<_> = std::iter::once(first)
            .chain(queue.try_iter())
            .take(LARGEST_BATCH)
            .map(|job| job(connection))
            .collect();
        let failure = connection.execute_batch("COMMIT").map_err(failed).err();
        if let Some(error) = &failure {
            tracing::error!(%error, writes = answers.len(), "a transaction could not be made durable; its callers were told");
            if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
                tracing::error!("the failed transaction could not be rolled back");
            }
        }
        for answer in answers {
            answer(failure.clone());
        }
        if std::fs::metadata(wal).is_ok_and(|file| file.len() > LARGEST_WAL_BYTES) {
            checkpoint(connection, "RESTART");
        }
    }
}

/// Answers a job with `error` without running its work against an open transaction: the savepoint it opens is undone.
fn refuse(connection: &Connection, job: Job, error: &LedgerError) {
    let undone = connection.execute_batch("SAVEPOINT refused").is_ok();
    let answer = job(connection);
    if undone
        && connection
            .execute_batch("ROLLBACK TO refused; RELEASE refused")
            .is_err()
    {
        tracing::error!("a refused write could not be rolled back");
    }
    answer(Some(error.clone()));
}

/// Copies the write-ahead log into the database. Modes as in `SQLite`'s documentation of `wal_checkpoint`.
pub(crate) fn checkpoint(connection: &Connection, mode: &str) {
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        row.get::<_, i64>(0)
    });
    if let Err(error) = done {
        tracing::warn!(%error, mode, "checkpoint failed; it will be tried again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that may not grow says of a write what one on a full disk says.
    #[tokio::test]
    async fn what_failed_for_want_of_room_is_known_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tidings.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE kept (body BLOB); PRAGMA max_page_count = 3;")
            .unwrap();
        let writer = Writer::start(connection, path.with_extension("wal")).unwrap();
        let write = async |bytes: usize| {
            let work = move |connection: &Connection| {
                let kept = connection.execute("INSERT INTO kept VALUES (zeroblob(?1))", [bytes]);
                kept.map_err(failed)
            };
            writer.write(work).await
        };
        write(1).await.unwrap();
        assert!(!writer.failed().get());
        let refused = write(1 << 20).await.unwrap_err();
        assert!(refused.to_string().contains("full"), "{refused}");
        assert!(writer.failed().get());
        // There is room for less; that says nothing about more.
        write(1).await.unwrap();
        assert!(writer.failed().get());
        assert!(writer.failed().forget() && !writer.failed().get());
    }
}
