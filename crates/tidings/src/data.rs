//! Where everything is kept: a directory with a database and a key file, or a database of PostgreSQL.

use crate::cli::Data;
use anyhow::{Context, Result};
use configuration::Vault;
use engine::{System, WallSystem};
use ledger::Ledger;
use ledger_postgres::{Connections, PostgresLedger};
use ledger_sqlite::SqliteLedger;
use std::{fs, path::PathBuf, sync::Arc};

pub(crate) struct Opened {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) vault: Vault,
}

impl Data {
    /// The file of the embedded database.
    pub(crate) fn file(&self) -> PathBuf {
        self.data.join("tidings.db")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.data.join("secret.key")
    }

    /// Where secrets are opened with, for people.
    pub(crate) fn key_name(&self) -> String {
        match self.secret_key {
            Some(_) => "TIDINGS_SECRET_KEY".into(),
            None => self.key_file().display().to_string(),
        }
    }

    /// Where the data is, for people: no password.
    pub(crate) fn name(&self) -> String {
        let Some(url) = &self.database else {
            return self.file().display().to_string();
        };
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            _ => url.clone(),
        }
    }

    pub(crate) async fn open_ledger(&self) -> Result<Arc<dyn Ledger>> {
        let context = || format!("cannot open {}", self.name());
        if let Some(url) = &self.database {
            let (most, node) = (self.connections(), WallSystem.uuid());
            let opened = PostgresLedger::open(url, most, node, WallSystem.now()).await;
            return Ok(Arc::new(opened.with_context(context)?));
        }
        self.make_directory()?;
        Ok(Arc::new(
            SqliteLedger::open(self.file()).with_context(context)?,
        ))
    }

    fn make_directory(&self) -> Result<()> {
        let directory = &self.data;
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the data directory {}", directory.display()))
    }

    fn connections(&self) -> Connections {
        let most = self.connections.max(4);
        let reads = most / 2;
        Connections {
            hot: most - reads,
            reads,
        }
    }

    pub(crate) fn open_vault(&self) -> Result<Vault> {
        let opened = if let Some(key) = &self.secret_key {
            Vault::with_digits(key)
        } else {
            self.make_directory()?;
            Vault::open(&self.key_file())
        };
        opened.context("cannot open the secrets")
    }

    /// Opens both, creating what does not exist.
    pub(crate) async fn open(&self) -> Result<Opened> {
        Ok(Opened {
            vault: self.open_vault()?,
            ledger: self.open_ledger().await?,
        })
    }
}
