//! Customers: named, merged, written to, given access, forgotten.
//!
//! What concerns one customer alone is written here, against its version. Whatever may tell events (a merge, a transfer, access
//! given by hand) goes through intake as a message, like everything else that leads to events.

mod attributes;
mod forgetting;
mod grants;
mod names;
mod outcome;

pub use attributes::CustomerUpdate;
pub use grants::Grant;
pub use outcome::{CustomerError, Merged, WriteError};

use crate::{Core, Intake, IntakeError, Profile, decide, intake::check_name};
use domain::{ProjectId, customer::is_ours, name::beginning};
use ledger::CustomerRecord;

/// How often something is tried against a customer that keeps changing.
const TRIES: usize = 32;

/// The room where customers are looked after. Cheap to clone.
#[derive(Clone)]
pub struct Customers {
    core: Core,
    intake: Intake,
}

impl Customers {
    /// A room that sends what may tell events through `intake`.
    pub(crate) const fn new(core: Core, intake: Intake) -> Self {
        Self { core, intake }
    }

    /// The customer with this name; made when there is none, unless only we give such names.
    pub async fn profile(&self, project: ProjectId, name: &str) -> Result<Profile, CustomerError> {
        if is_ours(name) {
            let record = self.known(project, name).await?;
            let record = record.ok_or_else(|| IntakeError::Ours(beginning(name)))?;
            let is_new = false;
            return Ok(Profile { record, is_new });
        }
        let now = self.core.system().now();
        Ok(self.intake.profile(project, name, now).await?)
    }

    /// The customer with this name, if there is one. Nobody is made.
    pub async fn known(
        &self,
        project: ProjectId,
        name: &str,
    ) -> Result<Option<CustomerRecord>, CustomerError> {
        check_name(name)?;
        Ok(self.core.ledger().customer(project, name).await?)
    }

    /// What a customer of this name would be who was made now. Nobody is.
    pub fn unmade(&self, project: ProjectId, name: &str) -> CustomerRecord {
        let now = self.core.system().now();
        CustomerRecord {
            customer: decide::named_customer(project, name.to_owned(), now),
            version: 0,
            seq: 0,
            purchases: Vec::new(),
        }
    }
}
