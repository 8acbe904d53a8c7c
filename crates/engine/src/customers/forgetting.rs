//! Forgetting somebody.

use super::{CustomerError, Customers, TRIES};
use crate::IntakeError;
use domain::ProjectId;

impl Customers {
    /// Forgets everything personal about a customer. What it bought stays known, under a name that says nothing. Of what is sent, only attempts under
    /// way name it still, and for a minute what another node has in memory.
    pub async fn forget(&self, project: ProjectId, name: &str) -> Result<(), CustomerError> {
        let ledger = self.core.ledger();
        for _ in 0..TRIES {
            let record = ledger
                .customer(project, name)
                .await?
                .ok_or_else(|| CustomerError::Unknown(name.to_owned()))?;
            if ledger.forget_customer(project, &record).await? {
                self.intake.let_go_of(&record.customer);
                tracing::info!(customer.id = %record.customer.id, "a customer was forgotten");
                return Ok(());
            }
        }
        Err(IntakeError::Contended.into())
    }
}
