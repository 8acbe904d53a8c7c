//! The customer that a message names: found, or made.

use super::{Intake, IntakeError};
use crate::decide;
use domain::{
    ProjectId,
    customer::{A_CLIENT_NAME, A_NAME, Customer, is_client_name, is_name, is_ours},
    name::beginning,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, Committed, CustomerRecord, CustomerWrite};

/// How often a customer is looked for that somebody else makes or forgets at the same time.
const TRIES: i64 = 32;
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
    if is_name(name) {
        Ok(())
    } else {
        Err(IntakeError::Name(beginning(name), A_NAME))
    }
}

/// Whether somebody may be called this by whoever sends in a purchase, as clients do.
pub(crate) fn check_given(name: &str) -> Result<(), IntakeError> {
    if !is_client_name(name) {
        return Err(IntakeError::Name(beginning(name), A_CLIENT_NAME));
    }
    if is_ours(name) {
        Err(IntakeError::Ours(beginning(name)))
    } else {
        Ok(())
    }
}

/// The same by whoever speaks for the project and knows its own ids.
pub(super) fn check_vouched(name: &str) -> Result<(), IntakeError> {
    check_name(name)?;
    if is_ours(name) {
        Err(IntakeError::Ours(beginning(name)))
    } else {
        Ok(())
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
        self.profile_as_called(project, name, now).await
    }

    /// The same of a name that came in before, and is what it was then.
    pub(super) async fn profile_as_called(
        &self,
        project: ProjectId,
        name: &str,
        now: Timestamp,
    ) -> Result<Profile, IntakeError> {
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
