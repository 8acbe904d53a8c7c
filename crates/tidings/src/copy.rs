//! `tidings copy`: a whole installation moves from SQLite to PostgreSQL.

use crate::say;
use anyhow::{Context, Result, bail};
use clap::Args;
use engine::{System, WallSystem};
use ledger::copy::Table;
use ledger_postgres::Import;
use ledger_sqlite::{Export, Key};
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Rows written at once.
const BATCH: usize = 2_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What is copied: `sqlite:` and the data directory, or the file in it. Stop its server first; it is only read.
    #[arg(long)]
    from: String,
    /// Where to: an empty database, `postgres://user:password@host/database`. A copy that was broken off goes on.
    #[arg(long)]
    to: String,
}

fn source(from: &str) -> Result<PathBuf> {
    let Some(path) = from.strip_prefix("sqlite:") else {
        bail!("--from {from:?}: `sqlite:` and a data directory, such as sqlite:tidings-data");
    };
    let path = PathBuf::from(path);
    let file = if path.is_dir() {
        path.join("tidings.db")
    } else {
        path
    };
    if !file.is_file() {
        bail!("--from: there is no database {}", file.display());
    }
    Ok(file)
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let file = source(&options.from)?;
    if !options.to.starts_with("postgres") {
        bail!("--to: a database of PostgreSQL, postgres://user:password@host/database");
    }
    // A server of this release has brought the file up to date.
    drop(
        ledger_sqlite::SqliteLedger::open(&file)
            .with_context(|| format!("cannot open {}", file.display()))?,
    );
    let export = Export::open(&file).with_context(|| format!("cannot open {}", file.display()))?;
    let import = Import::open(&options.to, WallSystem.now())
        .await
        .context("cannot copy to this database")?;
    let mut differ = 0;
    for table in Import::tables() {
        fill(&export, &import, table).await?;
        differ += u32::from(!is_same(&export, &import, table, &file).await?);
    }
    if differ > 0 {
        say::line(
            "Some tables differ: does a server still write to one of the two? Copy again into an empty database.",
        );
        return Ok(ExitCode::FAILURE);
    }
    let (revision, replaced_key) = (export.revision()?, export.replaced_key()?);
    import.finish(revision, replaced_key).await?;
    let key = file.with_file_name("secret.key");
    say::line(format!(
        "Everything was copied. Start `tidings serve --database ...` with the key in {} as TIDINGS_SECRET_KEY.",
        key.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Copies what is missing of a table.
async fn fill(export: &Export, import: &Import, table: &Table) -> Result<()> {
    let bar = std::io::stderr().is_terminal();
    let total = export.count(table)?;
    let mut after = match import.progress(table).await? {
        None => None,
        Some(text) => Some(Key::parse(&text).with_context(|| {
            format!(
                "how far table {} was copied cannot be read: {text}",
                table.name
            )
        })?),
    };
    let mut done = 0;
    loop {
        let (rows, last) = export.rows(table, after.as_ref(), BATCH)?;
        let Some(key) = last else { break };
        import
            .put(table, &rows, &key.to_string())
            .await
            .with_context(|| format!("table {}", table.name))?;
        done += rows.len() as u64;
        after = Some(key);
        if bar {
            let percent = done * 100 / total.max(1);
            write!(
                std::io::stderr(),
                "\r{:<15} {percent:>3} % of {total}",
                table.name
            )?;
        }
    }
    if bar {
        write!(std::io::stderr(), "\r{:60}\r", "")?;
    }
    Ok(())
}

/// Whether both sides add up to the same, which is said.
async fn is_same(export: &Export, import: &Import, table: &Table, file: &Path) -> Result<bool> {
    let (here, there) = (export.sum(table)?, import.sum(table).await?);
    let verdict = if here == there { "ok  " } else { "FAIL" };
    say::line(format!(
        "{verdict} {:<15} {:>9} rows  {:032x}",
        table.name, there.rows, there.digest
    ));
    if here != there {
        say::line(format!(
            "     {:<15} {:>9} rows  {:032x} in {}",
            "",
            here.rows,
            here.digest,
            file.display()
        ));
    }
    Ok(here == there)
}
