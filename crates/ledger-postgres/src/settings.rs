//! Configuration, exchange rates and marks.

use crate::{
    PostgresLedger,
    audit::note,
    codec::{failed, micros, signed},
    configuration,
};
use async_trait::async_trait;
use domain::{AppId, rates::Rate};
use jiff::Timestamp;
use ledger::{
    Configuration, ConfigurationChange, Requeue, Result, Settings, Shown, codec::Stored,
    key_replaced,
};
use sqlx::PgPool;
use std::collections::BTreeMap;

#[async_trait]
impl Settings for PostgresLedger {
    async fn configuration(&self) -> Result<Configuration> {
        configuration::read(&self.reads).await
    }
    async fn configuration_revision(&self) -> Result<u64> {
        configuration::revision(&self.hot).await
    }
    async fn configure_and_requeue(
        &self,
        revision: u64,
        changes: Vec<ConfigurationChange>,
        again: Vec<Requeue>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let done = configuration::apply(&self.reads, revision, &changes, &again, by, now).await?;
        self.news.spread();
        Ok(done)
    }
    async fn rates(&self) -> Result<Vec<Rate>> {
        rates(&self.reads).await
    }
    async fn put_rates(&self, rates: Vec<Rate>) -> Result<()> {
        put_rates(&self.reads, &rates).await
    }
    async fn mark(&self, app: AppId, name: &str) -> Result<Option<Timestamp>> {
        mark(&self.hot, app, name).await
    }
    async fn set_mark(&self, app: AppId, name: &str, at: Timestamp) -> Result<()> {
        set_mark(&self.hot, app, name, at).await
    }
    async fn replaced_key(&self) -> Result<Option<u64>> {
        let found = sqlx::query_scalar!("select value from meta where name = 'replaced_key'")
            .fetch_optional(&self.reads)
            .await
            .map_err(failed)?;
        let of = Stored::new("meta", &"replaced_key");
        found.map(|value| of.number("value", value)).transpose()
    }
    async fn replace_key(&self, fingerprint: u64, by: &str, now: Timestamp) -> Result<()> {
        let mut tx = self.reads.begin().await.map_err(failed)?;
        sqlx::query!(
            "insert into meta (name, value) values ('replaced_key', $1) on conflict (name) do update set value = excluded.value",
            signed(fingerprint)
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        note(&mut *tx, &key_replaced(by, now), Shown::default()).await?;
        tx.commit().await.map_err(failed)
    }
}

async fn rates(pool: &PgPool) -> Result<Vec<Rate>> {
    let found =
        sqlx::query!("select day, currency, micros from exchange_rates order by day, currency")
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    found
        .into_iter()
        .map(|row| {
            let id = format!("{} {}", row.day, row.currency);
            let of = Stored::new("exchange_rates", &id);
            Ok(Rate {
                date: row
                    .day
                    .parse()
                    .map_err(|error: jiff::Error| of.corrupt("day", error))?,
                currency: row
                    .currency
                    .as_str()
                    .try_into()
                    .map_err(|error: domain::money::MoneyError| of.corrupt("currency", error))?,
                micros_per_euro: row.micros,
            })
        })
        .collect()
}

async fn put_rates(pool: &PgPool, rates: &[Rate]) -> Result<()> {
    // The last of the same day and currency counts; one statement may not touch a row twice.
    let mut by_day = BTreeMap::new();
    for rate in rates {
        let key = (rate.date.to_string(), rate.currency.code().to_owned());
        by_day.insert(key, rate.micros_per_euro);
    }
    let (mut days, mut currencies, mut values) = (vec![], vec![], vec![]);
    for ((day, currency), value) in by_day {
        days.push(day);
        currencies.push(currency);
        values.push(value);
    }
    sqlx::query!(
        "insert into exchange_rates (day, currency, micros) select * from unnest($1::text[], $2::text[], $3::bigint[])
         on conflict (day, currency) do update set micros = excluded.micros",
        &days, &currencies, &values
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}

async fn mark(pool: &PgPool, app: AppId, name: &str) -> Result<Option<Timestamp>> {
    let at = sqlx::query_scalar!(
        "select at from marks where app = $1 and name = $2",
        app.uuid(),
        name
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    at.map(|at| Stored::new("marks", &app).time("at", at))
        .transpose()
}

async fn set_mark(pool: &PgPool, app: AppId, name: &str, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "insert into marks (app, name, at) values ($1, $2, $3) on conflict (app, name) do update set at = excluded.at",
        app.uuid(), name, micros(at)
    )
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(failed)
}
