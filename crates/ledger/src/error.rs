//! Why the ledger could not do something.

/// Why the ledger could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The store is busy, full or gone; trying again later may help.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
    /// It and another writer were in each other's way; trying again at once may help.
    #[error("the ledger is written to from two sides: {0}")]
    Contended(String),
    /// A stored value cannot be read. It never becomes another.
    #[error("{table} {id}: {column} cannot be read: {problem}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// Which column.
        column: String,
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
            Self::Unavailable(_) | Self::Contended(_) => true,
            Self::Corrupt { .. } | Self::Refused(_) => false,
        }
    }
}

/// Result of a ledger operation.
pub type Result<T, E = LedgerError> = std::result::Result<T, E>;
