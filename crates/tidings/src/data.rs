//! Where everything is kept: a directory with a database and a key file, or a database of PostgreSQL.

use crate::{
    from_file::{FromFile, with_password},
    options::Data,
};
use anyhow::{Context, Result, anyhow, bail};
use configuration::{Sealed, Vault};
use engine::{System, WallSystem};
use ledger::{Configuration, Ledger};
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
        let in_file = self.database_file.as_ref().map(FromFile::text);
        self.database.as_deref().or(in_file)
    }

    /// Whether it is kept in a database of PostgreSQL.
    pub(crate) fn is_on_postgres(&self) -> bool {
        self.url().is_some()
    }

    /// The key that was given, if it is not that of the key file.
    fn given_key(&self) -> Option<&str> {
        let in_file = self.secret_key_file.as_ref().map(FromFile::text);
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

    /// The file that says where its server is reached.
    pub(crate) fn public_url_file(&self) -> PathBuf {
        self.data.join("public-url")
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
        self.must_not_be_emptied()?;
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

    /// Refuses to begin anew where a server was before: a database that is gone or has no byte left is none that was never there, and a server that began
    /// again would take what stores go on telling for the whole of it.
    fn must_not_be_emptied(&self) -> Result<()> {
        let file = self.file();
        let is_empty = match fs::metadata(&file) {
            Ok(found) => found.len() == 0,
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot look at {}", file.display()));
            }
        };
        let server = self.public_url_file();
        if is_empty && server.exists() {
            bail!(
                "{} is gone or empty, but a server ran here before ({} is left): put the database back from a backup, or remove {} to begin anew",
                file.display(),
                server.display(),
                server.display()
            );
        }
        Ok(())
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

    /// Connections to the database at once.
    pub(crate) fn most_connections(&self) -> usize {
        if self.is_on_postgres() {
            self.connections.try_into().unwrap_or(usize::MAX)
        } else {
            0
        }
    }

    /// The key that is there, if one is.
    pub(crate) fn key(&self) -> Result<Option<Vault>> {
        let read = match self.given_key() {
            Some(key) => Vault::with_digits(key).map(Some),
            None => Vault::read(&self.key_file()),
        };
        read.context("cannot open the secrets")
    }

    /// The key that secrets were sealed with, or the one of which somebody said that it takes its place. Made where nothing is sealed yet: a
    /// second one, beside a database that was sealed with another, would lock out whatever comes with the first.
    async fn open_vault(&self, ledger: &dyn Ledger, sealed: &[Sealed<'_>]) -> Result<Vault> {
        let Some(vault) = self.key()? else {
            if !sealed.is_empty() {
                bail!(self.without_key("there is no"));
            }
            self.make_directory()?;
            return Vault::create(&self.key_file()).context("cannot make a key for secrets");
        };
        if is_another(sealed, &vault) && ledger.replaced_key().await? != Some(vault.fingerprint()) {
            bail!(self.without_key("nothing of it opens with"));
        }
        Ok(vault)
    }

    /// What helps where secrets do not open.
    pub(crate) fn how_to_mend_key(&self) -> String {
        let key = self.key_name();
        format!(
            "the key that they were sealed with belongs there ({key}); backups keep it apart. Where it is lost for good, give secrets of apps and \
             integrations again, sign in with a recovery code, and have an owner reset second factors"
        )
    }

    /// What to do about a key that is missing, or that of another installation.
    fn without_key(&self, what: &str) -> String {
        let (data, key) = (self.name(), self.key_name());
        format!(
            "{data} holds sealed secrets, but {what} {key}: put the key there that they were sealed with, which backups keep apart, or give it \
             as TIDINGS_SECRET_KEY. If it is lost for good, one start of `tidings serve --key-is-lost` makes another take its place"
        )
    }

    /// Opens both, creating what does not exist.
    pub(crate) async fn open(&self) -> Result<Opened> {
        let ledger = self.open_ledger().await?;
        let configuration = ledger.configuration().await?;
        let sealed = all_sealed(&*ledger, &configuration).await?;
        let vault = self.open_vault(&*ledger, &sealed).await?;
        Ok(Opened { ledger, vault })
    }

    /// The same for a server: where the database is a file, it has one. Whoever says that the key `is_lost` gets another, once: from then on it is
    /// remembered. What was sealed with the lost one has to be given again.
    pub(crate) async fn open_to_serve(&self, is_lost: bool) -> Result<Opened> {
        let ledger: Arc<dyn Ledger> = if self.is_on_postgres() {
            self.open_ledger().await?
        } else {
            self.make_directory()?;
            self.must_not_be_emptied()?;
            let opened = SqliteLedger::serve(self.file(), WallSystem.now()).await;
            Arc::new(opened.with_context(|| format!("cannot open {}", self.name()))?)
        };
        let configuration = ledger.configuration().await?;
        let sealed = all_sealed(&*ledger, &configuration).await?;
        let vault = if is_lost {
            self.replace_key(&*ledger, &sealed).await?
        } else {
            self.open_vault(&*ledger, &sealed).await?
        };
        for sealed in sealed {
            if !sealed.opens_with(&vault) {
                tracing::error!(whose = sealed.name, key = %self.key_name(), "secrets do not open with this key; they have to be given again");
            }
        }
        Ok(Opened { ledger, vault })
    }

    /// The key that is there, or a new one, takes the place of one that is lost. Where it is not, nothing is written down.
    async fn replace_key(&self, ledger: &dyn Ledger, sealed: &[Sealed<'_>]) -> Result<Vault> {
        let vault = match self.key()? {
            Some(vault) => vault,
            None => Vault::create(&self.key_file()).context("cannot make a key for secrets")?,
        };
        let (key, fingerprint) = (self.key_name(), vault.fingerprint());
        if !is_another(sealed, &vault) {
            tracing::warn!(%key, "--key-is-lost was given, but secrets open with the key: it is not lost");
        } else if ledger.replaced_key().await? != Some(fingerprint) {
            let by = "the operator, with --key-is-lost";
            ledger
                .replace_key(fingerprint, by, WallSystem.now())
                .await?;
            tracing::warn!(%key, "this key takes the place of the one that is lost; the next start needs no --key-is-lost");
        }
        Ok(vault)
    }
}

/// All that is sealed: settings, and what members prove beside their password.
pub(crate) async fn all_sealed<'a>(
    ledger: &dyn Ledger,
    configuration: &'a Configuration,
) -> Result<Vec<Sealed<'a>>> {
    let mut sealed = Sealed::all(configuration);
    for user in ledger.second_factors().await? {
        let factor = ledger.second_factor(user).await?;
        sealed.extend(factor.map(web::second_factor::sealed));
    }
    Ok(sealed)
}

/// Whether secrets were sealed, and with another key than this.
fn is_another(sealed: &[Sealed<'_>], vault: &Vault) -> bool {
    !sealed.is_empty() && !sealed.iter().any(|sealed| sealed.opens_with(vault))
}
