//! Which of several servers takes writes.
//!
//! A URL may name the servers of one database, as libpq's may: `postgres://user@one,two:5433/tidings`. One of them is the primary, the
//! others are its standbys; which is which may change at any time. It is looked for when the ledger is opened, and again whenever the one
//! that was found does not answer or has become a standby. Connections made before that are used no more.

use crate::codec::failed;
use guarded::Guarded;
use ledger::{LedgerError, Result};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use std::{
    str::FromStr,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// How often the primary is asked whether it still is one.
const LOOK: Duration = Duration::from_millis(500);
/// How long a server may take to answer that.
const ANSWER: Duration = Duration::from_secs(2);

/// The servers of one database.
#[derive(Debug, Clone)]
pub(crate) struct Hosts(Vec<PgConnectOptions>);

impl Hosts {
    /// Reads a URL with one host or several.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let refused =
            |why: &dyn std::fmt::Display| LedgerError::Refused(format!("the database URL: {why}"));
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| refused(&"it begins with postgres://"))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let one = |host: &str| {
            let options = PgConnectOptions::from_str(&format!("{scheme}://{user}{host}{tail}"));
            options.map(|options| options.application_name("tidings"))
        };
        let hosts: Result<Vec<_>, _> = hosts.split(',').map(one).collect();
        hosts.map(Self).map_err(|error| refused(&error))
    }

    /// The server that takes writes. With one host it is that one, whatever it is.
    pub(crate) async fn writable(&self) -> Result<PgConnectOptions> {
        if let [only] = &self.0[..] {
            return Ok(only.clone());
        }
        let mut reasons = Vec::new();
        for options in &self.0 {
            let why = match in_time(connect(options)).await {
                Ok(Some(_)) => return Ok(options.clone()),
                Ok(None) => "is a standby".to_owned(),
                Err(error) => error.to_string(),
            };
            reasons.push(format!(
                "{}:{}: {why}",
                options.get_host(),
                options.get_port()
            ));
        }
        Err(LedgerError::Unavailable(format!(
            "no server takes writes ({})",
            reasons.join("; ")
        )))
    }

    pub(crate) const fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

async fn in_time<T>(asking: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    match tokio::time::timeout(ANSWER, asking).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(LedgerError::Unavailable(format!(
            "no answer within {} s",
            ANSWER.as_secs()
        ))),
    }
}

/// A connection to a server that takes writes; `None` when it is a standby.
async fn connect(options: &PgConnectOptions) -> sqlx::Result<Option<PgConnection>> {
    let mut connection = options.connect().await?;
    Ok(takes_writes(&mut connection).await?.then_some(connection))
}

async fn takes_writes(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not pg_is_in_recovery() as "primary!""#)
        .fetch_one(connection)
        .await
}

/// When the primary last changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switched(Arc<Guarded<Option<Instant>>>);

impl Switched {
    /// Whether a connection of this age leads to the primary of now.
    pub(crate) fn admits(&self, age: Duration) -> bool {
        let at = *self.0.lock();
        at.is_none_or(|at| age < at.elapsed())
    }

    fn now(&self) {
        *self.0.lock() = Some(Instant::now());
    }
}

/// Keeps pools pointed at the primary, for as long as somebody holds `alive`.
pub(crate) async fn follow(
    hosts: Hosts,
    current: watch::Sender<PgConnectOptions>,
    pools: [PgPool; 2],
    switched: Switched,
    alive: Weak<Notify>,
) {
    let mut watching: Option<PgConnection> = None;
    while alive.strong_count() > 0 {
        let stands = if let Some(connection) = &mut watching {
            in_time(takes_writes(connection)).await
        } else {
            let options = current.borrow().clone();
            in_time(connect(&options)).await.map(|connection| {
                watching = connection;
                watching.is_some()
            })
        };
        if !matches!(stands, Ok(true)) {
            watching = None;
            match hosts.writable().await {
                Ok(options) => {
                    let (host, port) = (options.get_host().to_owned(), options.get_port());
                    for pool in &pools {
                        pool.set_connect_options(options.clone());
                    }
                    switched.now();
                    current.send_replace(options);
                    tracing::warn!(host, port, "the database is written to at this server now");
                }
                Err(error) => {
                    tracing::error!(%error, "the database takes no writes; looking for a server that does");
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    if let Some(connection) = watching
        && let Err(error) = connection.close().await
    {
        tracing::debug!(%error, "a connection could not be closed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_one_server_or_several() {
        let found = |url| {
            let hosts = Hosts::parse(url).map_err(|error| error.to_string())?;
            let of = |options: &PgConnectOptions| {
                format!("{}:{}", options.get_host(), options.get_port())
            };
            Ok::<_, String>(hosts.0.iter().map(of).collect::<Vec<_>>())
        };
        for (url, expected) in [
            ("postgres://u:p@db.internal/t", &["db.internal:5432"][..]),
            ("postgres://u:p@one,two:5433/t", &["one:5432", "two:5433"]),
            (
                "postgres://one:1,[::1]:2/t?sslmode=disable",
                &["one:1", "[::1]:2"],
            ),
        ] {
            assert_eq!(found(url).unwrap(), expected, "{url}");
        }
        assert!(found("db.internal/t").unwrap_err().contains("postgres://"));
        assert!(found("postgres://one:port,two/t").is_err());
    }
}
