//! Why what claims to come from the App Store was not accepted.

use super::certificate::Untrusted;
use crate::RefusalCode;
use jiff::Timestamp;

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Not what a store would send.
    #[error("{0}")]
    Malformed(&'static str),
    /// Correctly signed, but without a field we need or with one of the wrong type.
    #[error("the signed payload cannot be read: {0}")]
    Unreadable(String),
    /// The chain is not trusted.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The signature does not match.
    #[error("the signature does not match the payload")]
    Signature,
    /// Another app's.
    #[error("the payload is for {found}, this app is {expected}")]
    WrongApp {
        /// What the payload names.
        found: String,
        /// What is configured.
        expected: String,
    },
    /// An environment this app does not accept.
    #[error("the payload is of environment {0}, which this app does not accept")]
    WrongEnvironment(String),
    /// Its parts speak about different purchases.
    #[error("the transaction and the renewal information are of different purchases")]
    Mismatch,
    /// Signed more than five minutes ahead of our clock: our clock is wrong, and the store should try again.
    #[error("the payload was signed at {0}, ahead of this machine's clock")]
    FromTheFuture(Timestamp),
}

impl Rejection {
    /// Whether the store should send it again.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::FromTheFuture(_) => true,
            Self::Malformed(_)
            | Self::Unreadable(_)
            | Self::Untrusted(_)
            | Self::Signature
            | Self::WrongApp { .. }
            | Self::WrongEnvironment(_)
            | Self::Mismatch => false,
        }
    }

    /// Stable code for problem bodies and counters.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Malformed(_) | Self::Unreadable(_) => RefusalCode::MalformedPayload,
            Self::Untrusted(_) => RefusalCode::UntrustedCertificate,
            Self::Signature => RefusalCode::InvalidSignature,
            Self::WrongApp { .. } => RefusalCode::WrongApp,
            Self::WrongEnvironment(_) => RefusalCode::WrongEnvironment,
            Self::Mismatch => RefusalCode::MismatchedParts,
            Self::FromTheFuture(_) => RefusalCode::SignedInTheFuture,
        }
    }
}
