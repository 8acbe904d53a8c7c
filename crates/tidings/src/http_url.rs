//! Addresses that this server asks of its own accord, as they are told when it starts.

use configuration::url_problem;
use std::{fmt, str::FromStr};

/// A URL over HTTP; empty for none, as a variable of the environment says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpUrl(String);

impl HttpUrl {
    /// It, if there is one.
    pub(crate) fn told(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|url| !url.is_empty())
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match url_problem(text).filter(|_| !text.is_empty()) {
            Some(problem) => Err(problem),
            None => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_told_what_would_be_one() {
        for (text, says) in [
            ("https://rates.example/eurofxref.csv?day=1", None),
            ("http://[::1]:4318", None),
            ("", None),
            ("rates.example", Some("must begin with https:// or http://")),
            (
                "localhost:4318",
                Some("must begin with https:// or http://"),
            ),
            (
                "file:///etc/passwd",
                Some("must begin with https:// or http://"),
            ),
            ("https://", Some("has no host")),
            ("https://rates.example:port/", Some("port")),
            (
                "https://ann:secret@rates.example/",
                Some("must not contain a user name"),
            ),
            ("https://rates.example/a b", Some("white space")),
        ] {
            match (text.parse::<HttpUrl>(), says) {
                (Ok(url), None) => assert_eq!(url.told().unwrap_or_default(), text),
                (Err(error), Some(says)) => assert!(error.contains(says), "{text}: {error}"),
                (got, expected) => panic!("{text}: {got:?}, not {expected:?}"),
            }
        }
    }
}
