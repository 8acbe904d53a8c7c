//! Forgetting somebody.

use super::{CustomerError, Customers, TRIES};
use crate::IntakeError;
use domain::ProjectId;

impl Customers {
    /// Forgets everything personal about a customer. What it bought stays known, under a name that says nothing.
    pub async fn forget(&self, project: ProjectId, name: &str) -> Result<(), CustomerError> {
        let ledger = self.core.ledger();
        for _ in 0..TRIES {
            let record = ledger
                .customer(project, name)
                .await?
                .ok_or_else(|| CustomerError::Unknown(name.to_owned()))?;
            if ledger.forget_customer(project, &record).await? {
                tracing::info!(customer.id = %record.customer.id, "a customer was forgotten");
                return Ok(());
            }
        }
        Err(IntakeError::Contended.into())
    }
}
