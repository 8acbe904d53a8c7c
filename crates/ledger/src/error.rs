//! Why the ledger could not do something.

/// Why the ledger could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The store is busy, full or gone; trying again later may help.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
    /// A stored row cannot be read.
    #[error("{table} {id} cannot be read: {problem}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that must be unique exists already, or something referred to does not exist.
    #[error("{0}")]
    Refused(String),
}

impl LedgerError {
    /// Whether trying again later may help.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Corrupt { .. } | Self::Refused(_) => false,
        }
    }
}

/// Result of a ledger operation.
pub type Result<T, E = LedgerError> = std::result::Result<T, E>;
