//! Where people and stores reach a server: a host of its own.

use crate::options::Data;
use anyhow::{Context, Result};
use destinations::check_url;
use std::{fmt, fs, io::ErrorKind, str::FromStr};

/// Where a server listens that was told nothing else.
const USUAL: &str = "http://127.0.0.1:8080";

/// A scheme and a host, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut problems = Vec::new();
        check_url("url", Some(text), &mut problems);
        if let Some(invalid) = problems.pop() {
            return Err(invalid.problem);
        }
        let url = text.trim_end_matches('/');
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        if host.contains(['/', '?', '#']) {
            return Err("has a path; give a host or port of its own, such as https://tidings.example.com, because links, forms, cookies and \
                        callbacks begin at its root"
                .into());
        }
        Ok(Self(url.to_owned()))
    }
}

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
            url: known.unwrap_or_else(|| PublicUrl(USUAL.to_owned())),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_scheme_and_a_host() {
        for (text, read) in [
            (
                "https://tidings.example.com",
                Ok("https://tidings.example.com"),
            ),
            (
                "https://tidings.example.com/",
                Ok("https://tidings.example.com"),
            ),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://[::1]:8080/", Ok("http://[::1]:8080")),
            ("https://tools.example.com/tidings", Err("has a path")),
            ("https://tools.example.com/tidings/", Err("has a path")),
            ("https://tools.example.com/?a=b", Err("has a path")),
            ("https://tools.example.com/#a", Err("has a path")),
            (
                "https://ann:secret@tools.example.com",
                Err("must not contain a user name"),
            ),
            ("tidings.example.com", Err("must begin with")),
            ("tidings.example.com/x", Err("must begin with")),
            ("ftp://tidings.example.com", Err("must begin with")),
            ("https://", Err("has no host")),
            ("", Err("must begin with")),
        ] {
            match (text.parse::<PublicUrl>(), read) {
                (Ok(url), Ok(expected)) => assert_eq!(url.to_string(), expected),
                (Err(error), Err(begins)) => assert!(error.starts_with(begins), "{text}: {error}"),
                (got, expected) => panic!("{text}: {got:?}, not {expected:?}"),
            }
        }
    }
}
