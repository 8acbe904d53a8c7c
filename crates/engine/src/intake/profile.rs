//! The customer that a message names: found, or made.

use super::{Intake, IntakeError};
use crate::decide;
use domain::{ProjectId, customer::Customer};
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, Committed, CustomerRecord, CustomerWrite};

/// How often a customer is looked for that somebody else makes or forgets at the same time.
const TRIES: i64 = 32;
/// Longest name, in bytes.
const LONGEST_NAME: usize = 255;

/// Names that are no names: what programs send when they have none. Source: RevenueCat docs, "Identifying Customers".
const BLOCKED_NAMES: &[&str] = &[
    "",
    "no_user",
    "null",
    "none",
    "nil",
    "(null)",
    "NaN",
    "\\x00",
    "unidentified",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "-1",
    "0",
    "[]",
    "{}",
    "[object Object]",
];

/// A customer as found or made.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Everything known.
    pub record: CustomerRecord,
    /// It was made just now.
    pub is_new: bool,
}

/// Whether somebody may be called this.
pub(crate) fn check_name(name: &str) -> Result<(), IntakeError> {
    let is_name = !BLOCKED_NAMES.contains(&name.trim())
        && name.len() <= LONGEST_NAME
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    if is_name {
        Ok(())
    } else {
        Err(IntakeError::Name(name.chars().take(64).collect()))
    }
}

impl Intake {
    /// The customer with this name; made when there is none, as of `now`.
    pub(crate) async fn profile(
        &self,
        project: ProjectId,
        name: &str,
        now: Timestamp,
    ) -> Result<Profile, IntakeError> {
        check_name(name)?;
        for tried in 0..TRIES {
            if let Some(record) = self.core.ledger().customer(project, name).await? {
                return Ok(Profile {
                    record,
                    is_new: false,
                });
            }
            // Ids are of a millisecond. Whoever was made under this name within it, and forgotten, has that one.
            let at = now.saturating_add(SignedDuration::from_millis(tried));
            let customer = Customer {
                first_seen: now,
                last_seen: now,
                ..decide::named_customer(project, name.to_owned(), at.unwrap_or(now))
            };
            let commit = Commit {
                customer: Some(CustomerWrite {
                    customer: customer.clone(),
                    loaded_version: None,
                    seq: 0,
                }),
                ..Commit::of(project)
            };
            if let Committed::Done { .. } = self.core.commit(commit).await? {
                return Ok(Profile {
                    record: CustomerRecord {
                        customer,
                        version: 1,
                        seq: 0,
                        purchases: Vec::new(),
                    },
                    is_new: true,
                });
            }
        }
        Err(IntakeError::Contended)
    }
}
