//! `tidings rates`: exchange rates, from a file in the form the European Central Bank publishes.

use crate::{options::Data, say};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use domain::rates::Rate;
use engine::System;
use jiff::tz::TimeZone;
use sources::rates;
use std::{collections::BTreeSet, path::PathBuf};
use web::counted;

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
            let rates = rates::read(&text).with_context(|| file.display().to_string())?;
            let count = rates.len();
            data.open_ledger().await?.put_rates(rates).await?;
            say::line(format!(
                "{} added; a running server uses them within a minute",
                counted(count, "rate")
            ));
        }
        Action::List { data } => {
            let added = data.open_ledger().await?.rates().await?;
            say::line(extent("shipped with this release", &rates::shipped()));
            say::line(extent("added", &added));
            let today = engine::WallSystem.now().to_zoned(TimeZone::UTC).date();
            if rates::with_shipped(added).are_stale(today) {
                say::line(
                    "the newest rates are old: add newer ones with `tidings rates import`, or `serve --rates-url`",
                );
            }
        }
    }
    Ok(())
}

fn extent(what: &str, rates: &[Rate]) -> String {
    let days: BTreeSet<_> = rates.iter().map(|rate| rate.date).collect();
    match (days.first(), days.last()) {
        (Some(first), Some(last)) => format!(
            "{what}: {} of {}, {first} to {last}",
            counted(rates.len(), "rate"),
            counted(days.len(), "day")
        ),
        _ => format!("{what}: none"),
    }
}
