//! Raw messages, and those that wait.

use crate::{
    SqliteLedger,
    codec::{Key, corrupt, failed, micros, pack, time, unpack, uuid},
};
use async_trait::async_trait;
use domain::{AppId, InboxId, ProjectId};
use jiff::Timestamp;
use ledger::{FIRST_ANSWER, Inbox, InboxMessage, InboxRecord, Parked, ParkedCount, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};

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
    async fn due_parked(&self, now: Timestamp, limit: usize) -> Result<Vec<Parked>> {
        self.read_long(move |connection| due_parked(connection, now, limit))
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
    async fn unpark(&self, project: ProjectId, id: Option<InboxId>, now: Timestamp) -> Result<u64> {
        self.writer
            .write(move |connection| unpark(connection, project, id, now))
            .await
    }
    async fn archive(
        &self,
        project: ProjectId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, InboxMessage)>> {
        self.read_long(move |connection| archive(connection, project, after, limit))
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

type InboxRow = (InboxMessage, Option<String>);

const INBOX_COLUMNS: &str = "id, project, app, source, key, title, received_at, body, parked";

fn inbox_row(row: &Row<'_>) -> rusqlite::Result<InboxRow> {
    Ok((
        InboxMessage {
            id: InboxId::new(uuid(row, 0)?),
            project: ProjectId::new(uuid(row, 1)?),
            app: AppId::new(uuid(row, 2)?),
            source: row.get(3)?,
            key: row.get(4)?,
            title: row.get(5)?,
            received_at: time(row, 6)?,
            body: row.get(7)?,
        },
        row.get(8)?,
    ))
}

fn unpacked((message, parked): InboxRow) -> Result<InboxRecord> {
    let body = unpack(&message.body, "inbox", message.id)?;
    Ok(InboxRecord {
        message: InboxMessage { body, ..message },
        parked,
    })
}

fn park(
    connection: &Connection,
    message: &InboxMessage,
    reason: &str,
    retry_at: Timestamp,
) -> Result<bool> {
    let written = connection
        .prepare_cached(
            "INSERT INTO inbox (id, project, app, source, key, title, received_at, body, parked, retry_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET parked = excluded.parked, retry_at = excluded.retry_at, tries = tries + 1 WHERE parked IS NOT NULL",
        )
        .and_then(|mut statement| {
            let (body, received_at) = (pack(&message.body), micros(message.received_at));
            statement.execute(params![message.id.key(), message.project.key(), message.app.key(), message.source, message.key, message.title, received_at, body, reason, micros(retry_at)])
        })
        .map_err(failed)?;
    Ok(written > 0)
}

fn parked_rows(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Parked>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {INBOX_COLUMNS}, tries, retry_at FROM inbox WHERE parked IS NOT NULL AND {condition}"
        ))
        .map_err(failed)?;
    let rows: Vec<(InboxRow, u32, Timestamp)> = statement
        .query_map(values, |row| {
            Ok((inbox_row(row)?, row.get(9)?, time(row, 10)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(row, tries, retry_at)| {
            let record = unpacked(row)?;
            let (id, problem) = (record.message.id, "a parked message has no reason");
            let reason = record.parked.ok_or_else(|| corrupt("inbox", id, problem))?;
            Ok(Parked {
                message: record.message,
                reason,
                tries,
                retry_at,
            })
        })
        .collect()
}

fn due_parked(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Parked>> {
    parked_rows(
        connection,
        "retry_at <= ?1 ORDER BY retry_at LIMIT ?2",
        params![micros(now), limit],
    )
}

fn parked(
    connection: &Connection,
    project: ProjectId,
    app: Option<AppId>,
    before: Option<InboxId>,
    limit: usize,
) -> Result<Vec<Parked>> {
    parked_rows(
        connection,
        "project = ?1 AND (?2 IS NULL OR app = ?2)
         AND (?3 IS NULL OR (received_at, id) < (SELECT received_at, id FROM inbox WHERE id = ?3 AND project = ?1))
         ORDER BY received_at DESC, id DESC LIMIT ?4",
        params![
            project.key(),
            app.map(|app| app.key()),
            before.map(|id| id.key()),
            limit
        ],
    )
}

/// What came too long ago to be under way is counted without a look at columns that stand behind the body.
fn count_parked(
    connection: &Connection,
    project: ProjectId,
    now: Timestamp,
) -> Result<Vec<ParkedCount>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT app, count(*) FROM inbox WHERE parked IS NOT NULL AND project = ?1
             AND (received_at <= ?2 - ?3 OR tries > 0 OR retry_at <= ?2 OR retry_at - received_at > ?3) GROUP BY app",
        )
        .map_err(failed)?;
    let first_answer = FIRST_ANSWER.as_secs() * 1_000_000;
    statement
        .query_map(params![project.key(), micros(now), first_answer], |row| {
            Ok(ParkedCount {
                app: AppId::new(uuid(row, 0)?),
                count: row.get(1)?,
            })
        })
        .and_then(Iterator::collect)
        .map_err(failed)
}

fn unpark(
    connection: &Connection,
    project: ProjectId,
    id: Option<InboxId>,
    now: Timestamp,
) -> Result<u64> {
    connection
        .prepare_cached("UPDATE inbox SET retry_at = ?3 WHERE project = ?1 AND parked IS NOT NULL AND (?2 IS NULL OR id = ?2)")
        .and_then(|mut statement| {
            statement.execute(params![project.key(), id.map(|id| id.key()), micros(now)])
        })
        .map(|count| count as u64)
        .map_err(failed)
}

fn archive(
    connection: &Connection,
    project: ProjectId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, InboxMessage)>> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {INBOX_COLUMNS}, processed FROM inbox WHERE project = ?1 AND processed > ?2 ORDER BY processed LIMIT ?3"
        ))
        .map_err(failed)?;
    let rows: Vec<(u64, InboxRow)> = statement
        .query_map(params![project.key(), after, limit], |row| {
            Ok((row.get(9)?, inbox_row(row)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(position, row)| Ok((position, unpacked(row)?.message)))
        .collect()
}

fn seen(connection: &Connection, id: InboxId) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM inbox WHERE id = ?1 AND parked IS NULL")
        .and_then(|mut statement| statement.exists([id.key()]))
        .map_err(failed)
}

fn inbox(connection: &Connection, id: InboxId) -> Result<Option<InboxRecord>> {
    let row = connection
        .prepare_cached(&format!("SELECT {INBOX_COLUMNS} FROM inbox WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([id.key()], inbox_row).optional())
        .map_err(failed)?;
    row.map(unpacked).transpose()
}
