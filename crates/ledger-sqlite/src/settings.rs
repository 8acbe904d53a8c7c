//! Configuration, exchange rates and marks.

use crate::{
    SqliteLedger,
    audit::note,
    codec::{Key, micros},
    configuration, deliveries,
    statement::{all, execute, first},
};
use async_trait::async_trait;
use domain::{AppId, rates::Rate};
use jiff::Timestamp;
use ledger::{Configuration, ConfigurationChange, Requeue, Result, Settings, Shown, key_replaced};
use rusqlite::{Connection, params};

#[async_trait]
impl Settings for SqliteLedger {
    async fn configuration(&self) -> Result<Configuration> {
        self.read_long(configuration::read).await
    }
    async fn configuration_revision(&self) -> Result<u64> {
        self.read(configuration::revision)
    }
    async fn configure_and_requeue(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        again: Vec<Requeue>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let by = by.to_owned();
        self.writer
            .write(move |connection| {
                let is_applied = configuration::apply(connection, revision, &changes, &by, now)?;
                for which in again.iter().filter(|_| is_applied) {
                    deliveries::requeue(connection, which, now)?;
                }
                Ok(is_applied)
            })
            .await
    }
    async fn rates(&self) -> Result<Vec<Rate>> {
        self.read_long(rates).await
    }
    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()> {
        self.writer
            .write(move |connection| put_rates(connection, &rates))
            .await
    }
    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>> {
        self.read(|connection| mark(connection, app, name))
    }
    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| set_mark(connection, app, &name, at))
            .await
    }
    async fn replaced_key(&self) -> Result<Option<u64>> {
        self.read(replaced_key)
    }
    async fn replace_key(&self, fingerprint: u64, by: &str, now: Timestamp) -> Result<()> {
        let by = by.to_owned();
        self.writer
            .write(move |connection| {
                execute(
                    connection,
                    "INSERT INTO meta VALUES ('replaced_key', ?1) ON CONFLICT DO UPDATE SET value = excluded.value",
                    [fingerprint],
                )?;
                note(connection, &key_replaced(&by, now), Shown::default())
            })
            .await
    }
}

pub(crate) fn replaced_key(connection: &Connection) -> Result<Option<u64>> {
    let sql = "SELECT name, value FROM meta WHERE name = 'replaced_key'";
    first(connection, "meta", sql, [], |row| row.get(1))
}

fn rates(connection: &Connection) -> Result<Vec<Rate>> {
    all(
        connection,
        "exchange_rates",
        "SELECT day || ' ' || currency, day, currency, micros FROM exchange_rates ORDER BY day, currency",
        [],
        |row| {
            let (day, currency): (String, String) = (row.get(1)?, row.get(2)?);
            Ok(Rate {
                date: day
                    .parse()
                    .map_err(|error: jiff::Error| row.corrupt(1, error))?,
                currency: currency
                    .as_str()
                    .try_into()
                    .map_err(|error: domain::money::MoneyError| row.corrupt(2, error))?,
                micros_per_euro: row.get(3)?,
            })
        },
    )
}

fn put_rates(connection: &Connection, rates: &[Rate]) -> Result<()> {
    for rate in rates {
        execute(
            connection,
            "INSERT INTO exchange_rates (day, currency, micros) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET micros = excluded.micros",
            params![
                rate.date.to_string(),
                rate.currency.code(),
                rate.micros_per_euro
            ],
        )?;
    }
    Ok(())
}

fn mark(connection: &Connection, app: AppId, name: &str) -> Result<Option<Timestamp>> {
    first(
        connection,
        "marks",
        "SELECT app, at FROM marks WHERE app = ?1 AND name = ?2",
        params![app.key(), name],
        |row| row.time(1),
    )
}

fn set_mark(connection: &Connection, app: AppId, name: &str, at: Timestamp) -> Result<()> {
    execute(
        connection,
        "INSERT INTO marks (app, name, at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = excluded.at",
        params![app.key(), name, micros(at)],
    )
    .map(|_| ())
}
