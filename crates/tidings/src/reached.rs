//! Where the server of some data is reached, for commands that run beside it.

use crate::{options::Data, public_url::PublicUrl};
use anyhow::{Context, Result};
use std::{fs, io::ErrorKind};

/// Where the server of some data is reached, as far as whoever runs beside it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) url: PublicUrl,
    /// Nobody said so: it is where servers are usually reached.
    pub(crate) is_guessed: bool,
}

impl Data {
    /// Keeps where its server is reached, for the commands that run beside it.
    ///
    /// A database of PostgreSQL has no directory that all of them share: there they have to be told.
    pub(crate) fn keep_public_url(&self, url: &str) -> Result<()> {
        if self.is_on_postgres() {
            return Ok(());
        }
        let file = self.public_url_file();
        fs::write(&file, format!("{url}\n"))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Where its server is reached: as `given`, or as it was started last.
    pub(crate) fn reached(&self, given: Option<&PublicUrl>) -> Result<Reached> {
        let known = match given {
            Some(url) => Some(url.clone()),
            None => self.kept_public_url()?,
        };
        Ok(Reached {
            is_guessed: known.is_none(),
            url: known.unwrap_or_else(PublicUrl::usual),
        })
    }

    fn kept_public_url(&self) -> Result<Option<PublicUrl>> {
        if self.is_on_postgres() {
            return Ok(None);
        }
        let file = self.public_url_file();
        match fs::read_to_string(&file) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }
}

impl Reached {
    /// What is said of a guess.
    pub(crate) fn remark(&self) -> Option<String> {
        let url = &self.url;
        self.is_guessed.then(|| {
            format!("The server's address is not known here, and {url} is a guess: give its --public-url.")
        })
    }
}
