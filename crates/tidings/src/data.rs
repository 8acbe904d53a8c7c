//! Where everything is kept: a directory with a database and a key file, or a database of PostgreSQL.

use crate::{cli::Data, from_file::with_password};
use anyhow::{Context, Result, anyhow};
use configuration::Vault;
use engine::{System, WallSystem};
use ledger::Ledger;
use ledger_postgres::{Connections, PostgresLedger};
use ledger_sqlite::SqliteLedger;
use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) struct Opened {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) vault: Vault,
}

impl Data {
    /// That of a directory.
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            data: directory.to_owned(),
            database: None,
            database_file: None,
            database_password_file: None,
            connections: 0,
            secret_key: None,
            secret_key_file: None,
        }
    }

    /// The URL of the database of PostgreSQL, if it is kept there.
    pub(crate) fn database(&self) -> Result<Option<String>> {
        let Some(url) = self.url() else {
            return Ok(None);
        };
        let Some(password) = &self.database_password_file else {
            return Ok(Some(url.to_owned()));
        };
        let whole = with_password(url, password.text());
        whole
            .map(Some)
            .map_err(|why| anyhow!("--database-password-file: {why}"))
    }

    fn url(&self) -> Option<&str> {
        let in_file = self.database_file.as_ref().map(|file| file.text());
        self.database.as_deref().or(in_file)
    }

    /// Whether it is kept in a database of PostgreSQL.
    pub(crate) fn is_on_postgres(&self) -> bool {
        self.url().is_some()
    }

    /// The key that was given, if it is not that of the key file.
    fn given_key(&self) -> Option<&str> {
        let in_file = self.secret_key_file.as_ref().map(|file| file.text());
        self.secret_key.as_deref().or(in_file)
    }

    /// Whether the key is in the data directory.
    pub(crate) fn has_key_file(&self) -> bool {
        self.given_key().is_none()
    }

    /// The file of the embedded database.
    pub(crate) fn file(&self) -> PathBuf {
        self.data.join("tidings.db")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.data.join("secret.key")
    }

    /// Where secrets are opened with, for people.
    pub(crate) fn key_name(&self) -> String {
        match (&self.secret_key, &self.secret_key_file) {
            (Some(_), _) => "TIDINGS_SECRET_KEY".into(),
            (None, Some(_)) => "the file of --secret-key-file".into(),
            (None, None) => self.key_file().display().to_string(),
        }
    }

    /// Where the data is, for people: no password.
    pub(crate) fn name(&self) -> String {
        let Some(url) = self.url() else {
            return self.file().display().to_string();
        };
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            _ => url.to_owned(),
        }
    }

    pub(crate) async fn open_ledger(&self) -> Result<Arc<dyn Ledger>> {
        let context = || format!("cannot open {}", self.name());
        if let Some(url) = self.database()? {
            let (most, node) = (self.connections(), WallSystem.uuid());
            let opened = PostgresLedger::open(&url, most, node, WallSystem.now()).await;
            return Ok(Arc::new(opened.with_context(context)?));
        }
        self.make_directory()?;
        Ok(Arc::new(
            SqliteLedger::open(self.file()).with_context(context)?,
        ))
    }

    fn make_directory(&self) -> Result<()> {
        let directory = &self.data;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot create the data directory {}", directory.display()))
    }

    /// What of it others of this machine may read or change, each with its mode: the directory, the database with its log, the key
    /// file.
    pub(crate) fn exposed(&self) -> Result<Vec<(PathBuf, u32)>> {
        let mut all = Vec::new();
        if !self.is_on_postgres() {
            all.push(self.data.clone());
            let file = self.file();
            all.extend(["", "-wal", "-shm"].map(|end| {
                let mut name = file.clone().into_os_string();
                name.push(end);
                name.into()
            }));
        }
        if self.has_key_file() {
            all.push(self.key_file());
        }
        let mut exposed = Vec::new();
        for path in all {
            let mode = match fs::metadata(&path) {
                Ok(about) => about.permissions().mode() & 0o777,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot look at {}", path.display()));
                }
            };
            if mode & 0o077 != 0 {
                exposed.push((path, mode));
            }
        }
        Ok(exposed)
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
        let opened = if let Some(key) = self.given_key() {
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
