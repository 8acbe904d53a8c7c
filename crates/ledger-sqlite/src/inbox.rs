//! Raw messages, and those that wait.

use crate::{
    SqliteLedger,
    codec::{Found, Key, any_of, micros, pack},
    statement::{all, execute, first},
};
use async_trait::async_trait;
use domain::{AppId, InboxId, ProjectId};
use jiff::Timestamp;
use ledger::{
    Archived, FIRST_ANSWER, Inbox, InboxMessage, InboxRecord, Origin, Parked, ParkedCount, Result,
    codec::readable,
};
use rusqlite::{Connection, Params, params};

#[async_trait]
impl Inbox for SqliteLedger {
    async fn park(
        &self,
        message: InboxMessage,
        reason: String,
        retry_at: Timestamp,
    ) -> Result<bool> {
        self.writer
            .write(move |connection| park(connection, &message, &reason, retry_at))
            .await
    }
    async fn due_parked(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<Parked>> {
        let except = any_of(except)?;
        self.read_long(move |connection| due_parked(connection, now, &except, limit))
            .await
    }
    async fn parked(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        before: Option<InboxId>,
        limit: usize,
    ) -> Result<Vec<Parked>> {
        self.read_long(move |connection| parked(connection, project, app, before, limit))
            .await
    }
    async fn count_parked(&self, project: ProjectId, now: Timestamp) -> Result<Vec<ParkedCount>> {
        self.read_long(move |connection| count_parked(connection, project, now))
            .await
    }
    async fn count_waiting_receipts(
        &self,
        app: AppId,
        before: Timestamp,
        most: u64,
    ) -> Result<u64> {
        self.read_long(move |connection| count_waiting_receipts(connection, app, before, most))
            .await
    }
    async fn unpark(
        &self,
        project: ProjectId,
        app: Option<AppId>,
        id: Option<InboxId>,
        now: Timestamp,
    ) -> Result<u64> {
        self.writer
            .write(move |connection| unpark(connection, project, app, id, now))
            .await
    }
    async fn archive(&self, project: ProjectId, after: u64, limit: usize) -> Result<Vec<Archived>> {
        self.read_long(move |connection| archive(connection, project, after, limit))
            .await
    }
    async fn processed(
        &self,
        project: ProjectId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Archived>> {
        self.read_long(move |connection| processed(connection, project, before, limit))
            .await
    }
    async fn seen(&self, id: InboxId) -> Result<bool> {
        self.read(|connection| seen(connection, id))
    }
    async fn inbox(&self, id: InboxId) -> Result<Option<InboxRecord>> {
        self.read_long(move |connection| inbox(connection, id))
            .await
    }
}

const MESSAGE: &str = "id, project, app, source, key, title, received_at, body";

fn message(row: &Found<'_>) -> Result<InboxMessage> {
    Ok(InboxMessage {
        id: row.id(0)?,
        project: row.id(1)?,
        app: row.id(2)?,
        origin: row.origin(3)?,
        key: row.get(4)?,
        title: row.get(5)?,
        received_at: row.time(6)?,
        body: row.unpacked(7)?,
    })
}

fn park(
    connection: &Connection,
    message: &InboxMessage,
    reason: &str,
    retry_at: Timestamp,
) -> Result<bool> {
    let written = execute(
        connection,
        "INSERT INTO inbox (id, project, app, source, key, title, received_at, body, parked, retry_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (id) DO UPDATE SET parked = excluded.parked, retry_at = excluded.retry_at, tries = tries + 1 WHERE parked IS NOT NULL",
        params![
            message.id.key(),
            message.project.key(),
            message.app.key(),
            message.origin.to_string(),
            message.key,
            message.title,
            micros(message.received_at),
            pack(&message.body)?,
            reason,
            micros(retry_at)
        ],
    )?;
    Ok(written > 0)
}

/// Each row by itself, so that whoever asks decides what one that cannot be read leads to.
fn waiting(
    connection: &Connection,
    condition: &str,
    values: impl Params,
) -> Result<Vec<Result<Parked>>> {
    let sql = format!(
        "SELECT {MESSAGE}, parked, tries, retry_at FROM inbox WHERE parked IS NOT NULL AND {condition}"
    );
    all(connection, "inbox", &sql, values, |row| {
        let read = || {
            Ok(Parked {
                message: message(row)?,
                reason: row.get(8)?,
                tries: row.get(9)?,
                retry_at: row.time(10)?,
            })
        };
        Ok(read())
    })
}

fn due_parked(
    connection: &Connection,
    now: Timestamp,
    except: &str,
    limit: usize,
) -> Result<Vec<Parked>> {
    let condition = "retry_at <= ?1 AND hex(app) NOT IN (SELECT value FROM json_each(?3)) ORDER BY retry_at LIMIT ?2";
    let due = waiting(connection, condition, params![micros(now), limit, except])?;
    Ok(readable(due))
}

fn parked(
    connection: &Connection,
    project: ProjectId,
    app: Option<AppId>,
    before: Option<InboxId>,
    limit: usize,
) -> Result<Vec<Parked>> {
    let condition = "project = ?1 AND (?2 IS NULL OR app = ?2)
        AND (?3 IS NULL OR (received_at, id) < (SELECT received_at, id FROM inbox WHERE id = ?3 AND project = ?1))
        ORDER BY received_at DESC, id DESC LIMIT ?4";
    let values = params![
        project.key(),
        app.map(|app| app.key()),
        before.map(|id| id.key()),
        limit
    ];
    waiting(connection, condition, values)?
        .into_iter()
        .collect()
}

/// What came too long ago to be under way is counted without a look at columns that stand behind the body.
fn count_parked(
    connection: &Connection,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<ParkedCount>> {
    all(
        connection,
        "inbox",
        "SELECT app, count(*) FROM inbox WHERE parked IS NOT NULL AND project = ?1
         AND (received_at <= ?2 - ?3 OR tries > 0 OR retry_at <= ?2 OR retry_at - received_at > ?3) GROUP BY app",
        params![
            project.key(),
            micros(now),
            FIRST_ANSWER.as_secs() * 1_000_000
        ],
        |row| {
            Ok(ParkedCount {
                app: row.id(0)?,
                count: row.get(1)?,
            })
        },
    )
}

fn count_waiting_receipts(
    connection: &Connection,
    app: AppId,
    before: Timestamp,
    most: u64,
) -> Result<u64> {
    let counted = first(
        connection,
        "inbox",
        "SELECT count(*) FROM (SELECT 1 FROM inbox WHERE parked IS NOT NULL AND retry_at < ?2 AND app = ?1 AND source = ?3 LIMIT ?4)",
        params![app.key(), micros(before), Origin::Receipt.to_string(), most],
        |row| row.get(0),
    )?;
    Ok(counted.unwrap_or_default())
}

fn unpark(
    connection: &Connection,
    project: ProjectId,
    app: Option<AppId>,
    id: Option<InboxId>,
    now: Timestamp,
) -> Result<u64> {
    execute(
        connection,
        "UPDATE inbox SET retry_at = ?3 WHERE project = ?1 AND parked IS NOT NULL AND (?2 IS NULL OR id = ?2) AND (?4 IS NULL OR app = ?4)",
        params![
            project.key(),
            id.map(|id| id.key()),
            micros(now),
            app.map(|app| app.key())
        ],
    )
    .map(|count| count as u64)
}

fn archive(
    connection: &Connection,
    project: ProjectId,
    after: u64,
    limit: usize,
) -> Result<Vec<Archived>> {
    let sql = format!(
        "SELECT {MESSAGE}, processed FROM inbox WHERE project = ?1 AND processed > ?2 ORDER BY processed LIMIT ?3"
    );
    let values = params![project.key(), after, limit];
    all(connection, "inbox", &sql, values, archived)
}

fn processed(
    connection: &Connection,
    project: ProjectId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Archived>> {
    let sql = format!(
        "SELECT {MESSAGE}, processed FROM inbox WHERE project = ?1 AND processed < ?2 ORDER BY processed DESC LIMIT ?3"
    );
    let before = before.map_or(i64::MAX, u64::cast_signed);
    let values = params![project.key(), before, limit];
    all(connection, "inbox", &sql, values, archived)
}

fn archived(row: &Found<'_>) -> Result<Archived> {
    Ok(Archived {
        position: row.get(8)?,
        message: message(row)?,
    })
}

fn seen(connection: &Connection, id: InboxId) -> Result<bool> {
    let sql = "SELECT 1 FROM inbox WHERE id = ?1 AND parked IS NULL";
    let found = first(connection, "inbox", sql, [id.key()], |_| Ok(()))?;
    Ok(found.is_some())
}

fn inbox(connection: &Connection, id: InboxId) -> Result<Option<InboxRecord>> {
    let sql = format!("SELECT {MESSAGE}, parked FROM inbox WHERE id = ?1");
    first(connection, "inbox", &sql, [id.key()], |row| {
        Ok(InboxRecord {
            message: message(row)?,
            parked: row.get(8)?,
        })
    })
}
