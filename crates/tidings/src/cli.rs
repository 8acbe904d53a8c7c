//! The command line: what there is to run. Each has its options where it runs.

use crate::{
    apply, backup, compare, copy, demo, doctor, import, keys, migrate,
    options::{Data, ServeOptions},
    rates, rederive, say, serve, sign_in_link, simulate, verify,
};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tells your systems what happened to your customers' subscriptions.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(ServeOptions),
    /// Run a server with simulated stores and receivers, in a temporary directory.
    Demo(demo::Options),
    /// Create or update a project from a file; shows the plan first.
    Apply(apply::Options),
    /// Print an example project file, explained line by line.
    Example,
    /// Make, list and revoke API keys.
    Keys(keys::Options),
    /// Make a link that signs in, once, as somebody who may do everything.
    SignInLink(sign_in_link::Options),
    /// Drive a running server with simulated customers of the stores.
    Simulate(simulate::Options),
    /// Bring customers and their purchases in from a file.
    Import(import::Options),
    /// Compare what another vendor's webhooks told with what ours tell; nothing is changed.
    Compare(compare::Options),
    /// Compare every event with what the raw messages lead to.
    Rederive(rederive::Options),
    /// Add and list exchange rates.
    Rates(rates::Options),
    /// Move a whole installation from SQLite to PostgreSQL.
    Copy(copy::Options),
    /// Bring the schema of the database up to date; `serve` does it too.
    Migrate(migrate::Options),
    /// Copy the embedded database to a file while its server runs.
    Backup(backup::Options),
    /// Check the data, and say what a server with the same options may reach.
    Doctor(doctor::Options),
    /// Check, customer by customer, everything that always holds; a server may run meanwhile.
    Verify(Data),
}

impl Command {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Serve(options) => serve::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Demo(options) => demo::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Apply(options) => apply::run(&options).await,
            Self::Example => {
                say::line(include_str!("../../../examples/project.toml").trim_end());
                Ok(ExitCode::SUCCESS)
            }
            Self::Keys(options) => keys::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::SignInLink(options) => {
                sign_in_link::run(options).await.map(|()| ExitCode::SUCCESS)
            }
            Self::Simulate(options) => simulate::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Import(options) => import::run(&options).await,
            Self::Compare(options) => compare::run(&options).await,
            Self::Rederive(options) => rederive::run(&options).await,
            Self::Rates(options) => rates::run(options).await.map(|()| ExitCode::SUCCESS),
            Self::Copy(options) => copy::run(&options).await,
            Self::Migrate(options) => migrate::run(&options).await,
            Self::Backup(options) => backup::run(&options),
            Self::Doctor(options) => doctor::run(&options).await,
            Self::Verify(data) => verify::run(&data).await,
        }
    }
}
