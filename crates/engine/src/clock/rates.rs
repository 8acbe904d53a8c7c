//! Exchange rates that stay fresh: read again from the ledger, where another process may have added some, and fetched from a
//! URL once a day, where one is configured.

use super::Clock;
use domain::rates::Rates;
use jiff::{civil::Date, tz::TimeZone};
use sources::{Call, Purpose, rates};
use std::time::Duration;

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_mins(1);
/// How many looks make a day.
const LOOKS_A_DAY: u64 = 24 * 60;

/// What is to be said of the newest rates. Whoever has just installed a release has those it carries, which may be some weeks old and
/// serve all the same: nobody has to act before they no longer do.
#[derive(Debug, PartialEq, Eq)]
enum Age {
    Fresh,
    Old,
    TooOld,
}

impl Age {
    fn of(rates: &Rates, today: Date) -> Self {
        if !rates.serve(today) {
            Self::TooOld
        } else if rates.are_stale(today) {
            Self::Old
        } else {
            Self::Fresh
        }
    }
}

impl Clock {
    /// Keeps the rates in memory fresh until the engine stops.
    pub(crate) async fn keep_rates_fresh(self, url: Option<String>) {
        let mut fetched_at = None;
        let mut told_on = None;
        for look in 0_u64.. {
            if let Some(url) = &url
                && fetched_at.is_none_or(|at| look - at >= LOOKS_A_DAY)
            {
                match self.fetch_rates(url).await {
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
            match self.core.reload_rates().await {
                Ok(()) => self.tell_of_old_rates(&mut told_on),
                Err(error) => tracing::warn!(%error, "exchange rates could not be read"),
            }
            if !self.core.goes_on_after(LOOK).await {
                return;
            }
        }
    }

    /// Says once a day that rates are old.
    fn tell_of_old_rates(&self, told_on: &mut Option<Date>) {
        let rates = self.core.rates();
        let today = self.core.system().now().to_zoned(TimeZone::UTC).date();
        if *told_on == Some(today) {
            return;
        }
        let newest = rates.newest().map(tracing::field::display);
        match Age::of(&rates, today) {
            Age::Fresh => return,
            Age::Old => tracing::info!(
                newest,
                "exchange rates are old; amounts in dollars are off by what currencies moved since. Add newer ones with `tidings rates import` or `serve --rates-url`"
            ),
            Age::TooOld => tracing::warn!(
                newest,
                "exchange rates are too old to be used; amounts in other currencies have no dollars. Add newer ones with `tidings rates import` or `serve --rates-url`"
            ),
        }
        *told_on = Some(today);
    }

    async fn fetch_rates(&self, url: &str) -> Result<usize, String> {
        let call = Call::get(Purpose::Rates, url.to_owned(), None);
        let reply = self.core.web().call(&call).await?;
        if reply.status != 200 {
            return Err(format!("{url} answered {}", reply.status));
        }
        let text = String::from_utf8(reply.body).map_err(|error| error.to_string())?;
        let rates = rates::read(&text).map_err(|error| error.to_string())?;
        let count = rates.len();
        let put = self.core.ledger().put_rates(rates).await;
        put.map_err(|error| error.to_string())?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Age;
    use domain::rates::Rates;
    use jiff::ToSpan;
    use sources::rates::shipped;

    #[test]
    fn nobody_is_warned_of_rates_that_serve() {
        let rates: Rates = shipped().into_iter().collect();
        let newest = rates.newest().unwrap();
        let after = |days: i64| Age::of(&rates, newest.checked_add(days.days()).unwrap());
        assert_eq!(after(10), Age::Fresh);
        assert_eq!((after(11), after(92)), (Age::Old, Age::Old));
        assert_eq!(after(93), Age::TooOld);
        assert_eq!(Age::of(&Rates::default(), newest), Age::TooOld);
    }
}
