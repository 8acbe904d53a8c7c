//! How long is kept what does not stay for ever.

use domain::time::before;
use jiff::{SignedDuration, Timestamp};
use ledger::KeptSince;

/// How many days attempts are kept, with their requests and answers.
const ATTEMPTS_DAYS: u16 = 30;

/// How long the audit log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that entries are kept: about configuration, accounts and signing in, and what members do.
    pub audit_days: u16,
    /// Days that entries are kept about what programs write of customers.
    pub program_audit_days: u16,
}

impl Retention {
    /// Where nothing else is asked for.
    pub const DEFAULT: Self = Self {
        audit_days: 730,
        program_audit_days: 90,
    };

    /// Since when everything is kept.
    pub(crate) fn since(self, now: Timestamp) -> KeptSince {
        let kept = |days: u16| before(now, SignedDuration::from_hours(24 * i64::from(days)));
        KeptSince {
            attempts: kept(ATTEMPTS_DAYS),
            audit: kept(self.audit_days),
            audit_of_programs: kept(self.program_audit_days),
        }
    }
}
