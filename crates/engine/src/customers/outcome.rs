//! What became of what was asked for a customer.

use crate::{IntakeError, Profile};
use domain::attribute::Refused;
use ledger::LedgerError;

/// Why something could not be done to a customer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CustomerError {
    /// Nobody has this name.
    #[error("there is no customer {0:?}")]
    Unknown(String),
    /// No such entitlement.
    #[error("there is no entitlement {0:?} in this project")]
    UnknownEntitlement(String),
    /// It cannot be taken in.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

impl From<LedgerError> for CustomerError {
    fn from(error: LedgerError) -> Self {
        Self::Intake(error.into())
    }
}

/// Why attributes were not written, or not all of them.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// These were refused; whether the others were written, each call says.
    #[error("some attributes were not saved")]
    Refused(Vec<Refused>),
    /// None was written.
    #[error(transparent)]
    Customer(#[from] CustomerError),
}

/// What naming a customer led to.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The customer that answers to the new name.
    pub profile: Profile,
    /// Whether the old name answers to it, too.
    pub is_alias: bool,
}
