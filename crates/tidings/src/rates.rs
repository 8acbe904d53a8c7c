//! `tidings rates`: exchange rates, from a file in the form the European Central Bank publishes.

use crate::{cli::Data, say};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use domain::rates::{Rates, read_csv};
use ledger::Ledger;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add the rates in a file: a header `Date,USD,JPY,...`, one line per day, units of the currency for one euro.
    Import {
        #[command(flatten)]
        data: Data,
        /// The file: the ECB's eurofxref.csv or eurofxref-hist.csv.
        file: PathBuf,
    },
    /// Say which days are known.
    List {
        #[command(flatten)]
        data: Data,
    },
}

pub(crate) async fn run(options: Options) -> Result<()> {
    match options.action {
        Action::Import { data, file } => {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let rates = read_csv(&text).with_context(|| file.display().to_string())?;
            let count = rates.len();
            data.open()?.ledger.put_rates(rates).await?;
            say::line(format!(
                "{count} rates added; a running server uses them within a minute"
            ));
        }
        Action::List { data } => {
            let all = data.open()?.ledger.rates().await?;
            let days: std::collections::BTreeSet<_> = all.iter().map(|rate| rate.date).collect();
            match (days.first(), days.last()) {
                (Some(first), Some(last)) => say::line(format!(
                    "{} rates of {} days, {first} to {last}",
                    all.len(),
                    days.len()
                )),
                _ => say::line(
                    "no rates; amounts in US dollars are known for purchases in dollars only",
                ),
            }
            let known: Rates = all.into_iter().collect();
            if let Some(newest) = known.newest() {
                say::line(format!("newest {newest}"));
            }
        }
    }
    Ok(())
}
