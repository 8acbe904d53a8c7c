//! Exchange rates that stay fresh: read again from the ledger, where another process may have added some, and fetched from a
//! URL once a day, where one is configured.

use crate::Engine;
use sources::{Call, rates};
use std::time::Duration;

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_secs(60);
/// How many looks make a day.
const LOOKS_A_DAY: u64 = 24 * 60;

impl Engine {
    /// Keeps the rates in memory fresh until the engine stops.
    pub fn keep_rates_fresh(&self, url: Option<String>) {
        let engine = self.clone();
        tokio::spawn(async move {
            let mut stopping = engine.stopping();
            let mut fetched_at = None;
            let mut warned_on = None;
            for look in 0_u64.. {
                if let Some(url) = &url
                    && fetched_at.is_none_or(|at| look - at >= LOOKS_A_DAY)
                {
                    match engine.fetch_rates(url).await {
                        Ok(count) => {
                            fetched_at = Some(look);
                            tracing::info!(count, "exchange rates were fetched");
                        }
                        Err(problem) => {
                            tracing::warn!(
                                problem,
                                "exchange rates could not be fetched; trying again in a minute"
                            );
                        }
                    }
                }
                match engine.core().reload_rates().await {
                    Ok(()) => {
                        let rates = engine.rates();
                        let today = engine.today();
                        if rates.are_stale(today) && warned_on != Some(today) {
                            warned_on = Some(today);
                            tracing::warn!(
                                newest = rates.newest().map(tracing::field::display),
                                "exchange rates are old; amounts in dollars are off by what currencies moved since. Add newer ones with `tidings rates import` or `serve --rates-url`"
                            );
                        }
                    }
                    Err(error) => tracing::warn!(%error, "exchange rates could not be read"),
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                }
            }
        });
    }

    fn today(&self) -> jiff::civil::Date {
        self.system().now().to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// Adds rates; they are in effect at once.
    pub async fn add_rates(
        &self,
        rates: Vec<domain::rates::Rate>,
    ) -> Result<(), ledger::LedgerError> {
        self.ledger().put_rates(rates).await?;
        self.core().reload_rates().await
    }

    async fn fetch_rates(&self, url: &str) -> Result<usize, String> {
        let reply = self.web().call(&Call::get(url.to_owned(), None)).await?;
        if reply.status != 200 {
            return Err(format!("{url} answered {}", reply.status));
        }
        let text = String::from_utf8(reply.body).map_err(|error| error.to_string())?;
        let rates = rates::read(&text).map_err(|error| error.to_string())?;
        let count = rates.len();
        self.ledger()
            .put_rates(rates)
            .await
            .map_err(|error| error.to_string())?;
        Ok(count)
    }
}
