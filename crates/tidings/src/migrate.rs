//! `tidings migrate`: the schema of this release, and on a cluster of machines the division of its tables.

use crate::{options::Data, say};
use anyhow::{Context, Result, bail};
use clap::Args;
use ledger_postgres::distributed;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    /// Divide the tables among the machines of a Citus cluster, by customer. Stop all nodes first.
    #[arg(long)]
    distributed: bool,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let data = &options.data;
    if options.distributed && !data.is_on_postgres() {
        bail!(
            "--distributed: only a database of PostgreSQL can be distributed; name it with --database"
        );
    }
    data.open_ledger().await?;
    say::line(format!("{} is up to date", data.name()));
    if let Some(url) = data.database()?.filter(|_| options.distributed) {
        let done = distributed::distribute(&url)
            .await
            .context("the tables were left as they are")?;
        say::line(if done {
            "Its tables are divided by customer. Nodes that start from now on know it."
        } else {
            "Its tables were divided by customer already."
        });
    }
    Ok(ExitCode::SUCCESS)
}
