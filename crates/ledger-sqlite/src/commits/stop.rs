//! Why a commit was not written.

use ledger::LedgerError;

/// Undoes the whole write through the savepoint it runs in, and says why.
pub(super) enum Stop {
    Duplicate,
    Conflict,
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}
