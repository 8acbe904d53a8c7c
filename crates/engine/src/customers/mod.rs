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

use crate::{Core, Intake, Profile};
use domain::ProjectId;

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

    /// The customer with this name; made when there is none.
    pub async fn profile(&self, project: ProjectId, name: &str) -> Result<Profile, CustomerError> {
        let now = self.core.system().now();
        Ok(self.intake.profile(project, name, now).await?)
    }
}
