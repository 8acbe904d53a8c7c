//! Why there was no answer.

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address is internal and not allowed.
    #[error("{0}")]
    Blocked(String),
    /// Name lookup, connection, TLS or time-out.
    #[error("{0}")]
    Network(String),
}
