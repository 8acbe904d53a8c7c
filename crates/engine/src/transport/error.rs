//! Why there was no answer.

use std::time::Duration;

/// That no answer came in time, for people.
pub(super) fn late(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address is internal and not allowed.
    #[error("{0}")]
    Blocked(String),
    /// Nothing went out: name lookup, connection or TLS.
    #[error("{0}")]
    Network(String),
    /// It was sent, or some of it, and no answer came: nobody knows whether it was taken.
    #[error("{0}")]
    Unanswered(String),
}

impl TransportError {
    /// The same in other words.
    #[must_use]
    pub fn in_words(self, words: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Blocked(why) => Self::Blocked(words(&why)),
            Self::Network(why) => Self::Network(words(&why)),
            Self::Unanswered(why) => Self::Unanswered(words(&why)),
        }
    }
}
