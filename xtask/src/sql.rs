//! What the compiler knows of the database: every statement of `ledger-postgres` with the types of its values.

use crate::tools::run_with;
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, fs, path::Path};
use throwaway::Cluster;

const CRATE: &str = "crates/ledger-postgres";

/// Asks a new PostgreSQL with our schema about each statement, and remembers the answers in `.sqlx`.
pub(crate) fn prepare() -> Result<()> {
    let known = Path::new(CRATE).join(".sqlx");
    let fresh = ask()?;
    if known.exists() {
        fs::remove_dir_all(&known)?;
    }
    fs::create_dir_all(&known)?;
    for (name, content) in fresh {
        fs::write(known.join(name), content)?;
    }
    Ok(())
}

/// Fails when `.sqlx` is not what [`prepare`] would write.
pub(crate) fn check() -> Result<()> {
    if read(&Path::new(CRATE).join(".sqlx"))? != ask()? {
        bail!("{CRATE}/.sqlx is not up to date: run `cargo xtask sql`");
    }
    Ok(())
}

fn read(directory: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).with_context(|| format!("{}", directory.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        files.insert(name, fs::read_to_string(&path)?);
    }
    Ok(files)
}

fn ask() -> Result<BTreeMap<String, String>> {
    let cluster = Cluster::start(&[])?;
    let url = cluster.database()?;
    let database = url.rsplit('/').next().unwrap_or_default();
    let mut migrations: Vec<_> = fs::read_dir(Path::new(CRATE).join("migrations"))?
        .collect::<Result<_, _>>()
        .context("the migrations cannot be read")?;
    migrations.sort_by_key(fs::DirEntry::file_name);
    for migration in migrations {
        cluster.run_sql(database, &fs::read_to_string(migration.path())?)?;
    }
    let directory = cluster.directory().with_extension("sqlx");
    fs::create_dir_all(&directory)?;
    // Statements are asked about while they are compiled.
    let library = Path::new(CRATE).join("src/lib.rs");
    fs::write(&library, fs::read(&library)?)?;
    let words = ["check", "-p", "ledger-postgres", "--locked"];
    run_with(
        "cargo",
        &words,
        &[
            ("DATABASE_URL", &url),
            ("SQLX_OFFLINE", "false"),
            ("SQLX_OFFLINE_DIR", &directory.to_string_lossy()),
        ],
    )?;
    let files = read(&directory)?;
    fs::remove_dir_all(&directory)?;
    Ok(files)
}
