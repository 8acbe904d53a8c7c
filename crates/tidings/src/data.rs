//! The data directory: a database and a key file.

use crate::cli::Data;
use anyhow::{Context, Result};
use engine::Vault;
use ledger_sqlite::SqliteLedger;
use std::{fs, path::PathBuf};

pub(crate) struct Opened {
    pub(crate) ledger: SqliteLedger,
    pub(crate) vault: Vault,
}

impl Data {
    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("tidings.db")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.data.join("secret.key")
    }

    /// Opens both, creating what does not exist.
    pub(crate) fn open(&self) -> Result<Opened> {
        fs::create_dir_all(&self.data)
            .with_context(|| format!("cannot create the data directory {}", self.data.display()))?;
        let vault = Vault::open(&self.key_file()).context("cannot open the secrets")?;
        let ledger = SqliteLedger::open(self.database())
            .with_context(|| format!("cannot open {}", self.database().display()))?;
        Ok(Opened { ledger, vault })
    }
}
