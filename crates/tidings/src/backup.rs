//! `tidings backup`: a copy of the embedded database while its server runs.

use crate::{options::Data, say};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: Data,
    /// The file to write; it must not exist.
    #[arg(long)]
    to: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let data = &options.data;
    if data.is_on_postgres() {
        bail!(
            "a database of PostgreSQL is copied by PostgreSQL: pg_dump --format=custom --file copy.dump \"$TIDINGS_DATABASE\""
        );
    }
    let file = data.file();
    if !file.is_file() {
        bail!("there is no database {}", file.display());
    }
    let size = ledger_sqlite::backup(&file, &options.to)
        .map_err(anyhow::Error::from)
        .and_then(|()| Ok(std::fs::metadata(&options.to)?.len()))
        .with_context(|| format!("{} was not copied", file.display()))?;
    say::line(format!(
        "{} was copied to {} ({} KiB)",
        file.display(),
        options.to.display(),
        size / 1024
    ));
    say::line(format!(
        "Keep {} as well, elsewhere: the copy's secrets open with nothing else.",
        data.key_name()
    ));
    Ok(ExitCode::SUCCESS)
}
