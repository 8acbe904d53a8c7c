//! Configuration, exchange rates and marks.

use crate::{
    SqliteLedger,
    codec::{Key, failed, micros, time},
    configuration,
};
use async_trait::async_trait;
use domain::{AppId, rates::Rate};
use jiff::Timestamp;
use ledger::{Configuration, ConfigurationChange, LedgerError, Result, Settings};
use rusqlite::{Connection, OptionalExtension, params};

#[async_trait]
impl Settings for SqliteLedger {
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
}

fn rates(connection: &Connection) -> Result<Vec<Rate>> {
    let mut statement = connection
        .prepare_cached("SELECT day, currency, micros FROM exchange_rates ORDER BY day, currency")
        .map_err(failed)?;
    let rows: Vec<(String, String, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    rows.into_iter()
        .map(|(day, currency, micros_per_euro)| {
            let unreadable = |problem: String| LedgerError::Corrupt {
                table: "exchange_rates",
                id: format!("{day} {currency}"),
                problem,
            };
            Ok(Rate {
                date: day
                    .parse()
                    .map_err(|error: jiff::Error| unreadable(error.to_string()))?,
                currency: currency
                    .as_str()
                    .try_into()
                    .map_err(|error: domain::money::MoneyError| unreadable(error.to_string()))?,
                micros_per_euro,
            })
        })
        .collect()
}

fn put_rates(connection: &Connection, rates: &[Rate]) -> Result<()> {
    let mut statement = connection
        .prepare_cached("INSERT INTO exchange_rates (day, currency, micros) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET micros = excluded.micros")
        .map_err(failed)?;
    for rate in rates {
        statement
            .execute(params![
                rate.date.to_string(),
                rate.currency.code(),
                rate.micros_per_euro
            ])
            .map_err(failed)?;
    }
    Ok(())
}

fn mark(connection: &Connection, app: AppId, name: &str) -> Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT at FROM marks WHERE app = ?1 AND name = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![app.key(), name], |row| time(row, 0))
                .optional()
        })
        .map_err(failed)
}

fn set_mark(connection: &Connection, app: AppId, name: &str, at: Timestamp) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO marks (app, name, at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = excluded.at")
        .and_then(|mut statement| statement.execute(params![app.key(), name, micros(at)]))
        .map(|_| ())
        .map_err(failed)
}
