//! Sessions: opened, prolonged, closed.

use crate::{
    codec::{Found, Key, micros},
    second_factors,
    statement::{all, execute, first},
};
use domain::UserId;
use jiff::Timestamp;
use ledger::{LetInBy, MOST_SESSIONS, Opened, Result, SecondStep, Session, User, codec::Stored};
use rusqlite::{Connection, params};

pub(crate) fn open(connection: &Connection, session: &Session, by: &LetInBy) -> Result<Opened> {
    let user = session.user;
    if password(connection, user)?.as_ref() != Some(&by.password) {
        return Ok(Opened::Changed);
    }
    match &by.second {
        SecondStep::NotAsked if second_factors::find(connection, user)?.is_some() => {
            return Ok(Opened::Changed);
        }
        SecondStep::Code(code) if !second_factors::use_up(connection, user, code)? => {
            return Ok(Opened::CodeRefused);
        }
        SecondStep::NotAsked | SecondStep::TakenBefore | SecondStep::Code(_) => {}
    }
    keep(connection, session).map(|()| Opened::Kept)
}

/// How the password of a user is kept now, where there is such a user.
fn password(connection: &Connection, user: UserId) -> Result<Option<String>> {
    let sql = "SELECT id, body FROM users WHERE id = ?1";
    let body: Option<String> = first(connection, "users", sql, [user.key()], |row| row.get(1))?;
    let known: Option<User> = body
        .map(|body| Stored::new("users", &user).json("body", body.as_bytes()))
        .transpose()?;
    Ok(known.map(|known| known.password))
}

fn keep(connection: &Connection, session: &Session) -> Result<()> {
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

pub(crate) fn of(connection: &Connection, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    all(
        connection,
        "sessions",
        "SELECT user, digest, created_at, expires_at, agent FROM sessions WHERE user = ?1 AND expires_at > ?2 ORDER BY created_at DESC, digest",
        params![user.key(), micros(now)],
        read,
    )
}

pub(crate) fn find(
    connection: &Connection,
    digest: &str,
    now: Timestamp,
) -> Result<Option<Session>> {
    first(
        connection,
        "sessions",
        "SELECT user, digest, created_at, expires_at, agent FROM sessions WHERE digest = ?1 AND expires_at > ?2",
        params![digest, micros(now)],
        read,
    )
}

pub(crate) fn prolong(
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

pub(crate) fn close(
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
