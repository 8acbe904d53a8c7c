//! Chains that time alone may change.

use crate::Result;
use async_trait::async_trait;
use domain::{AppId, ChainKey, CustomerId, ProjectId};
use jiff::{SignedDuration, Timestamp};

/// No look is planned further ahead of the next thing that time may change than this: a clock that was ahead by so much may have passed something over
/// whose look it planned within as much and this.
pub const LOOKS_WITHIN: SignedDuration = domain::snapshot::LAPSE_LIMIT;

/// When each chain is to be looked at next.
#[async_trait]
pub trait Checks: Send + Sync + 'static {
    /// Chains of any but these apps that time alone may have changed, earliest first.
    async fn due_checks(
        &self,
        now: Timestamp,
        except: &[AppId],
        limit: usize,
    ) -> Result<Vec<DueCheck>>;
    /// Looks at a chain again at `at` instead, unless it was written meanwhile.
    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()>;
}

/// A chain that time alone may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    /// Its project.
    pub project: ProjectId,
    /// Its app.
    pub app: AppId,
    /// Its key.
    pub chain: ChainKey,
    /// Its customer.
    pub customer: CustomerId,
    /// When it was due.
    pub check_at: Timestamp,
}
