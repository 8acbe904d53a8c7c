//! Sessions, and what was done by whom.

use crate::{
    SqliteLedger,
    codec::{Found, Key, micros, to_json},
    statement::{all, execute, first},
};
use async_trait::async_trait;
use domain::{ProjectId, UserId};
use jiff::Timestamp;
use ledger::{
    Accounts, AuditEntry, AuditFilter, Deed, KeptSince, MOST_SESSIONS, Result, Session, Shown,
};
use rusqlite::{Connection, params};

#[async_trait]
impl Accounts for SqliteLedger {
    async fn note(&self, deed: Deed<'_>) -> Result<()> {
        let Deed {
            at, project, about, ..
        } = deed;
        let [who, what, subject] = [deed.who, deed.what, deed.subject].map(str::to_owned);
        self.writer
            .write(move |connection| {
                let deed = Deed {
                    at,
                    who: &who,
                    what: &what,
                    subject: &subject,
                    project,
                    about,
                };
                note(connection, &deed, Shown::default())
            })
            .await
    }
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        self.read_long(move |connection| audit(connection, filter, before, limit))
            .await
    }
    async fn open_session(&self, session: Session) -> Result<()> {
        self.writer
            .write(move |connection| open_session(connection, &session))
            .await
    }
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>> {
        self.read(|connection| session(connection, digest, now))
    }
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        self.read_long(move |connection| sessions(connection, user, now))
            .await
    }
    async fn prolong_session(&self, digest: &str, until: Timestamp, now: Timestamp) -> Result<()> {
        let digest = digest.to_owned();
        self.writer
            .write(move |connection| prolong_session(connection, &digest, until, now))
            .await
    }
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()> {
        let digest = digest.map(str::to_owned);
        self.writer
            .write(move |connection| close_sessions(connection, digest.as_deref(), user))
            .await
    }
}

/// Writes down a deed, and what its subject was before and after it.
pub(crate) fn note(connection: &Connection, deed: &Deed<'_>, shown: Shown<'_>) -> Result<()> {
    execute(
        connection,
        "INSERT INTO audit_log (at, who, what, subject, project, before, after, about) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            micros(deed.at),
            deed.who,
            deed.what,
            deed.subject,
            deed.project.map(|project| project.key()),
            shown.before,
            shown.after,
            deed.about.id()
        ],
    )
    .map(|_| ())
}

fn audit(
    connection: &Connection,
    filter: AuditFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<AuditEntry>> {
    all(
        connection,
        "audit_log",
        "SELECT position, at, who, what, subject, before, after FROM audit_log
         WHERE (project = ?1 OR (?4 AND project IS NULL)) AND (?2 IS NULL OR position < ?2) ORDER BY position DESC LIMIT ?3",
        params![filter.project.key(), before, limit, filter.with_common],
        |row| {
            Ok(AuditEntry {
                position: row.get(0)?,
                at: row.time(1)?,
                who: row.get(2)?,
                what: row.get(3)?,
                subject: row.get(4)?,
                before: row.get(5)?,
                after: row.get(6)?,
            })
        },
    )
}

/// Takes these names of a customer away from where it was written down what was done to it.
pub(crate) fn forget(connection: &Connection, project: ProjectId, names: &[String]) -> Result<()> {
    execute(
        connection,
        "UPDATE audit_log SET subject = '' WHERE about <> 'installation' AND project = ?1 AND subject IN (SELECT value FROM json_each(?2))",
        params![project.key(), to_json(&names)?],
    )
    .map(|_| ())
}

/// Deletes entries that are no longer kept.
pub(crate) fn retain(connection: &Connection, since: KeptSince, limit: usize) -> Result<usize> {
    let others = execute(
        connection,
        "DELETE FROM audit_log WHERE position IN
           (SELECT position FROM audit_log WHERE about <> 'customer_by_program' AND at < ?1 ORDER BY at LIMIT ?2)",
        params![micros(since.audit), limit],
    )?;
    let of_programs = execute(
        connection,
        "DELETE FROM audit_log WHERE position IN
           (SELECT position FROM audit_log WHERE about = 'customer_by_program' AND at < ?1 ORDER BY at LIMIT ?2)",
        params![micros(since.audit_of_programs), limit],
    )?;
    Ok(others + of_programs)
}

fn open_session(connection: &Connection, session: &Session) -> Result<()> {
    execute(
        connection,
        "DELETE FROM sessions WHERE expires_at <= ?1",
        [micros(session.created_at)],
    )?;
    execute(
        connection,
        "DELETE FROM sessions WHERE user = ?1 AND digest NOT IN (SELECT digest FROM sessions WHERE user = ?1 ORDER BY created_at DESC, digest LIMIT ?2)",
        params![session.user.key(), MOST_SESSIONS - 1],
    )?;
    execute(
        connection,
        "INSERT INTO sessions (digest, user, created_at, expires_at, agent) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            session.digest,
            session.user.key(),
            micros(session.created_at),
            micros(session.expires_at),
            session.agent
        ],
    )
    .map(|_| ())
}

fn read(row: &Found<'_>) -> Result<Session> {
    Ok(Session {
        user: row.id(0)?,
        digest: row.get(1)?,
        created_at: row.time(2)?,
        expires_at: row.time(3)?,
        agent: row.get(4)?,
    })
}

fn sessions(connection: &Connection, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    all(
        connection,
        "sessions",
        "SELECT user, digest, created_at, expires_at, agent FROM sessions WHERE user = ?1 AND expires_at > ?2 ORDER BY created_at DESC, digest",
        params![user.key(), micros(now)],
        read,
    )
}

fn session(connection: &Connection, digest: &str, now: Timestamp) -> Result<Option<Session>> {
    first(
        connection,
        "sessions",
        "SELECT user, digest, created_at, expires_at, agent FROM sessions WHERE digest = ?1 AND expires_at > ?2",
        params![digest, micros(now)],
        read,
    )
}

fn prolong_session(
    connection: &Connection,
    digest: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    execute(
        connection,
        "UPDATE sessions SET expires_at = ?2 WHERE digest = ?1 AND expires_at > ?3 AND expires_at < ?2",
        params![digest, micros(until), micros(now)],
    )
    .map(|_| ())
}

pub(crate) fn close_sessions(
    connection: &Connection,
    digest: Option<&str>,
    user: Option<UserId>,
) -> Result<()> {
    execute(
        connection,
        "DELETE FROM sessions WHERE digest = ?1 OR user = ?2",
        params![digest, user.map(|user| user.key())],
    )
    .map(|_| ())
}
