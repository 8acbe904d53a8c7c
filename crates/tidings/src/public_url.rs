//! Where people and stores reach a server: a host of its own.

use configuration::url_problem;
use std::{fmt, str::FromStr};

/// Where a server listens that was told nothing else.
const USUAL: &str = "http://127.0.0.1:8080";

/// A scheme and a host, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// Of a server that was told nothing else.
    pub(crate) fn usual() -> Self {
        Self(USUAL.to_owned())
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(problem) = url_problem(text) {
            return Err(problem);
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
            ("https://tools.example.com/#a", Err("has a fragment")),
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
