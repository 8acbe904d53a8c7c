//! Second factors: what a member proves beside the password.

use crate::Result;
use async_trait::async_trait;
use domain::UserId;
use jiff::Timestamp;

/// Second factors of members. They go with their member.
#[async_trait]
pub trait SecondFactors: Send + Sync + 'static {
    /// A member's, if it has one.
    async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>>;
    /// Who has one.
    async fn second_factors(&self) -> Result<Vec<UserId>>;
    /// Gives a member one, with the digests of its recovery codes; `false` when it has one, which stays as it is.
    async fn put_second_factor(&self, factor: SecondFactor, codes: Vec<String>) -> Result<bool>;
    /// Takes it away; whether there was one.
    async fn remove_second_factor(&self, user: UserId) -> Result<bool>;
    /// Takes it away where this code of it is good, and goes with it; whether it was.
    async fn give_up_second_factor(&self, user: UserId, code: FactorCode) -> Result<bool>;
}

/// A code of a second factor. It is used up with what it lets somebody do and not before: where that fails, the code is good still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorCode {
    /// One that the phone made: good once, and not after a later one.
    Step {
        /// Of which half minute.
        step: u64,
        /// When the factor was made that it is a code of: no other takes it.
        made_at: Timestamp,
    },
    /// One of those on paper, by its digest.
    Recovery(String),
}

/// What a member proves beside the password: that it has what makes its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whose.
    pub user: UserId,
    /// What makes the codes, sealed.
    pub secret: Vec<u8>,
    /// The newest step whose code was used.
    pub step: u64,
    /// Since when.
    pub made_at: Timestamp,
    /// How many recovery codes are left; they are written by [`SecondFactors::put_second_factor`].
    pub recovery_codes: u64,
}
